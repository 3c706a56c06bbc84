//! The processor as driver code meets it: calls in both directions, traps, IRQL.

pub(crate) mod frame;
pub(crate) mod guest;
mod irql;
pub(crate) mod stub;
pub(crate) mod trap;
pub(crate) mod watchdog;

pub use irql::Irql;
