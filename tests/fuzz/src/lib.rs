//! The fuzz targets. Each is a function of bytes that panics if something is wrong. `tests/fuzz/run` passes them to
//! libFuzzer, and this package's tests run them on the kept corpora and on some new bytes.
//!
//! | target | bytes | what must hold |
//! | --- | --- | --- |
//! | `image` | a PE file | it is read or refused; what is read can be mapped and inspected |
//! | `symbols` | damage to a PDB | it is read or refused; what is read can be inspected |
//! | `inf` | an INF file | it is read or refused |
//! | `protocol` | what an app sends to the host's socket | it is understood or refused, in pieces of any size |
//! | `instruction` | registers and an instruction | there is an outcome, and a bounded number of accesses |
//! | `processor` | an instruction, registers and memory | the emulator leaves the same state as the processor |
//! | `hostile` | the answers of a device, the actions of an app's threads, and their schedule | the driver breaks no rule, ends every request and leaves nothing behind |

#![cfg(unix)]
#![deny(unsafe_code)]

mod hostile;
mod image;
mod instruction;
mod processor;
mod protocol;

use kmdf_host::install::Inf;

pub use self::{
    hostile::hostile,
    image::{image, symbols},
    instruction::instruction,
    processor::{processor, random},
    protocol::protocol,
};

/// A target: a name, and what is done with bytes.
pub type Fuzzed = (&'static str, fn(&[u8]));

/// The targets that need nothing but bytes.
pub const PARSERS: [Fuzzed; 6] = [
    ("image", image),
    ("symbols", symbols),
    ("inf", inf),
    ("protocol", protocol),
    ("instruction", instruction),
    ("processor", processor),
];

/// Reads an INF.
pub fn inf(bytes: &[u8]) {
    let _ = Inf::parse("fuzzed.inf", bytes, None);
}
