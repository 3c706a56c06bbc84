//! Control requests.

use kmdf::{Access, Control, ControlHandler, NtStatus, Request, buffered_ioctl};

use crate::device::{LayerDevice, Seen};

/// In: causes. The device raises them; out: what was serviced.
const RAISE: u32 = buffered_ioctl(0x800, Access::Any);
/// In: whether interrupts are expected from now on.
const REPORT: u32 = buffered_ioctl(0x801, Access::Any);
/// In: milliseconds. Out: how often the work item ran.
const TIMER: u32 = buffered_ioctl(0x802, Access::Any);
/// Out: [`Seen`].
const SEEN: u32 = buffered_ioctl(0x803, Access::Any);
/// In: which rule the driver breaks, as far as `kmdf` lets it.
const MISUSE: u32 = buffered_ioctl(0x804, Access::Any);

impl ControlHandler for LayerDevice {
    type Device = Self;

    fn on_control(device: &Self, request: Request, control: Control) {
        match (control.code, request.input::<u32>()) {
            (RAISE, Ok(causes)) => device.wait(request, |state| state.raise(causes)),
            (TIMER, Ok(milliseconds)) => {
                device.wait(request, |_| device.timer.start(milliseconds));
            }
            (REPORT, Ok(active)) => {
                let state = device.state.lock();
                if let Some(connected) = &state.connected {
                    state.interrupts.report(connected, active != 0);
                }
                drop(state);
                request.complete(Ok(0));
            }
            (SEEN, _) => request.respond(&device.seen()),
            (MISUSE, Ok(0)) => drop(request),
            (MISUSE, Ok(1)) => drop(request.into_cancelable::<Self>()),
            _ => request.complete(Err(NtStatus::INVALID_DEVICE_REQUEST)),
        }
    }
}

impl LayerDevice {
    /// Keeps a request, and begins what ends it.
    fn wait(&self, request: Request, begin: impl FnOnce(&mut crate::device::State)) {
        let mut state = self.state.lock();
        let kept = state.pending.insert::<Self>(request, ());
        if kept.is_ok() {
            begin(&mut state);
        }
        drop(state);
        if let Err((request, failure)) = kept {
            request.complete(Err(failure));
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            squares: self.squares.iter().sum(),
            ..self.state.lock().seen
        }
    }
}
