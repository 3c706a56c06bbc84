//! EvtInterruptIsr, EvtInterruptEnable, EvtInterruptDisable: what runs at DIRQL.
//!
//! Two register accesses at most, no loop, no wait, no allocation, no trace.

use edu_driver_core::ring::Snapshot;

use super::{EduInterrupt, IsrShared, NotOurs, causes_of};
use crate::{
    device::EduDevice,
    wdf::{DeferredInterrupt, InterruptHandler, Isr},
};

impl InterruptHandler for EduInterrupt {
    type Shared = IsrShared;
    type Device = EduDevice;

    fn isr(&mut self, shared: &mut IsrShared, message: u32, isr: Isr<'_, Self>) -> bool {
        let ours = self.serve(shared, message);
        if isr.is_passive() {
            self.hand_over(ours, &isr);
        } else if ours && let Some(queued) = isr.queue_deferred() {
            // Already queued is no failure: that run has not taken the log yet.
            self.log.dpc_queued(queued);
        }
        ours
    }

    fn enable(&mut self, shared: &mut IsrShared) {
        shared.acknowledge_stale();
    }

    fn disable(&mut self, shared: &mut IsrShared) {
        shared.acknowledge_stale();
    }

    fn deferred(device: &EduDevice, interrupt: DeferredInterrupt<'_, Self>) {
        super::dpc::run(device, interrupt);
    }
}

impl EduInterrupt {
    /// At PASSIVE_LEVEL the DPC cannot take the interrupt lock, but the ISR can take the device's. It queues
    /// with that lock held: whoever stops the device takes it once more before the framework flushes.
    #[inline(never)]
    fn hand_over(&mut self, ours: bool, isr: &Isr<'_, Self>) {
        let Some(device) = isr.passive_device() else {
            return;
        };
        let log = &mut device.state.lock().log;
        log.absorb(self.log.take());
        if ours && let Some(queued) = isr.queue_deferred() {
            log.dpc_queued(queued);
        }
    }

    /// Reads, acknowledges, records. Returns whether the interrupt was ours.
    fn serve(&mut self, shared: &mut IsrShared, message: u32) -> bool {
        let Some(registers) = &mut shared.registers else {
            return false;
        };
        let causes = match causes_of(registers.causes()) {
            Ok(causes) => causes,
            Err(NotOurs::Nothing) => {
                self.log.not_ours();
                return false;
            }
            Err(NotOurs::DeviceGone) => {
                self.log.device_gone();
                return false;
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
        true
    }
}
