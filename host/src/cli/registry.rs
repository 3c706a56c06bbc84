//! `--registry`: settings of the driver, without another INF.

use std::fmt;

use clap::Args;
use kmdf_install::RegistryValue;

use super::number;

/// Values of the hardware keys and the service's Parameters, as the command line names them.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Registry {
    /// A REG_DWORD in the hardware key of every device and the Parameters of the service, instead of one
    /// of that name from the INF (repeat for more)
    #[arg(long, value_name = "NAME=DWORD", value_parser = parse)]
    registry: Vec<(String, u32)>,
}

impl Registry {
    /// One more, as `NAME=DWORD`.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        self.registry.push(parse(text)?);
        Ok(())
    }

    /// The values.
    pub(super) fn values(&self) -> Vec<(String, RegistryValue)> {
        let values = self.registry.iter();
        values
            .map(|(name, value)| (name.clone(), RegistryValue::Dword(*value)))
            .collect()
    }
}

impl fmt::Display for Registry {
    /// The options of the command line that say the same, each behind a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.registry {
            write!(f, " --registry {name}={value:#x}")?;
        }
        Ok(())
    }
}

/// A name and a number behind `=`: decimal, or hexadecimal behind `0x`.
fn parse(text: &str) -> Result<(String, u32), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("it is NAME=DWORD, as in InterruptLate=1")?;
    let value = number(value)
        .ok()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| format!("{value:?} is not a DWORD: decimal, or hexadecimal after 0x"))?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_name_and_a_number() {
        assert_eq!(parse("InterruptLate=1"), Ok(("InterruptLate".into(), 1)));
        assert_eq!(parse("Mask=0xffffffff"), Ok(("Mask".into(), u32::MAX)));
    }

    #[test]
    fn what_is_none_is_refused_with_what_it_should_be() {
        for text in ["InterruptLate", "=1"] {
            assert!(parse(text).unwrap_err().contains("NAME=DWORD"), "{text}");
        }
        for text in ["Late=", "Late=yes", "Late=-1", "Late=4294967296", "Late=0x"] {
            assert!(parse(text).unwrap_err().contains("not a DWORD"), "{text}");
        }
    }

    #[test]
    fn it_is_shown_as_it_was_given() {
        let registry = Registry {
            registry: vec![("A".into(), 1), ("B".into(), 0x10)],
        };
        assert_eq!(registry.to_string(), " --registry A=0x1 --registry B=0x10");
    }
}
