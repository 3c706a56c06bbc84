//! What an exploration does with the edu driver.

pub(crate) mod counted;
mod events;
mod factorials;
mod pnp;
pub(crate) mod requests;
mod settings;
mod together;
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

use self::together::RaisesBehind;
use crate::{EduModel, counters, hostile, raise_cause};

/// The value that has interrupt objects created in EvtDevicePrepareHardware.
const LATE: &str = "InterruptLate";

/// What a scenario does once the driver runs.
type Body = fn(&Stage<'_>) -> Result<(), Wrong>;

/// A scenario of the edu driver: one device with one message, installed from the driver's INF, but
/// for what is said.
pub(crate) struct Edu {
    name: &'static str,
    about: &'static str,
    functions: usize,
    messages: Messages,
    /// How long a transfer takes; `None` for as long as QEMU's.
    dma_ns: Option<u64>,
    /// Whether software raises a cause with each factorial, just when that is acknowledged.
    raises_behind: bool,
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
            dma_ns: None,
            raises_behind: false,
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
                let usual = Config::default();
                let model = EduModel::new(Config {
                    messages: self.messages,
                    faults: self.faults.clone(),
                    dma_ns: self.dma_ns.unwrap_or(usual.dma_ns),
                    ..usual
                });
                if self.raises_behind {
                    Box::new(RaisesBehind(model)) as Box<dyn PciFunction>
                } else {
                    Box::new(model)
                }
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
        (self.body)(stage)?;
        if self.faults == Faults::default() {
            counted::nothing_hides(stage, self.functions)?;
            // Late interrupt objects have a list for each start.
            if !self.registry.iter().any(|(name, _)| *name == LATE) {
                counters::nothing_allocated(&stage.host().counts(), self.functions)
                    .map_err(Wrong::Unexpected)?;
            }
        }
        Ok(())
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
        .chain(together::all())
        .chain(pnp::all())
        .chain(settings::all())
        .chain(watchdog::all())
        .map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>)
        .chain(hostile::all().map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>))
        .collect()
}
