//! The machine around the processors: its PCI functions and its interrupt controller.

mod interrupts;
mod slot;

pub(crate) use interrupts::{InterruptController, InterruptHandler, VectorKind};
pub(crate) use slot::Slot;
