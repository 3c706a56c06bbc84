//! A device that answers what it likes, and an app that sends what it likes.
//!
//! Both are made of bytes: of a seed, of a property test, of a fuzzer. Without bytes the device is a
//! healthy one and the app does nothing.
//!
//! What must hold whatever they do: the driver breaks no rule; every request ends, by the device, by
//! the watchdog, or because it is canceled; nothing is left behind. What a request ends with is not
//! looked at.

mod app;
mod bytes;
mod device;

use std::sync::Arc;

use edu_model::{Config, Messages};
use kmdf_host::{
    Host, Interrupts,
    device::PciFunction,
    explore::{Scenario, Stage, Wrong},
};

use self::{bytes::Bytes, device::HostileDevice};
use crate::{raise_cause, scenarios::counted};

/// A hostile scenario.
#[derive(Clone, Debug)]
pub(crate) struct Hostile {
    name: &'static str,
    about: &'static str,
    /// Whether the device is hostile.
    device: bool,
    /// Whether the app is; one that is not sends a bit of everything.
    app: bool,
    /// Whether PnP and power do what the bytes say while the app goes on.
    disturbed: bool,
    interrupts: Interrupts,
    /// What they do.
    input: Option<Vec<u8>>,
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Hostile> {
    let device = Hostile {
        name: "hostile-device",
        about: "a device that answers what a seed says, by messages",
        device: true,
        app: false,
        disturbed: false,
        interrupts: Interrupts::AsInstalled,
        input: None,
    };
    let app = Hostile {
        name: "hostile-app",
        about: "an app whose threads do what a seed says, while the device comes and goes",
        device: false,
        app: true,
        disturbed: true,
        ..device.clone()
    };
    [
        Hostile {
            name: "hostile-line",
            about: "a device that answers what a seed says, by its line",
            interrupts: Interrupts::Line,
            ..device.clone()
        },
        Hostile {
            name: "hostile",
            about: "a device, and an app whose threads do what a seed says, while the device comes and goes",
            device: true,
            ..app.clone()
        },
        device,
        app,
    ]
    .into_iter()
}

impl Hostile {
    /// The bytes of the device and those of the app: by turns, so that both are shaped by the first
    /// bytes of a short input. One that is not hostile has none.
    fn split(&self) -> (Bytes, Bytes) {
        let input = Bytes::new(self.input.iter().flatten().copied());
        match (self.device, self.app) {
            (true, true) => {
                let [device, app] = input.deal();
                (device, app)
            }
            (true, false) => (input, Bytes::default()),
            (false, _) => (Bytes::default(), input),
        }
    }
}

impl Scenario for Hostile {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn with_input(&self, input: &[u8]) -> Option<Arc<dyn Scenario>> {
        self.input.is_none().then(|| {
            Arc::new(Self {
                input: Some(input.to_vec()),
                ..self.clone()
            }) as Arc<dyn Scenario>
        })
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        let (bytes, _) = self.split();
        let config = Config {
            messages: Messages::Two,
            ..Config::default()
        };
        vec![Box::new(HostileDevice::new(config, bytes))]
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn is_hostile(&self) -> bool {
        true
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let (_, bytes) = self.split();
        if self.app {
            app::hostile(stage, &bytes, self.disturbed)?;
        } else {
            app::decent(stage)?;
        }
        if self.device {
            return Ok(());
        }
        counted::nothing_hides(stage, 1)
    }

    fn raise(&self, host: &Host) {
        raise_cause(host);
    }
}
