//! `eductl write`

use std::{fmt, fs, iter, path::PathBuf};

use serde::Serialize;

use super::{Buffer, MAX_BYTES};
use crate::{
    device::Error,
    edu::Edu,
    exit::Exit,
    number::{parse_u8, parse_u64},
    report::Finding,
};

/// Arguments of `eductl write`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The offset of the first byte; decimal, or hexadecimal after 0x. The buffer's usable bytes are
    /// 0 to 4094
    #[arg(value_parser = parse_u64)]
    offset: u64,

    #[command(flatten)]
    source: Source,

    /// The number of bytes that --fill writes; decimal, or hexadecimal after 0x
    #[arg(long, value_name = "BYTES", requires = "fill", conflicts_with_all = ["input", "hex"], value_parser = super::parse_length)]
    length: Option<u32>,
}

/// Where the bytes are from.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Write the contents of a file
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Write these bytes: pairs of hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = Buffer::parse)]
    hex: Option<Buffer>,

    /// Write this byte, --length times; decimal, or hexadecimal after 0x
    #[arg(long, value_name = "BYTE", requires = "length", value_parser = parse_u8)]
    fill: Option<u8>,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Found {
    offset: u64,
    length: usize,
    bytes: u64,
}

impl Args {
    /// What is to be written.
    fn data(&self) -> Result<Vec<u8>, Error> {
        if let Some(path) = &self.source.input {
            return read(path);
        }
        if let Some(Buffer(bytes)) = &self.source.hex {
            return Ok(bytes.clone());
        }
        let length = self.length.unwrap_or_default() as usize;
        Ok(iter::repeat_n(self.source.fill.unwrap_or_default(), length).collect())
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Error> {
    let unreadable = |reason| Error::Unreadable {
        path: path.display().to_string(),
        reason,
    };
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES.into() {
        return Err(unreadable(format!(
            "it has {} bytes, more than the {MAX_BYTES} of one request",
            bytes.len()
        )));
    }
    Ok(bytes)
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let data = args.data()?;
    let transfer = edu.write(args.offset, &data)?;
    Ok(Found {
        offset: args.offset,
        length: data.len(),
        bytes: transfer.bytes,
    })
}

impl Finding for Found {
    /// A write that succeeds takes all bytes.
    fn exit(&self) -> Exit {
        Exit::of_result(self.bytes == self.length as u64)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrote {} bytes at offset {}", self.bytes, self.offset)?;
        if self.exit() == Exit::WrongResult {
            write!(f, ": WRONG, {} were sent", self.length)?;
        }
        Ok(())
    }
}
