//! Control requests: the default queue checks them, and completes them or forwards them to a queue that may access the
//! hardware.

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
        match recognize(control) {
            Some(Command::Factorial) => request.forward_to(&device.factorial_queue),
            Some(Command::Liveness | Command::Raise) => request.forward_to(&device.register_queue),
            Some(command) => answer_now(device, request, command),
            None => refuse(request, control),
        }
    }
}

/// Answers what needs no hardware.
#[inline(never)]
fn answer_now(device: &EduDevice, request: Request, command: Command) {
    match command {
        Command::Information => request.respond(&device.information()),
        Command::Statistics => request.respond(&device.statistics()),
        Command::WaitEvent => events::wait(device, request),
        // What is forwarded.
        Command::Liveness | Command::Raise | Command::Factorial => {
            request.complete(Err(NtStatus::INTERNAL_ERROR));
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

/// The queue of requests that only access a register: sequential, power-managed.
///
/// It has no EvtIoStop: its callback completes each request before it returns, and the framework waits for the callback.
pub struct RegisterAccess;

impl ControlHandler for RegisterAccess {
    type Device = EduDevice;

    fn on_control(device: &EduDevice, request: Request, control: Control) {
        match recognize(control) {
            Some(Command::Liveness) => match liveness(device, &request) {
                Ok(answer) => request.respond(&answer),
                Err(failure) => request.complete(Err(failure)),
            },
            Some(Command::Raise) => {
                let outcome = raise(device, &request);
                request.complete(outcome.map(|()| 0));
            }
            // The default queue forwards nothing else here.
            Some(_) => request.complete(Err(NtStatus::INTERNAL_ERROR)),
            None => refuse(request, control),
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

#[inline]
fn recognize(control: Control) -> Option<Command> {
    Command::recognize(control.code, control.input_bytes, control.output_bytes)
}

/// Fails a request that is not recognized.
#[inline]
fn refuse(request: Request, control: Control) {
    refuse_lengths(
        request,
        control.code,
        control.input_bytes,
        control.output_bytes,
    );
}

/// [`refuse`], whose arguments are in registers.
#[cold]
#[inline(never)]
fn refuse_lengths(request: Request, code: u32, input_bytes: usize, output_bytes: usize) {
    request.complete(Err(match Malformed::of(code, input_bytes, output_bytes) {
        Malformed::UnknownCode => NtStatus::INVALID_DEVICE_REQUEST,
        Malformed::TooShort => NtStatus::BUFFER_TOO_SMALL,
        Malformed::TooLong => NtStatus::INVALID_BUFFER_SIZE,
    }));
}
