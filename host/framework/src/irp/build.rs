//! How a driver gets an IRP, and gives it back.

use kmdf_abi::ntstatus::NtStatus;

use super::{
    CANCEL, CURRENT_LOCATION, CURRENT_STACK_LOCATION, Described, INFORMATION, IRP_BYTES,
    LOCATION_BYTES, MDL_ADDRESS, PARAMETERS, STACK_COUNT, STATUS, SYSTEM_BUFFER, Synchronous,
    USER_BUFFER,
};
use kmdf_machine::{Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use crate::host::Host;

/// `IO_TYPE_IRP`
const IO_TYPE_IRP: u16 = 6;
/// Major functions.
const READ: u8 = 0x03;
const WRITE: u8 = 0x04;
const DEVICE_CONTROL: u8 = 0x0E;
const INTERNAL_DEVICE_CONTROL: u8 = 0x0F;

/// IoAllocateIrp(StackSize, ChargeQuota)
pub(super) fn allocate(host: &Host, call: &Call) -> u64 {
    let irp = host.new_irp(call.arg8(0), "an IRP of IoAllocateIrp");
    host.memory.set_site(irp, host.call_site());
    irp
}

/// IoInitializeIrp(Irp, PacketSize, StackSize): in memory of the driver's own.
pub(super) fn initialize(host: &Host, call: &Call) {
    let bytes = usize::from(call.arg32(1) as u16);
    host.memory.write_bytes(call.arg(0), &vec![0; bytes]);
    host.lay_out_irp(call.arg(0), call.arg8(2));
}

/// IoFreeIrp(Irp)
pub(super) fn free(host: &Host, call: &Call) {
    let irp = call.arg(0);
    host.require_irp(irp, "IoFreeIrp");
    if host.known_irp(irp).alarm.is_some() {
        host.violation(&rules::IRP, "an IRP is freed while the driver below has it");
    }
    host.forget_irp(irp);
}

/// IoReuseIrp(Irp, Iostatus)
pub(super) fn reuse(host: &Host, call: &Call) {
    let irp = call.arg(0);
    host.require_irp(irp, "IoReuseIrp");
    let stack: u8 = host.memory.read(irp + STACK_COUNT);
    let bytes = IRP_BYTES + LOCATION_BYTES * u64::from(stack);
    host.memory.write_bytes(irp, &vec![0; bytes as usize]);
    host.lay_out_irp(irp, stack);
    host.memory.write(irp + STATUS, &call.arg32(1));
}

/// IoBuildSynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length, StartingOffset, Event,
/// IoStatusBlock)
pub(super) fn synchronous(host: &Host, call: &Call) -> u64 {
    let major = call.arg8(0);
    let irp = host.new_irp_for(call.arg(1));
    let (buffer, length) = (call.arg(2), u64::from(call.arg32(3)));
    let next = host.location(irp) - LOCATION_BYTES;
    host.memory.write(next, &major);
    let mut output = 0;
    if matches!(major, READ | WRITE) {
        let system =
            host.make_system_buffer(irp, length, if major == WRITE { buffer } else { 0 }, length);
        output = if major == READ && system != 0 {
            buffer
        } else {
            0
        };
        host.memory.write(irp + USER_BUFFER, &buffer);
        host.memory.write(next + PARAMETERS, &call.arg32(3));
        if call.arg(4) != 0 {
            let offset: u64 = host.memory.read(call.arg(4));
            host.memory.write(next + PARAMETERS + 16, &offset);
        }
    }
    let synchronous = Synchronous {
        event: call.arg(5),
        result: call.arg(6),
        output,
        output_length: length,
    };
    host.change_irp(irp, |known| known.synchronous = Some(synchronous));
    irp
}

/// IoBuildDeviceIoControlRequest(IoControlCode, DeviceObject, InputBuffer, InputBufferLength, OutputBuffer,
/// OutputBufferLength, InternalDeviceIoControl, Event, IoStatusBlock)
pub(super) fn device_control(host: &Host, call: &Call) -> u64 {
    const METHOD_NEITHER: u32 = 3;
    let code = call.arg32(0);
    let irp = host.new_irp_for(call.arg(1));
    let (input, input_length) = (call.arg(2), call.arg32(3));
    let (output, output_length) = (call.arg(4), call.arg32(5));
    let major = if call.flag(6) {
        INTERNAL_DEVICE_CONTROL
    } else {
        DEVICE_CONTROL
    };
    let next = host.location(irp) - LOCATION_BYTES;
    host.memory.write(next, &major);
    host.memory.write(next + PARAMETERS, &output_length);
    host.memory.write(next + PARAMETERS + 8, &input_length);
    host.memory.write(next + PARAMETERS + 16, &code);
    host.memory.write(irp + USER_BUFFER, &output);
    let mut copied = 0;
    match code & 3 {
        0 => {
            let room = u64::from(input_length.max(output_length));
            host.make_system_buffer(irp, room, input, input_length.into());
            copied = output;
        }
        METHOD_NEITHER => host.memory.write(next + PARAMETERS + 24, &input),
        _ => host.unsupported(
            "an IRP with a control code of direct I/O, of IoBuildDeviceIoControlRequest",
        ),
    }
    let synchronous = Synchronous {
        event: call.arg(7),
        result: call.arg(8),
        output: copied,
        output_length: output_length.into(),
    };
    host.change_irp(irp, |known| known.synchronous = Some(synchronous));
    irp
}

impl Host {
    /// An IRP with that many stack locations.
    fn new_irp(&self, stack: u8, what: &'static str) -> u64 {
        let bytes = IRP_BYTES + LOCATION_BYTES * u64::from(stack);
        let irp = self.memory.allocate(bytes, true, Purpose::Kernel { what });
        let irp = irp.expect("a run has address space for what the driver makes");
        self.lay_out_irp(irp, stack);
        irp
    }

    /// An IRP of the I/O manager's, with as many stack locations as a device asks for.
    fn new_irp_for(&self, object: u64) -> u64 {
        let stack: u8 = self.memory.read(object + super::bus::STACK_SIZE);
        let irp = self.new_irp(stack, "an IRP that was built and not sent");
        self.memory.set_site(irp, self.call_site());
        irp
    }

    /// The IRP of a request.
    pub(crate) fn irp_of_request(&self, request: u64, described: &Described) -> u64 {
        const TYPE_BYTES: u64 = IRP_BYTES + LOCATION_BYTES;
        let purpose = Purpose::System {
            what: "the IRP of a request",
        };
        let irp = self.memory.allocate(TYPE_BYTES, true, purpose);
        let irp = irp.expect("a run has address space for what it lends");
        self.write_beginning(irp, 1);
        // It has reached the driver: its one location is the current one.
        self.move_location(irp, -1);
        let location = self.location(irp);
        let (length, other) = match described.major {
            WRITE => (described.input_length, 0),
            _ => (described.output_length, described.input_length),
        };
        self.memory.write(location, &described.major);
        self.memory.write(location + PARAMETERS, &length);
        if matches!(described.major, READ | WRITE) {
            self.memory
                .write(location + PARAMETERS + 16, &described.offset);
        } else {
            self.memory.write(location + PARAMETERS + 8, &other);
            self.memory
                .write(location + PARAMETERS + 16, &described.code);
            self.memory
                .write(location + PARAMETERS + 24, &described.type3);
        }
        self.memory.write(irp + SYSTEM_BUFFER, &described.system);
        self.memory.write(irp + MDL_ADDRESS, &described.mdl);
        self.memory.write(irp + USER_BUFFER, &described.user);
        self.memory
            .write(irp + CANCEL, &u8::from(described.canceled));
        let mut of_requests = self.framework().irps.of_requests.borrow_mut();
        of_requests.insert(irp, request);
        irp
    }

    /// Makes the one location of a request's IRP the current one again, wherever the driver has skipped to.
    pub(crate) fn bring_back(&self, irp: u64) {
        self.memory.write(irp + CURRENT_LOCATION, &1_u8);
        self.memory
            .write(irp + CURRENT_STACK_LOCATION, &(irp + IRP_BYTES));
    }

    /// The request whose IRP is at an address.
    pub(crate) fn request_of_irp(&self, irp: u64) -> Option<u64> {
        let of_requests = self.framework().irps.of_requests.borrow();
        of_requests.get(&irp).copied()
    }

    /// A request is gone whose IRP this is, which the driver made where `freed` counts.
    pub(crate) fn release_irp(&self, irp: u64, freed: bool) {
        let of_request = self.framework().irps.of_requests.borrow_mut().remove(&irp);
        if of_request.is_some() {
            // It was lent to the driver.
            let _ = self.memory.free(irp);
        } else if freed {
            self.forget_irp(irp);
        }
    }

    /// Writes the result of an IRP.
    pub(crate) fn set_irp_status(&self, irp: u64, status: NtStatus, information: u64) {
        self.memory.write(irp + STATUS, &status.0);
        self.memory.write(irp + INFORMATION, &information);
    }

    /// Writes what an IRP that nobody has used begins with, and knows it from now on.
    fn lay_out_irp(&self, irp: u64, stack: u8) {
        self.write_beginning(irp, stack);
        let mut known = self.framework().irps.known.borrow_mut();
        known.entry(irp).or_default();
    }

    fn write_beginning(&self, irp: u64, stack: u8) {
        let bytes = IRP_BYTES + LOCATION_BYTES * u64::from(stack);
        self.memory.write(irp, &IO_TYPE_IRP);
        self.memory.write(irp + 2, &(bytes as u16));
        self.memory.write(irp + STACK_COUNT, &stack);
        self.memory.write(irp + CURRENT_LOCATION, &(stack + 1));
        self.memory
            .write(irp + CURRENT_STACK_LOCATION, &(irp + bytes));
    }

    /// Gives an IRP a buffer of the I/O manager's, with a copy of what goes in.
    fn make_system_buffer(&self, irp: u64, bytes: u64, input: u64, input_length: u64) -> u64 {
        if bytes == 0 {
            return 0;
        }
        let purpose = Purpose::System {
            what: "the system buffer of an IRP",
        };
        let buffer = self.memory.allocate(bytes, true, purpose);
        let buffer = buffer.expect("a run has address space for what the driver makes");
        if input != 0 {
            let bytes = self.memory.read_bytes(input, input_length as usize);
            self.memory.write_bytes(buffer, &bytes);
        }
        self.memory.write(irp + SYSTEM_BUFFER, &buffer);
        buffer
    }

    /// Frees an IRP.
    pub(super) fn forget_irp(&self, irp: u64) {
        self.framework().irps.known.borrow_mut().remove(&irp);
        if let Err(text) = self.memory.free(irp) {
            self.violation(&rules::BAD_FREE, text);
        }
    }
}
