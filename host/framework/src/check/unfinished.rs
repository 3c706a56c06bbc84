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
                "the driver has the {}, and nothing is left that could make it complete it: no interrupt, \
                 DPC, work item, timer or other request; {}",
                described(request),
                host.last_interrupt()
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

    fn pending(&self, machine: &Machine) -> Vec<String> {
        let requests = Host::of(machine).bodies::<Request>();
        let of_apps = requests.iter().filter(|request| !request.made_by_driver);
        of_apps
            .map(|request| format!("the {}", described(request)))
            .collect()
    }
}

/// A request that is not complete: which, how the driver got it and when, and where it is.
fn described(request: &Request) -> String {
    let given = match request.given.get() {
        Some((how, at)) => format!("given to the driver by {how} at {at}"),
        None => "never given to the driver".to_owned(),
    };
    let place = match request.owner.get() {
        Owner::Queue(queue) => format!("waiting in the WDFQUEUE {queue:#x}"),
        Owner::Target(_) => "sent to the driver below".to_owned(),
        Owner::Completed => "completed".to_owned(),
        Owner::Driver(_) if request.cancel.get() != 0 => "cancelable".to_owned(),
        Owner::Driver(_) => "not cancelable".to_owned(),
    };
    format!(
        "WDFREQUEST {:#x} ({:?}), {given}, {place}",
        request.handle, request.irp.major
    )
}

impl Host {
    /// Whether a request waits in a queue that outlives the surprise removal of its device.
    fn waits_for_a_lost_device(&self, request: &Request) -> bool {
        matches!(request.owner.get(), Owner::Queue(_))
            && self.body::<Device>(request.device.get()).phase.get() == Phase::SurpriseRemoved
    }
}
