//! edu_minimal in user mode: the same device, requests and interrupts, as a UMDF 2 driver.
//!
//! An app sends n; the device computes n! and interrupts. EvtInterruptIsr saves the causes, and EvtInterruptWorkItem
//! completes the request. Both run in the host process at PASSIVE_LEVEL, so one lock guards everything: the interrupt's,
//! under which the framework calls EvtInterruptIsr, EvtInterruptEnable and EvtInterruptDisable.
//!
//! There is no DMA: UMDF has neither common buffers nor transactions, and a driver that needs them runs in the kernel.
//!
//! The layer over KMDF that the other drivers use does not cover UMDF, so `wdf` has what this driver needs of the framework.
#![no_std]

mod wdf;

use core::{cell::UnsafeCell, mem::take, panic::PanicInfo};

use wdf::{Context, Registers, Result, check, status, wdf};
use wdk_sys::{
    BOOLEAN, GUID, NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, STATUS_CANCELLED,
    STATUS_INVALID_DEVICE_REQUEST, ULONG, WDF_DRIVER_CONFIG, WDF_INTERRUPT_CONFIG,
    WDF_IO_QUEUE_CONFIG, WDF_PNPPOWER_EVENT_CALLBACKS, WDFCMRESLIST, WDFDEVICE, WDFDRIVER,
    WDFINTERRUPT, WDFOBJECT, WDFQUEUE, WDFREQUEST,
};

/// The class of the device's interface, and its control code: n in, n! out.
static INTERFACE: GUID = GUID {
    Data1: 0x8D9E_6F1A,
    Data2: 0x2C5B,
    Data3: 0x4E0D,
    Data4: [0x9A, 0x37, 0x51, 0xC4, 0x6C, 0x0E, 0x11, 0xE8],
};
const FACTORIAL_REQUEST: u32 = 0x0022_E008;

/// Registers of BAR 0, and bits of the status and of the interrupt status.
const FACTORIAL: usize = 0x08;
const STATUS: usize = 0x20;
const INTERRUPT_STATUS: usize = 0x24;
const INTERRUPT_ACKNOWLEDGE: usize = 0x64;
const BAR_LENGTH: usize = 0x68;
const COMPUTING: u32 = 0x01;
const INTERRUPT_WHEN_DONE: u32 = 0x80;
const DONE: u32 = 0x01;

/// The context of the device.
struct EduDevice {
    /// Never changes.
    interrupt: WDFINTERRUPT,
    state: UnsafeCell<State>,
}
wdf::context_type!(EduDevice, c"EduDevice");

/// What the interrupt's lock guards.
#[derive(Default)]
struct State {
    bar: Option<Registers>,
    /// The request, and its operand until the device has it.
    pending: Option<(WDFREQUEST, Option<u32>)>,
    causes: u32,
}

impl EduDevice {
    fn locked<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        wdf!(WdfInterruptAcquireLock, self.interrupt);
        // SAFETY: the lock is held.
        let result = act(unsafe { self.state() });
        wdf!(WdfInterruptReleaseLock, self.interrupt);
        result
    }

    /// # Safety
    ///
    /// The interrupt's lock is held, and nothing else has the state.
    #[expect(clippy::mut_from_ref, reason = "the lock makes it the only one")]
    unsafe fn state(&self) -> &mut State {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.state.get() }
    }
}

impl State {
    /// Starts the pending request if the device is idle. Returns the request with its result if it is done.
    fn advance(&mut self) -> Option<(WDFREQUEST, u32)> {
        let (bar, (_, operand)) = (self.bar.as_ref()?, self.pending.as_mut()?);
        let (status, result) = (bar.read(STATUS), bar.read(FACTORIAL));
        if status & COMPUTING != 0 || result == u32::MAX {
            return None; // It still computes for a request that was stopped, or was removed: EvtIoStop follows.
        }
        if let Some(operand) = operand.take() {
            bar.write(FACTORIAL, operand);
            return None;
        }
        self.pending.take().map(|(request, _)| (request, result))
    }

    fn set_interrupts(&self, status: u32) {
        if let Some(bar) = &self.bar {
            bar.write(STATUS, status);
        }
    }
}

/// The driver's entry point.
///
/// # Safety
///
/// `FxDriverEntryUm` calls it once, with its own arguments.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    let mut config = WDF_DRIVER_CONFIG {
        Size: wdf::size_of::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: Some(device_add),
        ..WDF_DRIVER_CONFIG::default()
    };
    let (none, handle) = (wdf::NO_ATTRIBUTES, wdf::NO_HANDLE.cast());
    wdf!(
        WdfDriverCreate,
        driver,
        registry_path,
        none,
        &raw mut config,
        handle
    )
}

/// EvtDriverDeviceAdd.
unsafe extern "C" fn device_add(_: WDFDRIVER, init: PWDFDEVICE_INIT) -> NTSTATUS {
    status(add(init))
}

fn add(mut init: PWDFDEVICE_INIT) -> Result {
    let mut power = WDF_PNPPOWER_EVENT_CALLBACKS {
        Size: wdf::size_of::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
        EvtDevicePrepareHardware: Some(prepare_hardware),
        EvtDeviceReleaseHardware: Some(release_hardware),
        ..WDF_PNPPOWER_EVENT_CALLBACKS::default()
    };
    wdf!(WdfDeviceInitSetPnpPowerEventCallbacks, init, &raw mut power);
    let mut attributes = wdf::attributes_with(EduDevice::type_info());
    let mut device = wdf::NO_HANDLE.cast();
    check(wdf!(
        WdfDeviceCreate,
        &raw mut init,
        &raw mut attributes,
        &raw mut device
    ))?;

    let mut config = WDF_INTERRUPT_CONFIG {
        EvtInterruptIsr: Some(isr),
        EvtInterruptWorkItem: Some(work_item),
        EvtInterruptEnable: Some(enable),
        EvtInterruptDisable: Some(disable),
        ..wdf::interrupt_config()
    };
    let mut interrupt = wdf::NO_HANDLE.cast();
    let (none, created) = (wdf::NO_ATTRIBUTES, &raw mut interrupt);
    check(wdf!(
        WdfInterruptCreate,
        device,
        &raw mut config,
        none,
        created
    ))?;
    EduDevice::initialize(
        device,
        EduDevice {
            interrupt,
            state: UnsafeCell::default(),
        },
    );

    let mut config = WDF_IO_QUEUE_CONFIG {
        EvtIoDeviceControl: Some(device_control),
        EvtIoStop: Some(stop),
        ..wdf::default_sequential_queue()
    };
    let (none, queue) = (wdf::NO_ATTRIBUTES, wdf::NO_HANDLE.cast());
    check(wdf!(WdfIoQueueCreate, device, &raw mut config, none, queue))?;
    check(wdf!(
        WdfDeviceCreateDeviceInterface,
        device,
        &raw const INTERFACE,
        core::ptr::null()
    ))
}

/// EvtDevicePrepareHardware.
unsafe extern "C" fn prepare_hardware(
    device: WDFDEVICE,
    _: WDFCMRESLIST,
    translated: WDFCMRESLIST,
) -> NTSTATUS {
    let mapped = Registers::map(device, translated, BAR_LENGTH);
    status(mapped.map(|bar| EduDevice::of(device).locked(|state| state.bar = Some(bar))))
}

/// EvtDeviceReleaseHardware.
unsafe extern "C" fn release_hardware(device: WDFDEVICE, _: WDFCMRESLIST) -> NTSTATUS {
    drop(EduDevice::of(device).locked(|state| state.bar.take()));
    status(Ok(()))
}

/// EvtIoDeviceControl.
unsafe extern "C" fn device_control(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    _: usize,
    _: usize,
    code: ULONG,
) {
    let operand = wdf::input(request);
    let (FACTORIAL_REQUEST, Ok(operand)) = (code, operand) else {
        return wdf!(WdfRequestComplete, request, STATUS_INVALID_DEVICE_REQUEST);
    };
    let device = EduDevice::of(wdf!(WdfIoQueueGetDevice, queue));
    device.locked(|state| {
        state.pending = Some((request, Some(operand)));
        // It is started here, or by the interrupt of an earlier request that was stopped.
        _ = state.advance();
    });
}

/// EvtIoStop. Who takes the request out completes it.
unsafe extern "C" fn stop(queue: WDFQUEUE, request: WDFREQUEST, _: ULONG) {
    let device = EduDevice::of(wdf!(WdfIoQueueGetDevice, queue));
    let is_this = |pending: &mut (WDFREQUEST, _)| pending.0 == request;
    if device
        .locked(|state| state.pending.take_if(is_this))
        .is_some()
    {
        wdf!(WdfRequestComplete, request, STATUS_CANCELLED);
    }
}

/// EvtInterruptIsr.
unsafe extern "C" fn isr(interrupt: WDFINTERRUPT, _message: ULONG) -> BOOLEAN {
    let device = EduDevice::of(wdf!(WdfInterruptGetDevice, interrupt));
    // SAFETY: the framework holds the interrupt's lock.
    let state = unsafe { device.state() };
    let Some(bar) = &state.bar else {
        return 0;
    };
    let causes = bar.read(INTERRUPT_STATUS);
    if causes == 0 || causes == u32::MAX {
        return 0;
    }
    bar.write(INTERRUPT_ACKNOWLEDGE, causes);
    state.causes |= causes;
    _ = wdf!(WdfInterruptQueueWorkItemForIsr, interrupt);
    1
}

/// EvtInterruptWorkItem.
unsafe extern "C" fn work_item(_: WDFINTERRUPT, device: WDFOBJECT) {
    let done = EduDevice::of(device.cast()).locked(|state| {
        let causes = take(&mut state.causes);
        (causes & DONE != 0).then(|| state.advance()).flatten()
    });
    if let Some((request, result)) = done {
        wdf::respond(request, result);
    }
}

/// EvtInterruptEnable.
unsafe extern "C" fn enable(_: WDFINTERRUPT, device: WDFDEVICE) -> NTSTATUS {
    // SAFETY: the framework holds the interrupt's lock.
    unsafe { EduDevice::of(device).state() }.set_interrupts(INTERRUPT_WHEN_DONE);
    status(Ok(()))
}

/// EvtInterruptDisable.
unsafe extern "C" fn disable(_: WDFINTERRUPT, device: WDFDEVICE) -> NTSTATUS {
    // SAFETY: the framework holds the interrupt's lock.
    unsafe { EduDevice::of(device).state() }.set_interrupts(0);
    status(Ok(()))
}

/// There is no path to a panic. A driver in user mode ends its host process; the reflector completes its requests.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wdf::end_process()
}
