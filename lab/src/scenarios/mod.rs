//! What an exploration does with the edu driver.

mod events;
mod factorials;
mod pnp;
pub(crate) mod requests;
mod settings;
mod transfers;
mod watchdog;

use std::sync::Arc;

use edu_model::{Config, Faults, Messages};
use kmdf_host::{
    Host, Interrupts,
    device::PciFunction,
    explore::{Scenario, Stage, Wrong},
    install::RegistryValue,
};

use crate::{EduModel, hostile, raise_cause};

/// What a scenario does once the driver runs.
type Body = fn(&Stage<'_>) -> Result<(), Wrong>;

/// A scenario of the edu driver: one device with one message, installed from the driver's INF, but
/// for what is said.
pub(crate) struct Edu {
    name: &'static str,
    about: &'static str,
    functions: usize,
    messages: Messages,
    faults: Faults,
    interrupts: Interrupts,
    inf: Option<&'static str>,
    registry: &'static [(&'static str, u32)],
    body: Body,
}

impl Edu {
    const fn new(name: &'static str, about: &'static str, body: Body) -> Self {
        Self {
            name,
            about,
            functions: 1,
            messages: Messages::One,
            faults: Faults {
                stuck: Vec::new(),
                factorial_xor: 0,
                factorial_hangs: false,
                dma_hangs: false,
                mute: false,
                extra_causes: 0,
                spurious_every_ns: None,
                removed_at_ns: None,
            },
            interrupts: Interrupts::AsInstalled,
            inf: None,
            registry: &[],
            body,
        }
    }

    const fn two_messages(mut self) -> Self {
        self.messages = Messages::Two;
        self
    }

    const fn line(mut self) -> Self {
        self.interrupts = Interrupts::Line;
        self
    }
}

impl Scenario for Edu {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        (0..self.functions)
            .map(|_| {
                let config = Config {
                    messages: self.messages,
                    faults: self.faults.clone(),
                    ..Config::default()
                };
                Box::new(EduModel::new(config)) as Box<dyn PciFunction>
            })
            .collect()
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn shared_line(&self) -> bool {
        self.functions > 1
    }

    fn inf(&self) -> Option<&'static str> {
        self.inf
    }

    fn registry(&self) -> Vec<(&'static str, RegistryValue)> {
        self.registry
            .iter()
            .map(|&(name, value)| (name, RegistryValue::Dword(value)))
            .collect()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        (self.body)(stage)
    }

    fn raise(&self, host: &Host) {
        raise_cause(host);
    }
}

/// All scenarios.
pub(crate) fn all() -> Vec<Arc<dyn Scenario>> {
    factorials::all()
        .chain(transfers::all())
        .chain(events::all())
        .chain(pnp::all())
        .chain(settings::all())
        .chain(watchdog::all())
        .map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>)
        .chain(hostile::all().map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>))
        .collect()
}
