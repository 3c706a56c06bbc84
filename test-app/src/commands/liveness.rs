//! `eductl liveness`

use std::fmt;

use serde::Serialize;

use crate::{device::Error, edu::Edu, exit::Exit, number::parse_u32, report::Finding};

/// Arguments of `eductl liveness`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The value to write; decimal, or hexadecimal after 0x
    #[arg(default_value = "0x5AC3F00F", value_parser = parse_u32)]
    value: u32,
}

/// What was written and read.
#[derive(Debug, Serialize)]
pub struct Found {
    value: u32,
    read: u32,
    expected: u32,
    right: bool,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let read = edu.liveness(args.value)?;
    Ok(Found {
        value: args.value,
        read,
        expected: !args.value,
        right: read == !args.value,
    })
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::of_result(self.right)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrote {:#010x}, read {:#010x}: ", self.value, self.read)?;
        if self.right {
            f.write_str("the device is alive")
        } else {
            write!(f, "WRONG, {:#010x} was to be read", self.expected)
        }
    }
}
