//! The driver's requests, typed: what goes in and what comes out, as `edu-spec` says.

use std::time::Duration;

use edu_spec::{
    ioctl,
    registers::{Causes, MAX_MESSAGES, dma::USABLE_BYTES},
    wire::{Event, EventCursor, Information, Statistics, Word},
};
use zerocopy::{FromBytes, IntoBytes};

use crate::{
    cli,
    device::{Device, Error, Pending, Transfer},
};

/// An open edu device.
#[derive(Debug)]
pub struct Edu {
    device: Device,
    timeout: Duration,
}

/// From here on n! is 0 modulo 2^32: 34! has 32 factors of 2.
const ALL_ZERO_FROM: u32 = 34;

/// The largest n whose factorial fits in 32 bits.
pub const LARGEST_EXACT: u32 = 12;

/// n! modulo 2^32.
#[must_use]
pub fn factorial(n: u32) -> u32 {
    (1..=n.min(ALL_ZERO_FROM)).fold(1, u32::wrapping_mul)
}

impl Edu {
    /// Opens the device that the command line names.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open(options: &cli::Options) -> Result<Self, Error> {
        Ok(Self {
            device: Device::open(&options.device())?,
            timeout: options.timeout(),
        })
    }

    /// The device interface itself.
    #[must_use]
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// How long a request may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What the device is and how it interrupts.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn information(&self) -> Result<Information, Error> {
        let information: Information = self.ask(ioctl::INFORMATION, &[], "information")?;
        if information.interrupt_count as usize > MAX_MESSAGES {
            return Err(Error::Malformed {
                reason: format!(
                    "{} interrupts, where the interface has room for {MAX_MESSAGES}",
                    information.interrupt_count
                ),
            });
        }
        Ok(information)
    }

    /// Writes the liveness register and gives what it then reads.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn liveness(&self, value: u32) -> Result<u32, Error> {
        self.ask(ioctl::LIVENESS, Word(value).as_bytes(), "liveness")
            .map(|Word(read)| read)
    }

    /// Starts computing n! modulo 2^32.
    ///
    /// # Errors
    /// As [`Device::control`].
    pub fn submit_factorial(&self, n: u32) -> Result<Pending, Error> {
        self.device
            .control(ioctl::FACTORIAL, Word(n).as_bytes(), length_of::<Word>())
    }

    /// The result of [`Edu::submit_factorial`].
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn factorial_result(transfer: &Transfer) -> Result<u32, Error> {
        parse(transfer, "factorial").map(|Word(result)| result)
    }

    /// Raises interrupt causes.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn raise(&self, causes: Causes) -> Result<(), Error> {
        let transfer = self
            .device
            .control(ioctl::RAISE, Word(causes.bits()).as_bytes(), 0)?
            .wait(self.timeout)?;
        if transfer.bytes == 0 {
            Ok(())
        } else {
            Err(Error::Malformed {
                reason: format!(
                    "raise has no output, and {} bytes of it were announced",
                    transfer.bytes
                ),
            })
        }
    }

    /// The driver's counters.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn statistics(&self) -> Result<Statistics, Error> {
        self.ask(ioctl::STATISTICS, &[], "statistics")
    }

    /// Asks for the first event after number `cursor`, which may be long in coming.
    ///
    /// # Errors
    /// As [`Device::control`].
    pub fn submit_wait(&self, cursor: u64) -> Result<Pending, Error> {
        self.device.control(
            ioctl::WAIT_EVENT,
            EventCursor(cursor).as_bytes(),
            length_of::<Event>(),
        )
    }

    /// The event that [`Edu::submit_wait`] for the same `cursor` gave.
    ///
    /// # Errors
    /// [`Error::Malformed`], also when an event between is neither given nor told to be missed.
    pub fn event(cursor: u64, transfer: &Transfer) -> Result<Event, Error> {
        let event: Event = parse(transfer, "an event")?;
        let expected = cursor
            .checked_add(event.missed)
            .and_then(|number| number.checked_add(1));
        if expected == Some(event.number) {
            Ok(event)
        } else {
            Err(Error::Malformed {
                reason: format!(
                    "event {} came after event {cursor}, with {} said to be missed between",
                    event.number, event.missed
                ),
            })
        }
    }

    /// Reads `length` bytes of the device's buffer by DMA.
    ///
    /// # Errors
    /// As [`Pending::wait`], and [`Error::OutOfBounds`].
    pub fn read(&self, offset: u64, length: u32) -> Result<Transfer, Error> {
        self.device
            .read(offset, length)
            .and_then(|pending| pending.wait(self.timeout))
            .map_err(|error| out_of_bounds(error, offset, length.into()))
    }

    /// Writes the device's buffer by DMA.
    ///
    /// # Errors
    /// As [`Edu::read`].
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<Transfer, Error> {
        self.device
            .write(offset, data)
            .and_then(|pending| pending.wait(self.timeout))
            .map_err(|error| out_of_bounds(error, offset, data.len() as u64))
    }

    fn ask<T: FromBytes>(&self, code: u32, input: &[u8], what: &str) -> Result<T, Error> {
        let transfer = self
            .device
            .control(code, input, length_of::<T>())?
            .wait(self.timeout)?;
        parse(&transfer, what)
    }
}

/// Which bytes fit is for the driver to say; this only explains why it failed a transfer.
fn out_of_bounds(error: Error, offset: u64, length: u64) -> Error {
    let end = offset.saturating_add(length);
    match error {
        Error::Failed(error) if end > USABLE_BYTES as u64 => Error::OutOfBounds {
            offset,
            length,
            error,
        },
        other => other,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the structures of the interface are some hundred bytes long"
)]
const fn length_of<T>() -> u32 {
    size_of::<T>() as u32
}

fn parse<T: FromBytes>(transfer: &Transfer, what: &str) -> Result<T, Error> {
    T::read_from_bytes(&transfer.output)
        .ok()
        .filter(|_| transfer.bytes == size_of::<T>() as u64)
        .ok_or_else(|| Error::Malformed {
            reason: format!(
                "{what} has {} bytes, and {} came",
                size_of::<T>(),
                transfer.bytes
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials_agree_with_exact_arithmetic() {
        let mut exact = 1_u128;
        for n in 0_u32..=33 {
            exact = exact.wrapping_mul(u128::from(n.max(1)));
            assert_eq!(
                u128::from(factorial(n)),
                exact & u128::from(u32::MAX),
                "{n}!"
            );
        }
    }

    #[test]
    fn the_largest_exact_factorial_is_that_of_12() {
        assert_eq!(factorial(0), 1);
        assert_eq!(factorial(LARGEST_EXACT), 479_001_600);
        assert_eq!(factorial(13), 1_932_053_504);
    }

    #[test]
    fn from_34_on_every_factorial_is_zero() {
        assert_ne!(factorial(33), 0);
        assert_eq!(factorial(34), 0);
        assert_eq!(factorial(u32::MAX), 0);
    }
}
