//! Register accesses of a device that is not in D0.
//!
//! Microsoft's documentation (Driver Access to Hardware) says in which callbacks a driver may access its device: from
//! EvtDevicePrepareHardware to EvtDeviceD0Exit, when it is started, and from EvtDeviceD0Entry to EvtDeviceD0Exit, when
//! it wakes up. A device that was surprise-removed is not in D0 either, but its driver cannot know that at once. The
//! ISR of an interrupt that stays connected in Dx is called for other devices on its line, and has to look.

use kmdf_rules::rules;

use crate::machine::Machine;

impl Machine {
    /// Checks an access of a register at a physical address, or of a port.
    pub(crate) fn check_power(&self, address: u64, is_port: bool) {
        if !self.checks_all() {
            return;
        }
        let asked = self.slots.iter().find(|slot| {
            let bar = if is_port {
                slot.find_bar(address, true)
            } else {
                slot.bar_at(address)
            };
            bar.is_some()
        });
        let is_out = asked.is_some_and(|slot| !slot.in_d0.get() && !slot.removed.get());
        if is_out && self.in_callback("EvtInterruptIsr").is_none() {
            self.violation(
                &rules::REGISTER_OUTSIDE_D0,
                "a register of a device is accessed that is not in D0: it was taken out of it by \
                 EvtDeviceD0Exit, or its EvtDeviceD0Entry has failed",
            );
        }
    }
}

impl Machine {
    /// Checks a function that has left D0: its driver has told it not to interrupt any more, unless it is gone.
    pub(crate) fn check_left_on(&self, slot: usize) {
        let slot = &self.slots[slot];
        let left_on = slot.left_on().filter(|_| !slot.removed.get());
        if let Some(why) = left_on.filter(|_| self.checks_all()) {
            self.note_violation(
                &rules::INTERRUPT_LEFT_ON,
                format!("a device has left D0 and may still interrupt: {why}"),
            );
        }
    }
}
