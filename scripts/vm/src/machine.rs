//! What is done to the machine while Windows runs on it.

use std::{thread, time::Duration};

use crate::Error;

/// A machine with an edu device that can be taken away.
pub trait Machine {
    /// Asks for the device (`device_del`), and says whether it was given in time.
    ///
    /// # Errors
    /// QEMU refuses.
    fn device_del(&mut self, limit: Duration) -> Result<bool, Error>;

    /// Takes the device away, without asking.
    ///
    /// # Errors
    /// QEMU refuses.
    fn pull(&mut self) -> Result<(), Error>;

    /// Gives the device back (`device_add`).
    ///
    /// # Errors
    /// QEMU refuses.
    fn plug(&mut self) -> Result<(), Error>;

    /// Waits until the machine is off.
    ///
    /// # Errors
    /// It is not in time.
    fn wait_for_end(&mut self, limit: Duration) -> Result<(), Error>;

    /// Lets it run for a while.
    fn pause(&mut self, time: Duration) {
        thread::sleep(time);
    }
}
