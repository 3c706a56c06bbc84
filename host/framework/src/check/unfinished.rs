//! Requests that never end.

use std::rc::Rc;

use kmdf_machine::{Above, Machine};
use kmdf_rules::{Rule, rules};

use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        request::{Owner, Request},
    },
};

/// What the machine asks when nothing can go on.
pub(crate) struct Unfinished;

impl Above for Unfinished {
    fn unfinished(&self, machine: &Machine) -> Option<(&'static Rule, String)> {
        let host = Host::of(machine);
        let requests = host.bodies::<Request>();
        let with_driver = requests.iter().find(|request| {
            matches!(request.owner.get(), Owner::Driver(_))
                && request.cancel.get() == 0
                && !request.made_by_driver
        });
        let text = if let Some(request) = with_driver {
            format!(
                "the driver has the request {:#x} ({:?}), not cancelable, and nothing is left that could \
                 make it complete it: no interrupt, DPC, work item, timer or other request",
                request.handle, request.irp.major
            )
        } else {
            let waits = |request: &&Rc<Request>| host.waits_for_a_lost_device(request);
            let request = requests.iter().find(waits)?;
            format!(
                "the request {:#x} ({:?}) waits in a queue of a device that is surprise-removed: its \
                 app hears of that only if the driver ends it, for the framework purges the queue \
                 when the last handle is closed",
                request.handle, request.irp.major
            )
        };
        Some((&rules::REQUEST_AGE, text))
    }
}

impl Host {
    /// Whether a request waits in a queue that outlives the surprise removal of its device.
    fn waits_for_a_lost_device(&self, request: &Request) -> bool {
        matches!(request.owner.get(), Owner::Queue(_))
            && self.body::<Device>(request.device.get()).phase.get() == Phase::SurpriseRemoved
    }
}
