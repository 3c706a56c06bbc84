//! Faults of the model as a command line names them.

use std::num::NonZeroU64;

use edu_model::{Faults, StuckBits};
use kmdf_host::cli::number;
use thiserror::Error;

/// All faults, for a help text.
const KNOWN: &str = "wrong-factorial[=XOR], factorial-hangs, dma-hangs, mute, extra-causes=MASK, \
                     spurious-every=NANOSECONDS, removed-at=NANOSECONDS, stuck=OFFSET:ONES:ZEROS";

/// Why a fault was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultError {
    /// There is no fault of that name.
    #[error("there is no fault {0:?}; there are {KNOWN}")]
    Unknown(String),
    /// The fault's value is missing, out of range or no number.
    #[error("{value:?} is not a value for the fault {name}; the faults are {KNOWN}")]
    Value {
        /// The fault.
        name: String,
        /// What it was given.
        value: String,
    },
}

/// Adds a fault, written `NAME` or `NAME=VALUE`, to others. Numbers are decimal, or hexadecimal
/// behind `0x`.
///
/// # Errors
/// It is none of those that the error lists.
pub fn parse_fault(text: &str, faults: &mut Faults) -> Result<(), FaultError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let wrong = || FaultError::Value {
        name: name.to_owned(),
        value: value.unwrap_or_default().to_owned(),
    };
    let needed = || value.and_then(|value| number(value).ok()).ok_or_else(wrong);
    let needed_word = || u32::try_from(needed()?).map_err(|_| wrong());
    match (name, value) {
        ("wrong-factorial", None) => faults.factorial_xor = 1,
        ("wrong-factorial", Some(_)) => faults.factorial_xor = needed_word()?,
        ("factorial-hangs", None) => faults.factorial_hangs = true,
        ("dma-hangs", None) => faults.dma_hangs = true,
        ("mute", None) => faults.mute = true,
        ("factorial-hangs" | "dma-hangs" | "mute", Some(_)) => return Err(wrong()),
        ("extra-causes", _) => faults.extra_causes = needed_word()?,
        ("spurious-every", _) => {
            faults.spurious_every_ns = Some(NonZeroU64::new(needed()?).ok_or_else(wrong)?);
        }
        ("removed-at", _) => faults.removed_at_ns = Some(needed()?),
        ("stuck", _) => faults
            .stuck
            .push(value.and_then(stuck_bits).ok_or_else(wrong)?),
        _ => return Err(FaultError::Unknown(name.to_owned())),
    }
    Ok(())
}

fn stuck_bits(text: &str) -> Option<StuckBits> {
    let mut numbers = text.split(':').map(|text| number(text).ok());
    let offset = usize::try_from(numbers.next()??).ok()?;
    let ones = numbers.next()??;
    let zeros = numbers.next()??;
    numbers.next().is_none().then_some(StuckBits {
        offset,
        ones,
        zeros,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Result<Faults, FaultError> {
        let mut faults = Faults::default();
        for text in texts {
            parse_fault(text, &mut faults)?;
        }
        Ok(faults)
    }

    #[test]
    fn faults_add_up() {
        let faults = parsed(&[
            "wrong-factorial",
            "dma-hangs",
            "extra-causes=0x80000000",
            "spurious-every=1000",
            "removed-at=0",
            "stuck=0x24:1:0x100",
            "stuck=8:0:1",
        ])
        .expect("all are known");
        let expected = Faults {
            stuck: vec![
                StuckBits {
                    offset: 0x24,
                    ones: 1,
                    zeros: 0x100,
                },
                StuckBits {
                    offset: 8,
                    ones: 0,
                    zeros: 1,
                },
            ],
            factorial_xor: 1,
            factorial_hangs: false,
            dma_hangs: true,
            mute: false,
            extra_causes: 0x8000_0000,
            spurious_every_ns: NonZeroU64::new(1000),
            removed_at_ns: Some(0),
        };
        assert_eq!(faults, expected);
    }

    #[test]
    fn an_unknown_fault_is_answered_with_the_known_ones() {
        let error = parsed(&["on-fire"]).expect_err("there is none of that name");
        assert!(error.to_string().contains("\"on-fire\""), "{error}");
        assert!(error.to_string().contains("factorial-hangs"), "{error}");
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        for text in [
            "wrong-factorial=0x100000000",
            "mute=yes",
            "extra-causes",
            "spurious-every=0",
            "removed-at=soon",
            "stuck=1:2",
            "stuck=1:2:3:4",
        ] {
            let error = parsed(&[text]).expect_err(text);
            assert!(matches!(error, FaultError::Value { .. }), "{text}: {error}");
        }
    }
}
