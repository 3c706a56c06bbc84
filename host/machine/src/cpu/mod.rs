//! The processor as driver code meets it: calls in both directions, traps, IRQL.

pub mod frame;
pub mod guest;
mod irql;
pub mod stub;
pub mod trap;
pub(crate) mod watchdog;

pub use irql::Irql;
