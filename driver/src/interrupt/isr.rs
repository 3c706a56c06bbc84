//! EvtInterruptIsr, EvtInterruptEnable, EvtInterruptDisable: what runs at DIRQL.
//!
//! Two register accesses at most, no loop, no wait, no allocation, no trace.

use edu_driver_core::ring::Snapshot;

use super::{EduInterrupt, IsrShared, NotOurs, causes_of};
use crate::{
    device::EduDevice,
    wdf::{DpcInterrupt, InterruptHandler, IsrDpc},
};

impl InterruptHandler for EduInterrupt {
    type Shared = IsrShared;
    type Device = EduDevice;

    fn isr(&mut self, shared: &mut IsrShared, message: u32, dpc: IsrDpc<'_>) -> bool {
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
        // Exactly what was read: a cause raised since then stays, and is signaled again.
        registers.acknowledge(causes);
        shared.sequence += 1;
        self.log.record(Snapshot {
            sequence: shared.sequence,
            causes,
            message,
        });
        // Already queued is no failure: that run has not taken the log yet, and finds this, too.
        self.log.dpc_queued(dpc.queue());
        true
    }

    fn enable(&mut self, shared: &mut IsrShared) {
        shared.acknowledge_stale();
    }

    fn disable(&mut self, shared: &mut IsrShared) {
        shared.acknowledge_stale();
    }

    fn dpc(device: &EduDevice, interrupt: DpcInterrupt<'_, Self>) {
        super::dpc::run(device, interrupt);
    }
}
