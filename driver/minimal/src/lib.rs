//! A complete KMDF driver, explained in docs/tutorial.md. An app sends n; the device computes n! and
//! interrupts. The ISR saves the causes, and the DPC completes the request. Until then the request is
//! in `pending`; the code that ends it takes it out under the device lock.
#![no_std]
#![forbid(unsafe_code)]

extern crate wdk_panic;

use core::mem::take;
use kmdf::prelude::*;

/// The class of the device's interface, and its control code: n in, n! out.
const INTERFACE: Guid = Guid::from_u128(0x8D9E_6F1A_2C5B_4E0D_9A37_51C4_6C0E_11E8);
const FACTORIAL: u32 = buffered_ioctl(0x802, Access::ReadWrite);
/// Bits of the status, and of the interrupt status.
const COMPUTING: u32 = 0x01;
const INTERRUPT_WHEN_DONE: u32 = 0x80;
const DONE: u32 = 0x01;

/// BAR 0. The device lock guards the factorial and reads of the status, the interrupt lock the rest.
#[repr(C)]
struct Bar {
    _00: [u32; 2],
    factorial: ReadPureWrite<u32>,
    _0c: [u32; 5],
    status: ReadPureWrite<u32>,
    interrupt_status: ReadPure<u32>,
    _28: [u32; 15],
    interrupt_acknowledge: WriteOnly<u32>,
}

/// The context of the device.
struct EduDevice {
    state: SpinLock<State>,
    interrupt: Interrupt<EduInterrupt>,
}
kmdf::context_type!(EduDevice, c"EduDevice");
kmdf::driver_entry!(EduDevice);

/// What the device lock guards. The note of a pending request is its operand, until it is started.
#[derive(Default)]
struct State {
    bar: Option<Mapping<Bar>>,
    pending: Pending<Option<u32>>,
}
kmdf::pending!(EduDevice, state.pending);

/// The context of the interrupt object: what the interrupt lock guards.
#[derive(Default)]
struct EduInterrupt {
    bar: Option<Mapping<Bar>>,
    causes: u32,
}

impl Driver for EduDevice {
    fn device_add(mut init: DeviceInit<'_>, _: &Passive<'_>) -> Result<()> {
        init.set_pnp_power::<Self>();
        let device = init.create()?;
        let queue = QueueConfig::sequential().default_queue();
        queue.control::<Self>().stop::<Self>().create(device)?;
        device.attach(Self {
            state: SpinLock::new(device, State::default())?,
            interrupt: Interrupt::new(device, Handling::Dirql, EduInterrupt::default())?,
        })?;
        device.create_interface(&INTERFACE)
    }
}

impl PnpPower for EduDevice {
    fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()> {
        let bar = hardware.resources.memory_range(0)?;
        self.interrupt.disconnected(&mut hardware.disconnected)?.bar = Some(Mapping::new(&bar)?);
        self.state.lock().bar = Some(Mapping::new(&bar)?);
        Ok(())
    }

    fn release_hardware(&self, disconnected: &mut Disconnected<'_>) {
        _ = self.interrupt.disconnected(disconnected).map(take);
        self.state.lock().bar = None;
    }
}

impl ControlHandler for EduDevice {
    type Device = Self;

    fn on_control(device: &Self, request: Request, control: Control) {
        let (FACTORIAL, Ok(operand)) = (control.code, request.input()) else {
            return request.complete(Err(NtStatus::INVALID_DEVICE_REQUEST));
        };
        let mut state = device.state.lock();
        let kept = state.pending.insert::<Self>(request, Some(operand));
        // It is started here, or by the interrupt of an earlier, canceled request.
        _ = state.advance();
        drop(state);
        kept.unwrap_or_else(|(request, failure)| request.complete(Err(failure)));
    }
}

impl InterruptHandler for EduInterrupt {
    type Shared = ();
    type Device = EduDevice;

    fn isr(&mut self, (): &mut (), isr: &Isr<'_, Self>) -> Claim {
        let Some(bar) = &mut self.bar else {
            return Claim::NotOurs;
        };
        let causes = register!(*bar, interrupt_status).read();
        if causes == 0 || causes == u32::MAX {
            return Claim::NotOurs;
        }
        register!(*bar, interrupt_acknowledge).write(causes);
        self.causes |= causes;
        isr.defer();
        Claim::Ours
    }

    fn deferred(device: &EduDevice, mut interrupt: DeferredInterrupt<'_, Self>) {
        let causes = interrupt.locked(|own| take(&mut own.causes)).unwrap_or(0);
        let done = (causes & DONE != 0).then(|| device.state.lock().advance());
        if let Some((request, result)) = done.flatten() {
            request.respond(&result);
        }
    }

    fn set_enabled(&mut self, (): &mut (), enabled: bool) {
        if let Some(bar) = &mut self.bar {
            register!(*bar, status).write(if enabled { INTERRUPT_WHEN_DONE } else { 0 });
        }
    }
}

impl State {
    /// Starts the pending request if the device is idle. Returns the request with its result if it is done.
    fn advance(&mut self) -> Option<(Request, u32)> {
        let (bar, operand) = (self.bar.as_mut()?, self.pending.note()?);
        let (status, result) = (
            register!(*bar, status).read(),
            register!(*bar, factorial).read(),
        );
        if status & COMPUTING != 0 || result == u32::MAX {
            return None; // It still computes for a canceled request, or was removed: EvtIoStop follows.
        }
        if let Some(operand) = operand.take() {
            register!(*bar, factorial).write(operand);
            return None;
        }
        self.pending.take().map(|(request, _)| (request, result))
    }
}
