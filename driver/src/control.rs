//! Control requests: checked in the default queue, answered there or forwarded to the queue that may
//! touch the hardware.

#![forbid(unsafe_code)]

use edu_driver_core::ioctl::{Command, Malformed};
use edu_spec::{registers::Causes, wire::Word};

use kmdf::{Control, ControlHandler, NtStatus, ReadWrite, ReadWriteHandler, Request, Result};

use crate::{device::EduDevice, events, transfer};

/// The default queue: parallel, not power-managed.
pub struct DefaultQueue;

impl ControlHandler for DefaultQueue {
    type Device = EduDevice;

    fn on_control(device: &EduDevice, request: Request, control: Control) {
        match parse(&control) {
            Ok(Command::Information) => request.respond(&device.information()),
            Ok(Command::Statistics) => request.respond(&device.statistics()),
            Ok(Command::WaitEvent) => events::wait(device, request),
            Ok(Command::Liveness | Command::Raise) => request.forward_to(&device.register_queue),
            Ok(Command::Factorial) => request.forward_to(&device.factorial_queue),
            Err(refusal) => request.complete(Err(refusal)),
        }
    }
}

impl ReadWriteHandler for DefaultQueue {
    type Device = EduDevice;

    fn on_read_write(device: &EduDevice, request: Request, kind: ReadWrite, length_bytes: usize) {
        match transfer::parse(&request, kind, length_bytes) {
            Ok(_) => request.forward_to(&device.dma_queue),
            Err(refusal) => request.complete(Err(refusal)),
        }
    }
}

/// The queue of requests that access a register and are done: sequential, power-managed.
///
/// It has no EvtIoStop: no request outlives the callback that presents it, so the framework has
/// nothing to ask for and waits that moment.
pub struct RegisterAccess;

impl ControlHandler for RegisterAccess {
    type Device = EduDevice;

    fn on_control(device: &EduDevice, request: Request, control: Control) {
        match parse(&control) {
            Ok(Command::Liveness) => match liveness(device, &request) {
                Ok(answer) => request.respond(&answer),
                Err(failure) => request.complete(Err(failure)),
            },
            Ok(Command::Raise) => {
                let outcome = raise(device, &request);
                request.complete(outcome.map(|()| 0));
            }
            // The default queue forwards nothing else here.
            Ok(_) => request.complete(Err(NtStatus::INTERNAL_ERROR)),
            Err(refusal) => request.complete(Err(refusal)),
        }
    }
}

fn liveness(device: &EduDevice, request: &Request) -> Result<Word> {
    let Word(value) = request.input()?;
    let mut state = device.state.lock();
    Ok(Word(state.registers()?.liveness(value)))
}

fn raise(device: &EduDevice, request: &Request) -> Result<()> {
    let Word(bits) = request.input()?;
    let causes = Causes::from_bits_retain(bits);
    if causes.is_empty() || !Causes::SOFTWARE.contains(causes) {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let mut state = device.state.lock();
    state.registers()?.raise(causes);
    Ok(())
}

fn parse(control: &Control) -> Result<Command> {
    Command::parse(control.code, control.input_bytes, control.output_bytes).map_err(|malformed| {
        match malformed {
            Malformed::UnknownCode => NtStatus::INVALID_DEVICE_REQUEST,
            Malformed::TooShort => NtStatus::BUFFER_TOO_SMALL,
            Malformed::TooLong => NtStatus::INVALID_BUFFER_SIZE,
        }
    })
}
