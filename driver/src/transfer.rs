//! ReadFile and WriteFile: transfers from and to the device's DMA buffer.
//!
//! The engine is driven like the factorial engine ([`edu_driver_core::engine`]). It transfers over a common buffer and not
//! over the app's pages, because the device cannot abort a transfer. While it uses the app's pages, their request can be
//! neither canceled, nor failed, nor requeued for a power transition. The driver's buffer lives as long as the device
//! object, so a request may end at any moment while the transfer runs to its end. The price is one copy of at most 4 KiB,
//! against the 100 ms that the device takes. A request is then one transfer, where scattered pages would need several of
//! 100 ms each, and only one address has to be below the device's mask.

#![forbid(unsafe_code)]

use edu_driver_core::{
    engine::{self, Activity, Look, Progress, Work},
    transfer::{Direction, OutOfBounds, Program, Span, Transfer},
};
use edu_spec::registers::DmaCommand;

use kmdf::{
    CancelHandler, Canceled, DpcHandler, NtStatus, ReadWrite, ReadWriteHandler, Request, Result,
    Stop, StopHandler, sleep,
};

use crate::{
    buffer::DmaBuffer,
    device::{Dma, EduDevice, State},
    factorial::{end_stopped, refusal_status},
    findings::Engine,
    owned::{Owned, Pending},
    registers::DeviceRegisters,
    trace,
};

/// The transfer that a request asks for. IRQL: <= DISPATCH_LEVEL.
///
/// # Errors
/// STATUS_INVALID_PARAMETER: it starts outside the buffer. STATUS_INVALID_BUFFER_SIZE: it ends outside.
pub fn parse(request: &Request, kind: ReadWrite, length_bytes: usize) -> Result<Transfer> {
    let span = Span::new(request.file_offset(), length_bytes).map_err(|error| match error {
        OutOfBounds::Offset => NtStatus::INVALID_PARAMETER,
        OutOfBounds::Length => NtStatus::INVALID_BUFFER_SIZE,
    })?;
    let direction = match kind {
        ReadWrite::Read => Direction::ToMemory,
        ReadWrite::Write => Direction::ToDevice,
    };
    Ok(Transfer { span, direction })
}

impl ReadWriteHandler for Dma {
    type Device = EduDevice;

    fn on_read_write(device: &EduDevice, request: Request, kind: ReadWrite, length_bytes: usize) {
        if let Err((request, failure)) = submit(device, request, kind, length_bytes) {
            complete((request, Err(failure)));
        }
    }
}

/// Starts a request's transfer, or gives the request back with the reason.
fn submit(
    device: &EduDevice,
    request: Request,
    kind: ReadWrite,
    length_bytes: usize,
) -> core::result::Result<(), (Request, NtStatus)> {
    let parsed = parse(&request, kind, length_bytes)
        .and_then(|transfer| request.map_buffer(kind, length_bytes).map(|()| transfer));
    let transfer = match parsed {
        Ok(transfer) => transfer,
        Err(failure) => return Err((request, failure)),
    };
    trace::TRANSFER_STARTED.write([
        transfer.span.offset_bytes() as u64,
        transfer.span.length_bytes() as u64,
    ]);
    let mut state = device.state.lock();
    let State {
        registers: Some(registers),
        buffer,
        dma,
        ..
    } = &mut *state
    else {
        return Err((request, NtStatus::DEVICE_NOT_READY));
    };
    dma.submit(
        Owned::new(request),
        transfer,
        &mut DmaEngine { registers, buffer },
    )
    .map_err(|(request, refusal)| (request.into_request(), refusal_status(refusal)))?;
    device.watch(&mut state);
    Ok(())
}

impl StopHandler for Dma {
    type Device = EduDevice;

    fn on_stop(device: &EduDevice, stop: Stop<'_>) {
        let withdrawn = device.state.lock().dma.withdraw(stop.id);
        if let Some(request) = withdrawn {
            end_stopped(request.into_request(), stop);
        }
    }
}

impl CancelHandler for Dma {
    type Device = EduDevice;

    fn on_cancel(device: &EduDevice, canceled: &Canceled) {
        let canceled_request = device.state.lock().dma.cancel(canceled);
        if let Some(request) = canceled_request {
            complete((request.into_request(), Err(NtStatus::CANCELLED)));
        }
    }
}

impl DpcHandler for Dma {
    type Device = EduDevice;

    /// Queued by the interrupt's DPC for the DMA cause.
    fn run(device: &EduDevice) {
        let mut state = device.state.lock();
        let ended = state.dma_interrupt();
        device.queue_recovery(&state);
        drop(state);
        if let Some(ended) = ended {
            complete(ended);
        }
    }
}

/// A request to complete when the lock is released, and how.
pub type Ended = (Request, Result<usize>);

/// Completes a request. IRQL: <= DISPATCH_LEVEL; hold no lock.
pub fn complete((request, outcome): Ended) {
    match outcome {
        Ok(length_bytes) => trace::TRANSFER_COMPLETED.write([length_bytes as u64]),
        Err(failure) => trace::TRANSFER_FAILED.write([trace::status(failure)]),
    }
    request.complete(outcome);
}

/// The DMA engine as [`Work`].
struct DmaEngine<'a> {
    registers: &'a mut DeviceRegisters,
    buffer: &'a mut DmaBuffer,
}

impl Work<Pending<Dma>> for DmaEngine<'_> {
    type Job = Transfer;
    type Output = ();

    fn activity(&mut self) -> Activity {
        let command = self.registers.dma_command();
        if command.bits() == u32::MAX {
            Activity::Removed
        } else if command.contains(DmaCommand::RUN) {
            Activity::Busy
        } else {
            Activity::Idle
        }
    }

    fn start(&mut self, transfer: &Transfer, request: &Pending<Dma>) {
        let length_bytes = transfer.span.length_bytes();
        // Neither fails: the request's buffer was mapped when it was submitted, and the address of the
        // common buffer was checked when it was created. If one did, the watchdog would end the request.
        let copied = match transfer.direction {
            Direction::ToMemory => Ok(()),
            Direction::ToDevice => request
                .request()
                .copy_input_to(&mut self.buffer.memory, length_bytes),
        };
        let program = Program::new(
            *transfer,
            self.buffer.memory.bus_address(),
            self.buffer.width,
        );
        if let (Ok(()), Ok(program)) = (copied, program) {
            self.registers.start_dma(program);
        }
    }

    fn output(&mut self, _transfer: &Transfer) -> Progress<()> {
        match self.activity() {
            Activity::Idle => Progress::Done(()),
            Activity::Busy => Progress::Busy,
            Activity::Removed => Progress::Removed,
        }
    }
}

impl EduDevice {
    /// Waits until the DMA engine is idle. A canceled request leaves it running for at most 100 ms, and the removal of the
    /// device frees the memory that it uses. IRQL: PASSIVE_LEVEL.
    pub fn let_transfer_run_out(&self) {
        for _ in 0..RUN_OUT_LOOKS {
            let mut state = self.state.lock();
            let State {
                registers: Some(registers),
                buffer,
                ..
            } = &mut *state
            else {
                return;
            };
            if (DmaEngine { registers, buffer }).activity() != Activity::Busy {
                return;
            }
            drop(state);
            sleep(RUN_OUT_LOOK_MS);
        }
    }
}

/// How often [`EduDevice::let_transfer_run_out`] checks the engine: for more than twice the time of a transfer.
const RUN_OUT_LOOKS: u32 = 25;
/// Time between these checks.
const RUN_OUT_LOOK_MS: u32 = 10;

impl State {
    /// Handles the DMA cause. Returns the request to complete when the lock is released, and how.
    fn dma_interrupt(&mut self) -> Option<Ended> {
        let registers = self.registers.as_mut()?;
        let buffer = &mut self.buffer;
        match self.dma.on_interrupt(&mut DmaEngine { registers, buffer }) {
            engine::Interrupt::Done(request, transfer, ()) => {
                Some(self.end_transfer(request, transfer))
            }
            engine::Interrupt::Removed(request) => Some(self.device_removed(request)),
            engine::Interrupt::Stray => {
                self.statistics.stray_transfers += 1;
                None
            }
        }
    }

    /// What the watchdog does about a transfer that takes long.
    pub fn look_at_dma(&mut self, give_up: bool) -> Option<Ended> {
        let registers = self.registers.as_mut()?;
        let buffer = &mut self.buffer;
        match self.dma.look(give_up, &mut DmaEngine { registers, buffer }) {
            Look::Nothing => None,
            Look::Done(request, transfer, ()) => {
                self.findings.missed(Engine::Dma);
                self.statistics.interrupts_missed += 1;
                Some(self.end_transfer(request, transfer))
            }
            Look::Removed(request) => Some(self.device_removed(request)),
            Look::GivenUp(request) => Some(self.given_up(Engine::Dma, request)),
        }
    }

    /// A transfer is done. The data of a read are copied while the lock is held: the next transfer may
    /// use the buffer as soon as it is released.
    fn end_transfer(&mut self, request: Owned<Dma>, transfer: Transfer) -> Ended {
        self.statistics.transfers_completed += 1;
        let request = request.into_request();
        let length_bytes = transfer.span.length_bytes();
        let outcome = match transfer.direction {
            Direction::ToMemory => request.copy_output_from(&self.buffer.memory, length_bytes),
            Direction::ToDevice => Ok(length_bytes),
        };
        (request, outcome)
    }
}
