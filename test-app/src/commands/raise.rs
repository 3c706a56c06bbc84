//! `eductl raise`

use std::fmt;

use edu_spec::registers::Causes;
use serde::Serialize;

use crate::{device::Error, edu::Edu, exit::Exit, number::parse_u32, report::Finding};

/// Arguments of `eductl raise`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The causes to raise, one bit each; decimal, or hexadecimal after 0x. The driver refuses
    /// 0x001 and 0x100, which the device's engines raise, and 0x80000000
    #[arg(value_parser = parse_u32)]
    mask: u32,
}

/// What was raised.
#[derive(Debug, Serialize)]
pub struct Found {
    causes: u32,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    // Whether the causes may be raised is for the driver to say.
    edu.raise(Causes::from_bits_retain(args.mask))?;
    Ok(Found { causes: args.mask })
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::Success
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "raised {:#010x}", self.causes)
    }
}
