//! QEMU's `edu` device in software, with virtual time.
//!
//! [`Edu`] is a state machine. It changes when it is accessed and when time passes ([`Edu::advance`]), and uses the rest
//! of the machine only through the [`Machine`] that each call gets. The same calls always give the same behavior.
//!
//! It behaves as QEMU's device does, including accesses of a wrong width. The generations of QEMU differ in one thing
//! only ([`Generation`]). [`Faults`] turn on the behavior of a broken device. [`Machine::misuse`] reports what a driver
//! must not do.
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
