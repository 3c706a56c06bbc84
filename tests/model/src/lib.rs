//! QEMU's `edu` device in software, with virtual time.
//!
//! [`Edu`] is a state machine: it changes when it is accessed and when time is let pass
//! ([`Edu::advance`]), and reaches the rest of the machine only through the [`Machine`] it is
//! handed. The same calls give the same behaviour, always.
//!
//! What it does, it does as QEMU does, down to accesses of a wrong width; the generations of QEMU
//! differ in one thing only ([`Generation`]). What no healthy device does is asked for by
//! [`Faults`]. What a driver must not do is reported by [`Machine::misuse`], whatever the device
//! makes of it.
//!
//! ```
//! use edu_model::{Config, Edu, Interrupts, Machine, Messages, Width};
//! use edu_spec::registers::{Status, offset};
//!
//! #[derive(Default)]
//! struct Bench {
//!     messages: Vec<u32>,
//! }
//!
//! impl Machine for Bench {
//!     fn message(&mut self, number: u32) {
//!         self.messages.push(number);
//!     }
//!     fn line(&mut self, _asserted: bool) {}
//!     fn read_memory(&mut self, _address: u64, bytes: &mut [u8]) {
//!         bytes.fill(0xFF);
//!     }
//!     fn write_memory(&mut self, _address: u64, _bytes: &[u8]) {}
//! }
//!
//! let mut bench = Bench::default();
//! let mut edu = Edu::new(Config::default());
//! edu.start(&mut bench, Interrupts::Messages(Messages::One));
//! let interrupt_when_done = Status::INTERRUPT_WHEN_DONE.bits().into();
//! edu.write(&mut bench, offset::STATUS, Width::Dword, interrupt_when_done);
//! edu.write(&mut bench, offset::FACTORIAL, Width::Dword, 12);
//!
//! let done = edu.next_event().expect("a factorial is being computed");
//! edu.advance(&mut bench, done)?;
//! assert_eq!(bench.messages, [0]);
//! assert_eq!(edu.read(&mut bench, offset::FACTORIAL, Width::Dword), 479_001_600);
//! # Ok::<(), edu_model::Fatal>(())
//! ```
#![forbid(unsafe_code)]

mod config;
mod device;
mod dma;
mod factorial;
mod machine;

pub use config::{Config, Faults, Generation, Messages, StuckBits};
pub use device::{Edu, Interrupts, Width};
pub use dma::Fatal;
pub use machine::{Machine, Misuse};
