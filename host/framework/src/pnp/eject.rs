//! Ejection: a child is removed in order, and its bus driver lets it go.

use std::rc::Rc;

use kmdf_machine::Event;

use super::{children::name, question::Question};
use crate::{
    host::Host,
    kmdf::{
        child_list::Named,
        device::{Device, Phase},
        states::Pnp,
    },
};

impl Host {
    /// IoRequestDeviceEject. `false` for a device that PnP does not know yet.
    pub(crate) fn request_eject(&self, handle: u64) -> bool {
        if !self.body::<Device>(handle).is_known() {
            return false;
        }
        self.spawn("PnP", move |host| {
            host.in_turn(|host| {
                if !host.framework().objects.was(handle, "WDFDEVICE") {
                    host.eject(&host.body::<Device>(handle));
                }
            });
        });
        true
    }

    /// Asks whether a child and what is ejected with it may be removed, removes all of that, and calls
    /// EvtDeviceEject.
    fn eject(&self, device: &Rc<Device>) {
        let Some(pdo) = &device.pdo else { return };
        if !pdo.enumerated.get() || device.phase.get() == Phase::SurpriseRemoved {
            return;
        }
        let mut all = vec![Rc::clone(device)];
        for object in pdo.ejected_with.borrow().iter() {
            let with = self
                .bodies::<Device>()
                .into_iter()
                .find(|other| other.wdm_physical() == *object && !Rc::ptr_eq(other, device));
            all.extend(with.filter(|with| with.pdo.is_some()));
        }
        let vetoed = all.iter().any(|device| {
            let status = self.ask_all(device, Question::Remove);
            !status.is_success()
        });
        if vetoed {
            for device in &all {
                self.take_question_back(device);
            }
            let text = format!("child {} is not ejected: a driver said no", name(device));
            return self.record(Event::Host { text });
        }
        for device in all.iter().rev() {
            self.remove_device_tree(device);
        }
        self.pass_pnp(device, &[Pnp::EjectHardware]);
        let callback = pdo.init.callbacks.EvtDeviceEject.0;
        let status = self.pnp_callback(device, "EvtDeviceEject", callback, &[]);
        if !status.is_success() {
            self.pass_pnp(device, &[Pnp::EjectFailed]);
            let text = format!("child {} is not ejected: {status}", name(device));
            return self.record(Event::Host { text });
        }
        let text = format!("child {} is ejected", name(device));
        self.record(Event::Host { text });
        let list = Rc::clone(&pdo.init.list);
        self.miss_child(&list, Named::Device(device.handle));
        self.pass_pnp(device, &[Pnp::EjectedWaitingForRemove]);
        let waited = Rc::clone(&list);
        self.block_until(move |_| waited.is_at_rest());
        if let Some(parent) = self.device_of_list(&list) {
            self.enumerate(&parent);
        }
    }
}
