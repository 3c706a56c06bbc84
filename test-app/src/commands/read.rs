//! `eductl read`

use std::{fmt, fs, path::PathBuf};

use serde::Serialize;

use super::as_digits;
use crate::{
    device::Error, edu::Edu, exit::Exit, hexdump::hexdump, number::parse_u64, report::Finding,
};

/// Arguments of `eductl read`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The first byte; decimal, or hexadecimal after 0x. The buffer's usable bytes are 0 to 4094
    #[arg(value_parser = parse_u64)]
    offset: u64,

    /// The number of bytes to read; decimal, or hexadecimal after 0x
    #[arg(value_parser = super::parse_length)]
    length: u32,

    /// Write the bytes to a file instead of showing them
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct Found {
    offset: u64,
    length: u32,
    bytes: u64,
    #[serde(serialize_with = "as_digits", skip_serializing_if = "Vec::is_empty")]
    data: Vec<u8>,
    /// As it is shown: a path need not have a JSON form.
    output: Option<String>,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let transfer = edu.read(args.offset, args.length)?;
    let mut data = transfer.output;
    let shown = args.output.as_ref().map(|path| path.display().to_string());
    if let (Some(file), Some(path)) = (&args.output, &shown) {
        fs::write(file, &data).map_err(|error| Error::Unwritable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        data.clear();
    }
    Ok(Found {
        offset: args.offset,
        length: args.length,
        bytes: transfer.bytes,
        data,
        output: shown,
    })
}

impl Finding for Found {
    /// A read that succeeds gives all bytes.
    fn exit(&self) -> Exit {
        Exit::of_result(self.bytes == u64::from(self.length))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.output {
            Some(path) => writeln!(
                f,
                "read {} bytes at offset {} into {}",
                self.bytes, self.offset, path
            )?,
            None => f.write_str(&hexdump(self.offset, &self.data))?,
        }
        if self.exit() == Exit::WrongResult {
            write!(f, "WRONG, {} of {} bytes came", self.bytes, self.length)?;
        }
        Ok(())
    }
}
