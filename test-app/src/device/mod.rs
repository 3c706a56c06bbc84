//! The device interface: open it, send requests, wait for them, cancel them.
//!
//! Every request is overlapped: any number may be pending, from any thread.

mod error;
#[cfg(unix)]
mod host;
mod status;
#[cfg(windows)]
mod windows;

use std::time::{Duration, Instant};

#[cfg(unix)]
use host as system;
#[cfg(windows)]
use windows as system;

pub use error::{Error, RequestError};
pub use status::Status;

/// How long a request that was canceled may take to complete.
pub const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// Which device is opened, and where it is looked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Index among the devices that have the interface.
    pub index: u32,
    /// The socket of kmdf-host, if not the usual one.
    #[cfg(unix)]
    pub socket: Option<std::path::PathBuf>,
}

/// An open device interface. Dropping it closes the handle.
#[derive(Debug)]
pub struct Device(system::Device);

impl Device {
    /// Opens the device interface for reading and writing, shared with others.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::NotOpened`], [`Error::Disconnected`].
    pub fn open(options: &Options) -> Result<Self, Error> {
        system::Device::open(options).map(Self)
    }

    /// Sends a control request with an output buffer of `output_length` bytes.
    ///
    /// # Errors
    /// [`Error::Failed`] when it failed at once, [`Error::Disconnected`].
    pub fn control(&self, code: u32, input: &[u8], output_length: u32) -> Result<Pending, Error> {
        self.0.control(code, input, output_length).map(Pending)
    }

    /// Sends a read request for `length` bytes at file offset `offset`.
    ///
    /// # Errors
    /// As [`Device::control`].
    pub fn read(&self, offset: u64, length: u32) -> Result<Pending, Error> {
        self.0.read(offset, length).map(Pending)
    }

    /// Sends a write request at file offset `offset`.
    ///
    /// # Errors
    /// As [`Device::control`].
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<Pending, Error> {
        self.0.write(offset, data).map(Pending)
    }
}

/// What a request that succeeded gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// How many bytes were transferred (`IoStatus.Information`).
    pub bytes: u64,
    /// What is in the output buffer, without the part that was not written.
    pub output: Vec<u8>,
}

/// What [`Pending::wait_until`] saw.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub enum Wait {
    /// The request completed, or never will.
    Ended(Result<Transfer, Error>),
    /// It is still pending.
    TimedOut(Pending),
}

/// A request that was sent. Dropping it cancels it.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Pending(system::Pending);

impl Pending {
    /// Waits for the completion until `deadline`.
    pub fn wait_until(self, deadline: Instant) -> Wait {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.0.wait_timeout(left) {
            Ok(ended) => Wait::Ended(ended),
            Err(pending) => Wait::TimedOut(Self(pending)),
        }
    }

    /// Asks the driver to cancel the request. It still completes.
    ///
    /// # Errors
    /// [`Error::Disconnected`].
    pub fn cancel(&self) -> Result<(), Error> {
        self.0.cancel()
    }

    /// Waits for the completion; a request that is not completed in time is canceled.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::NoAnswer`], [`Error::Malformed`], [`Error::Disconnected`].
    pub fn wait(self, timeout: Duration) -> Result<Transfer, Error> {
        self.wait_since(Instant::now(), timeout)
    }

    /// As [`Pending::wait`], for a request that was sent at `sent` already.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn wait_since(self, sent: Instant, timeout: Duration) -> Result<Transfer, Error> {
        let pending = match self.wait_until(sent + timeout) {
            Wait::Ended(ended) => return ended,
            Wait::TimedOut(pending) => pending,
        };
        pending.cancel()?;
        match pending.wait_until(Instant::now() + CANCEL_GRACE) {
            // It completed after all, in the moment it was canceled.
            Wait::Ended(Ok(transfer)) => Ok(transfer),
            Wait::Ended(Err(Error::Failed(error))) if error.status.is_canceled() => {
                Err(Error::NoAnswer {
                    seconds: timeout.as_secs_f64(),
                    canceled: true,
                })
            }
            Wait::Ended(Err(error)) => Err(error),
            Wait::TimedOut(_) => Err(Error::NoAnswer {
                seconds: timeout.as_secs_f64(),
                canceled: false,
            }),
        }
    }
}
