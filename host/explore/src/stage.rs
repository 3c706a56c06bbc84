//! Where a scenario plays.

use std::{rc::Rc, time::Duration};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_DEVICE_DOES_NOT_EXIST,
    STATUS_DEVICE_NOT_READY, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_HANDLE,
    STATUS_NO_SUCH_DEVICE,
};
use kmdf_framework::{File, Grant, Host, Irp, Operation, Outcome};
use kmdf_machine::Turn;
use kmdf_session::Session;

use super::{
    hooks::Explorer,
    scenario::Wrong,
    visit::{Cause, Disturbs},
};

/// Statuses with which requests may end when their device is stopped for good or removed.
pub const REMOVAL_STATUSES: [NtStatus; 6] = [
    STATUS_CANCELLED,
    STATUS_DELETE_PENDING,
    STATUS_DEVICE_DOES_NOT_EXIST,
    STATUS_DEVICE_NOT_READY,
    STATUS_INVALID_DEVICE_STATE,
    STATUS_NO_SUCH_DEVICE,
];

/// Where a scenario plays: a driver that runs, and what is expected of it.
pub struct Stage<'a> {
    pub(crate) session: &'a Session,
    pub(crate) explorer: &'a Rc<Explorer>,
    /// Whether calls are made to fail: then requests may fail, too.
    pub(crate) failing: bool,
    /// What else the run does to the scenario.
    pub(crate) disturbs: Disturbs,
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
        match self.opened(class, instance, access)? {
            Ok(file) => Ok(file),
            Err(_) if self.disturbs.device => Err(Wrong::Removed),
            Err(status) => Err(Wrong::Unexpected(format!("opening the device: {status}"))),
        }
    }

    /// As [`Self::open`], where the device may well not be there.
    ///
    /// # Errors
    /// The run stopped.
    pub fn try_open(
        &self,
        class: [u8; 16],
        instance: u32,
        access: u32,
    ) -> Result<Option<Rc<File>>, Wrong> {
        Ok(self.opened(class, instance, access)?.ok())
    }

    fn opened(
        &self,
        class: [u8; 16],
        instance: u32,
        access: u32,
    ) -> Result<Result<Rc<File>, NtStatus>, Wrong> {
        let opened = self.host().open(class, instance, access);
        match &opened {
            Ok(file) => {
                let mut files = self.explorer.files.borrow_mut();
                files.push(Rc::clone(file));
            }
            // A run that stopped says so when it is to go on.
            Err(_) => {
                self.host().turn(Duration::ZERO)?;
            }
        }
        Ok(opened)
    }

    /// Begins something that may happen at any moment; it goes on as the machine runs. What only a
    /// processor can bring about does not happen.
    pub fn begin(&self, cause: Cause) {
        self.explorer.begin(self.host(), cause);
    }

    /// Whether the run does nothing but what the scenario does: no call fails, and nothing happens
    /// to requests, handles or the device from outside.
    #[must_use]
    pub fn is_undisturbed(&self) -> bool {
        !self.failing && self.disturbs == Disturbs::default()
    }

    /// Sends a request.
    #[must_use]
    pub fn submit(&self, file: &File, operation: Operation) -> Rc<Irp> {
        let irp = self.host().submit(file, operation);
        self.explorer.note(&irp);
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

    /// Runs the machine until a request has ended, or until nothing happens by itself any more.
    /// Whether it has ended.
    ///
    /// # Errors
    /// The run stopped.
    pub fn settle(&self, irp: &Irp) -> Result<bool, Wrong> {
        while !irp.is_finished() {
            if self.host().turn(Duration::ZERO)? == Turn::Quiet {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs the machine until nothing happens by itself any more but timers and waits that have a limit,
    /// and no PnP or power work is under way.
    ///
    /// # Errors
    /// The run stopped, or it does not come to rest within an hour of virtual time.
    pub fn rest(&self) -> Result<(), Wrong> {
        Ok(self.host().run_until(Host::is_at_rest)?)
    }

    /// All requests that the scenario has sent, those of its threads, too.
    #[must_use]
    pub fn sent(&self) -> Vec<Rc<Irp>> {
        self.explorer.sent.borrow().clone()
    }

    /// Whether the device in a slot has been surprise-removed.
    #[must_use]
    pub fn is_removed(&self, slot: usize) -> bool {
        self.host().is_removed(slot)
    }

    /// Lets virtual time pass, while the machine runs.
    ///
    /// # Errors
    /// The run stopped.
    pub fn pass(&self, time: Duration) -> Result<(), Wrong> {
        let sleep = move |host: &Host| {
            let until = host.now() + time;
            host.block_until_or(until, |_| false);
        };
        Ok(self.host().run_to_end("app sleeps", sleep)?)
    }

    /// Lets the machine run for that many scheduling decisions.
    ///
    /// # Errors
    /// The run stopped.
    pub fn run_for(&self, turns: u32) -> Result<(), Wrong> {
        for _ in 0..turns {
            self.host().turn(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Checks how a request ended: with success and this output, or with one of these errors.
    /// Where exploration itself cancels requests, closes handles, takes the device away or fails
    /// calls, with what that leads to, too.
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
                || self.disturbs.requests && status == STATUS_CANCELLED
                || self.disturbs.handles && status == STATUS_INVALID_HANDLE
                || self.disturbs.device && REMOVAL_STATUSES.contains(&status)
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
        } else if self.failing || self.disturbs.device {
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

    /// Pulls the device in a slot out.
    ///
    /// # Errors
    /// The run stopped.
    pub fn surprise_remove(&self, slot: usize) -> Result<(), Wrong> {
        Ok(self.host().surprise_remove(slot)?)
    }

    /// Puts the device in a slot to sleep.
    ///
    /// # Errors
    /// The run stopped.
    pub fn sleep(&self, slot: usize) -> Result<(), Wrong> {
        Ok(self.host().sleep(slot)?)
    }

    /// Wakes the device in a slot up. One that does not wake is removed, as on Windows.
    ///
    /// # Errors
    /// The run stopped, or the driver refuses although nothing was made to fail.
    pub fn wake(&self, slot: usize) -> Result<(), Wrong> {
        let status = self.host().resume(slot)?;
        if status.is_success() || self.failing || self.disturbs.device {
            Ok(())
        } else {
            Err(Wrong::Unexpected(format!("waking up: {status}")))
        }
    }
}
