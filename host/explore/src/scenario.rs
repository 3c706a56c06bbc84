//! Scenarios: what an app and PnP do with a driver, written once and run in every way.

use std::sync::Arc;

use kmdf_bus::PciFunction;
use kmdf_framework::Host;
use kmdf_install::RegistryValue;
use kmdf_machine::Stop;
use kmdf_session::{BootError, Interrupts};

use super::stage::Stage;

/// What happens to a driver, and what must come of it whatever the order of events.
///
/// A scenario is run thousands of times, on several threads; it must do the same each time.
pub trait Scenario: Send + Sync {
    /// Its name on a command line.
    fn name(&self) -> &'static str;

    /// What it is, in one line.
    fn about(&self) -> &'static str;

    /// The devices of the machine.
    fn devices(&self) -> Vec<Box<dyn PciFunction>>;

    /// How interrupts are granted.
    fn interrupts(&self) -> Interrupts {
        Interrupts::AsInstalled
    }

    /// Whether the interrupt pins of all devices are wired together.
    fn shared_line(&self) -> bool {
        false
    }

    /// The file name of another INF that the driver is installed from; it lies beside the one that
    /// the exploration was given.
    fn inf(&self) -> Option<&'static str> {
        None
    }

    /// Values in the hardware key of every device, beside those that the INF adds and instead of
    /// those of the same name.
    fn registry(&self) -> Vec<(&'static str, RegistryValue)> {
        Vec::new()
    }

    /// The scenario as these bytes shape it: a device or an app that does what they say. `None` for
    /// one that nothing shapes, or that is shaped already. Runs with a seed are given bytes that the
    /// seed draws.
    fn with_input(&self, input: &[u8]) -> Option<Arc<dyn Scenario>> {
        let _ = input;
        None
    }

    /// Whether its devices do what no healthy ones do: then the driver may refuse to start.
    fn is_hostile(&self) -> bool {
        false
    }

    /// What the app and PnP do once the devices are started.
    ///
    /// # Errors
    /// The run stopped, or something came of it that must not.
    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong>;

    /// Makes the device in slot 0 interrupt for a reason of its own, at any moment at which a driver
    /// takes its interrupts.
    fn raise(&self, host: &Host) {
        let _ = host;
    }
}

/// What went wrong in a run.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The driver did not come up.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The run stopped: the driver broke a rule, or nothing can go on.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// A request ended otherwise than it must.
    #[error("{0}")]
    Unexpected(String),
    /// Requests were presented to the driver and never completed.
    #[error("{presented} requests were presented to the driver, and {completed} completed")]
    Lost {
        /// How many the driver was given.
        presented: u64,
        /// How many it completed.
        completed: u64,
    },
    /// The device is not there any more, which in this run may happen: nothing went wrong, and the
    /// scenario ends here. [`Stage`] makes these.
    #[error("the device was removed")]
    Removed,
    /// The same run went another way the second time.
    #[error("the same run gave the digest {0:016x} first and {1:016x} then")]
    Differs(u64, u64),
}
