//! Scenarios: what an app and PnP do with a driver, written once and run in every way.

use std::rc::Rc;

use crate::{
    BootError, File, Grant, Host, Irp, NtStatus, Operation, Outcome, Session, Stop,
    device::PciFunction, session::Interrupts,
};

/// What happens to a driver, and what must come of it whatever the order of events.
///
/// A scenario is run thousands of times; it must do the same each time.
pub trait Scenario {
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

    /// What the app and PnP do once the devices are started.
    ///
    /// # Errors
    /// The run stopped, or something came of it that must not.
    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong>;

    /// Makes the device interrupt for a reason of its own, at any moment.
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
    /// The same run went another way the second time.
    #[error("the same run gave the digest {0:016x} first and {1:016x} then")]
    Differs(u64, u64),
}

/// Where a scenario plays: a driver that runs, and what is expected of it.
pub struct Stage<'a> {
    pub(crate) session: &'a Session,
    /// Whether calls are made to fail: then requests may fail, too.
    pub(crate) failing: bool,
    /// Whether requests may be cancelled at any moment.
    pub(crate) cancelling: bool,
}

impl Stage<'_> {
    /// The virtual machine.
    #[must_use]
    pub fn host(&self) -> &Host {
        self.session.host()
    }

    /// Opens the device interface of a class.
    ///
    /// # Errors
    /// There is none.
    pub fn open(&self, class: [u8; 16], instance: u32, access: u32) -> Result<Rc<File>, Wrong> {
        self.host()
            .open(class, instance, access)
            .map_err(|status| Wrong::Unexpected(format!("opening the device: {status}")))
    }

    /// Sends a request.
    #[must_use]
    pub fn submit(&self, file: &File, operation: Operation) -> Rc<Irp> {
        let irp = self.host().submit(file, operation);
        let mut pending = self.host().explorer.pending.borrow_mut();
        pending.retain(|other| !other.is_finished());
        pending.push(Rc::clone(&irp));
        irp
    }

    /// Runs the machine until a request has ended.
    ///
    /// # Errors
    /// The run stopped.
    pub fn wait(&self, irp: &Irp) -> Result<Outcome, Wrong> {
        self.host().run_until(|_| irp.is_finished())?;
        irp.outcome()
            .ok_or_else(|| Wrong::Unexpected("a finished request without an outcome".to_owned()))
    }

    /// Lets the machine run for that many scheduling decisions.
    ///
    /// # Errors
    /// The run stopped.
    pub fn run_for(&self, turns: u32) -> Result<(), Wrong> {
        for _ in 0..turns {
            self.host().turn(std::time::Duration::ZERO)?;
        }
        Ok(())
    }

    /// Checks how a request ended: with success and this output, or with one of these errors.
    /// Where exploration itself cancels requests or fails calls, with STATUS_CANCELLED or any
    /// error, too.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn expect(
        &self,
        what: &str,
        outcome: &Outcome,
        output: &[u8],
        errors: &[NtStatus],
    ) -> Result<(), Wrong> {
        let status = outcome.status;
        let allowed = if status.is_success() {
            outcome.output == output
        } else {
            errors.contains(&status)
                || self.failing
                || self.cancelling && status == crate::ntstatus::STATUS_CANCELLED
        };
        if allowed {
            return Ok(());
        }
        Err(Wrong::Unexpected(format!(
            "{what} ended with {status} and {:02x?}; success with {output:02x?} was expected{}",
            outcome.output,
            if errors.is_empty() {
                String::new()
            } else {
                format!(
                    ", or one of {}",
                    errors
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            }
        )))
    }

    /// Stops the device in a slot, as for a rebalance.
    ///
    /// # Errors
    /// The run stopped.
    pub fn stop(&self, slot: usize) -> Result<(), Wrong> {
        Ok(self.host().stop_device(slot)?)
    }

    /// Starts the device in a slot again; `line` instead of what it was installed with.
    ///
    /// # Errors
    /// The run stopped, or the driver refuses although nothing was made to fail.
    pub fn restart(&self, slot: usize, line: bool) -> Result<(), Wrong> {
        let installed = self.session.installed();
        let grant = installed
            .iter()
            .find(|device| device.slot == slot)
            .map_or(Grant::None, |device| device.grant);
        let status = self
            .host()
            .start_device(slot, if line { Grant::Line } else { grant })?;
        if status.is_success() {
            Ok(())
        } else if self.failing {
            // PnP removes a device that does not start.
            self.remove(slot)
        } else {
            Err(Wrong::Unexpected(format!("starting again: {status}")))
        }
    }

    /// Removes the device in a slot in order.
    ///
    /// # Errors
    /// The run stopped.
    pub fn remove(&self, slot: usize) -> Result<(), Wrong> {
        Ok(self.host().remove_device(slot)?)
    }
}
