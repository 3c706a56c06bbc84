//! Whose turn it is: PnP and power work is done one at a time, as the PnP manager does it, and what
//! may begin at any moment waits for what is under way.

use crate::{
    host::Host,
    kmdf::device::{Device, Phase},
};

/// Something that PnP or the system may do to a device at any moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The system sleeps and wakes up.
    Sleep,
    /// The device is stopped and started again with the resources it had.
    Stop,
    /// It is removed in order.
    Removal,
    /// It is surprise-removed.
    SurpriseRemoval,
}

impl Host {
    /// Does PnP or power work when nobody else does any. In a thread at PASSIVE_LEVEL.
    pub(crate) fn in_turn<R>(&self, work: impl FnOnce(&Self) -> R) -> R {
        self.block_until(|host| !host.is_changing());
        self.framework().pnp_busy.set(true);
        self.acquires(&self.framework().pnp);
        let began = self.now();
        let result = work(self);
        self.releases(&self.framework().pnp);
        self.check_duration(began, "work of PnP or power");
        self.framework().pnp_busy.set(false);
        result
    }

    /// Whether nothing happens by itself any more but timers and waits that have a limit, and no PnP or
    /// power work, which may wait so, is under way.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.has_only_alarms() && !self.is_changing()
    }

    /// Whether PnP or power work is under way.
    pub(crate) fn is_changing(&self) -> bool {
        self.framework().pnp_busy.get()
    }

    /// Whether a disturbance of the device in a slot would change something now. One that has to
    /// wait for other PnP work changes nothing now.
    pub fn can_disturb(&self, slot: usize, disturbance: Disturbance) -> bool {
        let Some(device) = self.device_in(slot) else {
            return false;
        };
        match disturbance {
            Disturbance::SurpriseRemoval => !self.slots[slot].removed.get(),
            _ => device.phase.get() == Phase::Working && !self.is_changing(),
        }
    }

    /// Begins to disturb the device in a slot. Only a device that works is stopped or put to sleep.
    pub fn disturb(&self, slot: usize, disturbance: Disturbance) {
        if disturbance == Disturbance::SurpriseRemoval {
            self.surprise_remove_function(slot);
        }
        self.spawn("PnP", move |host| {
            host.in_turn(|host| match disturbance {
                Disturbance::Sleep => {
                    host.put_to_sleep(slot);
                    host.wake(slot);
                }
                Disturbance::Stop => {
                    let works = |device: &Device| device.phase.get() == Phase::Working;
                    if let Some(device) = host.device_in(slot).filter(|device| works(device)) {
                        host.give_other_resources(&device, device.grant.get());
                    }
                }
                Disturbance::Removal => host.remove(slot),
                Disturbance::SurpriseRemoval => host.lose(slot),
            });
        });
    }

    /// Whether a driver takes the interrupts of the function in a slot. One that it does not take
    /// would never be answered: PCI functions send none in a low-power state.
    #[must_use]
    pub fn takes_interrupts(&self, slot: usize) -> bool {
        self.bodies::<Device>()
            .iter()
            .filter(|device| device.slot == slot)
            .any(|device| {
                let interrupts = device.interrupts.borrow();
                interrupts.iter().any(|interrupt| interrupt.is_connected())
            })
    }
}
