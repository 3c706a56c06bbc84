//! EvtInterruptIsr, EvtInterruptEnable, EvtInterruptDisable: what runs at DIRQL.
//!
//! Two register accesses at most, no loop, no wait, no allocation, no trace.

use edu_driver_core::{log::Log, ring::Snapshot};
use edu_spec::registers::Causes;

use kmdf::{Claim, Deferral, DeferredInterrupt, InterruptHandler, Isr};

use crate::{
    device::EduDevice,
    isr_context::{EduInterrupt, IsrShared},
};

impl InterruptHandler for EduInterrupt {
    type Shared = IsrShared;
    type Device = EduDevice;

    fn isr(&mut self, shared: &mut IsrShared, isr: &Isr<'_, Self>) -> Claim {
        let claim = self.service(shared, isr.message());
        if isr.is_passive() {
            self.pass_on(claim, isr);
        } else if claim == Claim::Ours {
            count(&mut self.log, isr.defer());
        }
        claim
    }

    fn set_enabled(&mut self, shared: &mut IsrShared, _enabled: bool) {
        shared.acknowledge_stale();
    }

    fn deferred(device: &EduDevice, interrupt: DeferredInterrupt<'_, Self>) {
        super::dpc::run(device, interrupt);
    }
}

impl EduInterrupt {
    /// At PASSIVE_LEVEL the DPC cannot acquire the interrupt lock, but the ISR can acquire the device lock. It queues the
    /// DPC or work item under that lock, because the callback that stops the device acquires it before the framework flushes.
    #[inline(never)]
    fn pass_on(&mut self, claim: Claim, isr: &Isr<'_, Self>) {
        let Some(device) = isr.passive_device() else {
            return;
        };
        let log = &mut device.state.lock().log;
        log.absorb(self.log.take());
        if claim == Claim::Ours {
            count(log, isr.defer());
        }
    }

    /// Reads, acknowledges, records.
    fn service(&mut self, shared: &mut IsrShared, message: u32) -> Claim {
        let Some(registers) = &mut shared.registers else {
            return Claim::NotOurs;
        };
        let causes = match causes_of(registers.causes()) {
            Ok(causes) => causes,
            Err(NotOurs::Nothing) => {
                self.log.not_ours();
                return Claim::NotOurs;
            }
            Err(NotOurs::DeviceRemoved) => {
                self.log.device_removed();
                return Claim::NotOurs;
            }
        };
        // Exactly what was read: a cause raised since then stays, and is signaled again. The write is
        // posted and not read back: docs/driver.md says why that is enough.
        registers.acknowledge(causes);
        shared.sequence += 1;
        self.log.record(Snapshot {
            sequence: shared.sequence,
            causes,
            message,
        });
        Claim::Ours
    }
}

/// Counts the result of queueing the DPC or work item. If it was queued already, that run has not taken the log yet.
fn count(log: &mut Log, deferral: Deferral) {
    match deferral {
        Deferral::Queued => log.dpc_queued(true),
        Deferral::AlreadyQueued => log.dpc_queued(false),
        Deferral::NotNow => {}
    }
}

/// Why an interrupt status is no interrupt of ours.
enum NotOurs {
    /// No cause.
    Nothing,
    /// All ones.
    DeviceRemoved,
}

/// The causes to service.
fn causes_of(status: Causes) -> Result<Causes, NotOurs> {
    if status.is_empty() {
        Err(NotOurs::Nothing)
    } else if status.is_all_ones() {
        Err(NotOurs::DeviceRemoved)
    } else {
        Ok(status)
    }
}
