//! The interrupt objects: what they keep, and what enabling and disabling them does.
//!
//! There is one for each message that the device can send. If the device is granted fewer, or one
//! line, the others are never connected. All objects do the same work: the device has one interrupt
//! status for all its messages, so the first ISR that runs acknowledges the causes of all messages, and
//! its DPC does the work for all of them.

#![forbid(unsafe_code)]

mod dpc;
mod isr;

use edu_driver_core::log::Taken;
use edu_spec::registers::MAX_MESSAGES;

use kmdf::{
    Device, Disconnected, Interrupt, InterruptLock, List, Passive, Policy, Resources, Result,
};

use crate::{
    device::{EduDevice, State},
    isr_context::{EduInterrupt, Interrupts, IsrShared},
};

/// Creates the interrupt objects in EvtDriverDeviceAdd, in the order of the messages: the first gets
/// the first message, or the line.
pub fn create_all(
    device: Device<'_>,
    passive: &Passive<'_>,
    lock: &InterruptLock<IsrShared>,
    policy: Option<Policy>,
) -> Result<Interrupts> {
    // At PASSIVE_LEVEL there are no messages, and so there is one interrupt.
    let count = if lock.handling().is_passive() {
        1
    } else {
        MAX_MESSAGES
    };
    let create = || {
        let interrupt = Interrupt::create(device, lock, EduInterrupt::new())?;
        if let Some(policy) = policy {
            interrupt.set_policy(device, policy);
        }
        Ok(interrupt)
    };
    List::collect(passive, count, core::iter::repeat_with(create))
}

/// Creates the interrupt objects in EvtDevicePrepareHardware, one for each line or message, however many
/// were granted.
pub fn create_for(
    passive: &Passive<'_>,
    lock: &InterruptLock<IsrShared>,
    resources: &Resources<'_>,
) -> Result<Interrupts> {
    let count = resources
        .interrupts()
        .map(|resource| resource.messages())
        .sum();
    let granted = resources
        .interrupts()
        .flat_map(|resource| core::iter::repeat_n(resource, resource.messages()));
    let created =
        granted.map(|resource| Interrupt::create_for(&resource, lock, EduInterrupt::new()));
    List::collect(passive, count, created)
}

impl EduDevice {
    /// Processes what the ISRs have recorded while they could not queue a DPC.
    pub fn work_off_recorded(&self, disconnected: Option<&mut Disconnected<'_>>) {
        let mut state = self.state.lock();
        let recorded = state.take_recorded(disconnected);
        drop(state);
        dpc::work_off_late(self, &recorded);
    }
}

impl State {
    /// Takes what all interrupt objects have recorded.
    fn take_recorded(&mut self, mut disconnected: Option<&mut Disconnected<'_>>) -> Taken {
        for interrupt in self.interrupts.iter() {
            let recorded = if let Some(disconnected) = &mut disconnected {
                interrupt
                    .disconnected(disconnected)
                    .ok()
                    .map(|own| own.log.take())
            } else {
                let connected = self.connected.as_ref();
                let guard = connected.and_then(|connected| interrupt.lock(connected));
                guard.map(|guard| guard.own.log.take())
            };
            if let Some(recorded) = recorded {
                self.log.absorb(recorded);
            }
        }
        self.log.take()
    }
}
