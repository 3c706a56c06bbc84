//! `eductl info`

use std::fmt;

use edu_spec::wire::{Information, InterruptInformation};
use serde::Serialize;

use crate::{device::Error, edu::Edu, exit::Exit, report::Finding};

/// What the device is and how it interrupts.
#[derive(Debug, Serialize)]
pub struct Found {
    identification: u32,
    is_edu: bool,
    revision: String,
    driver_version: String,
    interrupts: Vec<Interrupt>,
}

/// One connected interrupt object.
#[derive(Debug, Serialize)]
struct Interrupt {
    message_signaled: bool,
    message_number: u32,
    vector: u32,
    irql: u32,
    latched: bool,
    group: u32,
    target_processors: u64,
}

pub fn run(edu: &Edu) -> Result<Found, Error> {
    edu.information()
        .map(|information| Found::from(&information))
}

impl From<&Information> for Found {
    fn from(information: &Information) -> Self {
        let identification = information.identification;
        let [major, minor, patch, _] = information.driver_version.to_be_bytes();
        Self {
            identification: identification.0,
            is_edu: identification.is_edu(),
            revision: format!("{}.{}", identification.major(), identification.minor()),
            driver_version: format!("{major}.{minor}.{patch}"),
            interrupts: information
                .interrupts
                .iter()
                .take(information.interrupt_count as usize)
                .map(Interrupt::from)
                .collect(),
        }
    }
}

impl From<&InterruptInformation> for Interrupt {
    fn from(information: &InterruptInformation) -> Self {
        Self {
            message_signaled: information.message_signaled != 0,
            message_number: information.message_number,
            vector: information.vector,
            irql: information.irql,
            latched: information.mode != 0,
            group: information.group,
            target_processors: information.target_processors,
        }
    }
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::of_result(self.is_edu)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device: identification {:#010x}, ", self.identification)?;
        if self.is_edu {
            writeln!(f, "edu revision {}", self.revision)?;
        } else {
            writeln!(f, "which is not an edu device")?;
        }
        writeln!(f, "driver: version {}", self.driver_version)?;
        if self.interrupts.is_empty() {
            writeln!(f, "interrupts: none connected")?;
        }
        for interrupt in &self.interrupts {
            interrupt.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupt: ")?;
        if self.message_signaled {
            write!(f, "message {} (MSI)", self.message_number)?;
        } else {
            f.write_str("line-based")?;
        }
        write!(
            f,
            ", {}, vector {:#x}, ",
            if self.latched {
                "latched"
            } else {
                "level-sensitive"
            },
            self.vector,
        )?;
        match self.irql {
            0 => f.write_str("handled at passive level")?,
            irql => write!(f, "DIRQL {irql}")?,
        }
        writeln!(
            f,
            ", processors {:#x} of group {}",
            self.target_processors, self.group
        )
    }
}
