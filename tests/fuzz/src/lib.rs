//! What is fuzzed. Each target is a function of bytes that panics where something is wrong;
//! `tests/fuzz/run` hands them to libFuzzer, and this package's tests run them on the kept corpora and on
//! some fresh bytes.
//!
//! | target | bytes | what must hold |
//! | --- | --- | --- |
//! | `image` | a PE file | read or refused; what is read can be mapped, and looked at |
//! | `symbols` | what is wrong with a PDB | read or refused; what is read can be looked at |
//! | `inf` | an INF file | read or refused |
//! | `protocol` | what an app sends to the host's socket | understood or refused, in pieces of any size |
//! | `instruction` | registers and an instruction | an outcome, and a bounded number of accesses |
//! | `processor` | an instruction, registers and memory | the emulator leaves what the processor leaves |
//! | `hostile` | what a device answers, the threads of an app do, and their schedule | the driver breaks no rule, ends every request and leaves nothing behind |

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
