//! `eductl control`

use std::fmt;

use serde::Serialize;

use super::{Buffer, as_digits};

use crate::{
    device::{Error, Transfer},
    edu::Edu,
    exit::Exit,
    number::{parse_u32, show_bytes},
    report::Finding,
};

/// Arguments of `eductl control`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The control code; decimal, or hexadecimal after 0x
    #[arg(value_parser = parse_u32)]
    code: u32,

    /// The input buffer: pairs of hexadecimal digits
    #[arg(long, value_name = "HEX", default_value = "", value_parser = Buffer::parse)]
    input: Buffer,

    /// The length of the output buffer in bytes
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = clap::value_parser!(u32).range(..=1 << 20))]
    output: u32,
}

/// What came back.
#[derive(Debug, Serialize)]
pub struct Found {
    code: u32,
    bytes: u64,
    #[serde(serialize_with = "as_digits")]
    output: Vec<u8>,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let Transfer { bytes, output } = edu
        .device()
        .control(args.code, &args.input.0, args.output)?
        .wait(edu.timeout())?;
    Ok(Found {
        code: args.code,
        bytes,
        output,
    })
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::Success
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "control {:#010x}: {} bytes", self.code, self.bytes)?;
        if !self.output.is_empty() {
            write!(f, ": {}", show_bytes(&self.output))?;
        }
        Ok(())
    }
}
