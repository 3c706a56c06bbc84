//! IRPs that a driver makes itself, and sends down: memory of the driver's, laid out as the I/O manager
//! lays it out.

mod build;
mod bus;
mod complete;

use std::{cell::RefCell, collections::BTreeMap, mem::offset_of};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_PENDING},
    types::{IO_STACK_LOCATION, IRP},
};

use kmdf_machine::{Alarm, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{
    host::{Host, services},
    kmdf::{device::Device, driver::Driver},
};

/// Bytes of an IRP without its stack locations, and of one of those.
const IRP_BYTES: u64 = size_of::<IRP>() as u64;
const LOCATION_BYTES: u64 = size_of::<IO_STACK_LOCATION>() as u64;
/// Offsets in an IRP.
const STATUS: u64 = offset_of!(IRP, IoStatus) as u64;
const INFORMATION: u64 = STATUS + 8;
const PENDING_RETURNED: u64 = offset_of!(IRP, PendingReturned) as u64;
const STACK_COUNT: u64 = offset_of!(IRP, StackCount) as u64;
const CURRENT_LOCATION: u64 = offset_of!(IRP, CurrentLocation) as u64;
const MDL_ADDRESS: u64 = offset_of!(IRP, MdlAddress) as u64;
const CANCEL: u64 = offset_of!(IRP, Cancel) as u64;
const SYSTEM_BUFFER: u64 = offset_of!(IRP, AssociatedIrp) as u64;
const USER_BUFFER: u64 = offset_of!(IRP, UserBuffer) as u64;
/// `Tail.Overlay.CurrentStackLocation`
const CURRENT_STACK_LOCATION: u64 = offset_of!(IRP, Tail) as u64 + 64;
/// Offsets in a stack location.
const CONTROL: u64 = offset_of!(IO_STACK_LOCATION, Control) as u64;
const PARAMETERS: u64 = offset_of!(IO_STACK_LOCATION, Parameters) as u64;
const DEVICE_OBJECT: u64 = offset_of!(IO_STACK_LOCATION, DeviceObject) as u64;
const COMPLETION_ROUTINE: u64 = offset_of!(IO_STACK_LOCATION, CompletionRoutine) as u64;
const CONTEXT: u64 = offset_of!(IO_STACK_LOCATION, Context) as u64;
/// Bits of `Control`.
const PENDING: u8 = 0x01;
const INVOKE_ON_CANCEL: u8 = 0x20;
const INVOKE_ON_SUCCESS: u8 = 0x40;
const INVOKE_ON_ERROR: u8 = 0x80;

/// The IRPs that driver code has, by address.
#[derive(Default)]
pub(crate) struct Irps {
    /// Those that it has made.
    known: RefCell<BTreeMap<u64, Known>>,
    /// Those of requests, whose handles follow.
    of_requests: RefCell<BTreeMap<u64, u64>>,
}

/// What the IRP of a request says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Described {
    /// Its major function.
    pub(crate) major: u8,
    pub(crate) canceled: bool,
    /// The control code.
    pub(crate) code: u32,
    /// The file offset.
    pub(crate) offset: u64,
    pub(crate) input_length: u32,
    pub(crate) output_length: u32,
    /// Its buffers and its MDL, or 0.
    pub(crate) system: u64,
    pub(crate) mdl: u64,
    pub(crate) user: u64,
    /// Type3InputBuffer
    pub(crate) type3: u64,
}

/// What a stack location asks for, with the buffers of its IRP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    pub(crate) major: u8,
    /// `Length`, or `OutputBufferLength` and `InputBufferLength`.
    pub(crate) lengths: [u32; 2],
    pub(crate) code: u32,
    pub(crate) offset: i64,
    pub(crate) type3: u64,
    pub(crate) system: u64,
    pub(crate) mdl: u64,
    pub(crate) user: u64,
}

/// What the I/O manager knows of an IRP.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Of one that the I/O manager frees when it is complete: where its result goes, the event to set, and
    /// the buffer that output is copied to, with its length.
    synchronous: Option<Synchronous>,
    /// While the driver below has it: when that answers.
    alarm: Option<Alarm>,
}

#[derive(Clone, Copy)]
struct Synchronous {
    result: u64,
    event: u64,
    output: u64,
    output_length: u64,
}

services! {
    IoCreateDevice <= APC => create_device;
    IofCallDriver <= DISPATCH => call_driver;
    IofCompleteRequest <= DISPATCH => complete::complete;
    IoCancelIrp <= DISPATCH => cancel;
    IoAllocateIrp <= DISPATCH => build::allocate;
    IoFreeIrp <= DISPATCH => build::free;
    IoReuseIrp <= DISPATCH => build::reuse;
    IoInitializeIrp <= DISPATCH => build::initialize;
    IoBuildSynchronousFsdRequest <= PASSIVE => build::synchronous;
    IoBuildDeviceIoControlRequest <= PASSIVE => build::device_control;
    IoSetCompletionRoutineEx <= DISPATCH => set_completion;
}

/// IoCreateDevice: for miniport drivers, whose IRPs do not come to the framework. None of those is played.
fn create_device(host: &Host, _: &Call) {
    let drivers = host.bodies::<Driver>();
    if drivers.iter().any(|driver| !driver.is_miniport) {
        host.violation(
            &rules::MINIPORT_ONLY_WDM_DEVICE,
            "IoCreateDevice is called by a driver whose dispatch routines are the framework's",
        );
    }
    host.unsupported("a device object of a driver's own, without the framework");
}

impl Host {
    /// The current stack location of an IRP.
    fn location(&self, irp: u64) -> u64 {
        self.memory.read(irp + CURRENT_STACK_LOCATION)
    }

    /// What a stack location for an IRP says.
    pub(crate) fn located(&self, irp: u64, location: u64) -> Located {
        let parameters = location + PARAMETERS;
        Located {
            major: self.memory.read(location),
            lengths: [0, 8].map(|at| self.memory.read(parameters + at)),
            code: self.memory.read(parameters + 16),
            offset: self.memory.read(parameters + 16),
            type3: self.memory.read(parameters + 24),
            system: self.memory.read(irp + SYSTEM_BUFFER),
            mdl: self.memory.read(irp + MDL_ADDRESS),
            user: self.memory.read(irp + USER_BUFFER),
        }
    }

    /// Makes the stack location that lies so many below, or above, the current one.
    fn move_location(&self, irp: u64, by: i8) {
        let current: i8 = self.memory.read(irp + CURRENT_LOCATION);
        self.memory.write(irp + CURRENT_LOCATION, &(current + by));
        let location = self.location(irp);
        let step = LOCATION_BYTES.cast_signed() * i64::from(by);
        let location = location.wrapping_add_signed(step);
        self.memory.write(irp + CURRENT_STACK_LOCATION, &location);
    }

    /// Whether an IRP is one of the driver's that was not freed; no other is played.
    pub(crate) fn require_irp(&self, irp: u64, what: &str) {
        if self.request_of_irp(irp).is_some() {
            self.unsupported(format!("{what} for the IRP of a request"));
        }
        if !self.framework().irps.known.borrow().contains_key(&irp) {
            self.violation(
                &rules::IRP,
                format!(
                    "{what} is called with {irp:#x}: {}",
                    self.memory.describe(irp)
                ),
            );
        }
    }

    fn change_irp(&self, irp: u64, change: impl FnOnce(&mut Known)) {
        let mut known = self.framework().irps.known.borrow_mut();
        if let Some(known) = known.get_mut(&irp) {
            change(known);
        }
    }

    fn known_irp(&self, irp: u64) -> Known {
        let known = self.framework().irps.known.borrow();
        known.get(&irp).copied().unwrap_or_default()
    }

    /// The device in whose stack a DEVICE_OBJECT is.
    pub(crate) fn device_of_object(&self, object: u64) -> Option<std::rc::Rc<Device>> {
        let mut devices = self.bodies::<Device>().into_iter();
        devices.find(|device| {
            object != 0
                && [
                    device.wdm_own(),
                    device.wdm_attached(),
                    device.wdm_physical(),
                ]
                .contains(&object)
        })
    }
}

/// IofCallDriver(DeviceObject, Irp)
fn call_driver(host: &Host, call: &Call) -> NtStatus {
    let (object, irp) = (call.arg(0), call.arg(1));
    host.require_irp(irp, "IoCallDriver");
    let Some(device) = host.device_of_object(object) else {
        host.violation(
            &rules::IRP,
            format!(
                "IoCallDriver is called with {object:#x}, which is not a device of a stack here"
            ),
        )
    };
    if host.memory.read::<i8>(irp + CURRENT_LOCATION) <= 1 {
        host.violation(
            &rules::IRP,
            "IoCallDriver is called for an IRP without a stack location left",
        );
    }
    host.move_location(irp, -1);
    host.memory
        .write(host.location(irp) + DEVICE_OBJECT, &object);
    host.dispatch_down(&device, object == device.wdm_own(), irp)
}

/// IoCancelIrp(Irp): the driver below ends what it has.
fn cancel(host: &Host, call: &Call) -> bool {
    let irp = call.arg(0);
    host.require_irp(irp, "IoCancelIrp");
    host.memory.write(irp + CANCEL, &1_u8);
    let alarm = host.known_irp(irp).alarm;
    let Some(alarm) = alarm else {
        return false;
    };
    host.change_irp(irp, |known| known.alarm = None);
    host.cancel_alarm(alarm);
    host.finish_below(irp, kmdf_abi::ntstatus::STATUS_CANCELLED, 0);
    true
}

/// IoSetCompletionRoutineEx(DeviceObject, Irp, CompletionRoutine, Context, InvokeOnSuccess, InvokeOnError,
/// InvokeOnCancel)
fn set_completion(host: &Host, call: &Call) -> NtStatus {
    let irp = call.arg(1);
    host.require_irp(irp, "IoSetCompletionRoutineEx");
    let next = host.location(irp) - LOCATION_BYTES;
    host.memory.write(next + COMPLETION_ROUTINE, &call.arg(2));
    host.memory.write(next + CONTEXT, &call.arg(3));
    let bits = [
        (4, INVOKE_ON_SUCCESS),
        (5, INVOKE_ON_ERROR),
        (6, INVOKE_ON_CANCEL),
    ];
    let control = bits.into_iter().filter(|&(index, _)| call.flag(index));
    let control = control.fold(0, |control, (_, bit)| control | bit);
    host.memory.write(next + CONTROL, &control);
    kmdf_abi::ntstatus::STATUS_SUCCESS
}

impl Host {
    /// Marks an IRP that the driver below keeps as pending.
    fn mark_pending(&self, irp: u64) -> NtStatus {
        let control = self.location(irp) + CONTROL;
        let bits: u8 = self.memory.read(control);
        self.memory.write(control, &(bits | PENDING));
        STATUS_PENDING
    }
}
