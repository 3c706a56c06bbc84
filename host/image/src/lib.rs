//! The driver's image: reading a `.sys`, mapping it, naming its addresses, walking its call stacks.
//!
//! [`Image`] is the file, checked as strictly as Windows' loader checks it; [`MappedImage`] is the
//! image in this process; [`MappedImage::call_stack`] and [`Symbols`] turn addresses into names.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "registers and addresses hold narrower values of either sign"
)]

mod headers;
mod kmdf;
mod map;
mod pe;
mod problem;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod unwind;

pub use kmdf::BindInfo;
pub use map::{MapError, MappedImage, PatchError, ResolverError};
pub use pe::{CodeView, Export, Image, Import, ImportName, Section, Target};
pub use problem::{ImageError, Problem};
pub use symbols::{Frame, Source, SymbolError, Symbols};
pub use unwind::{CallStack, Frame as StackFrame, Function, Handler, StackEnd, StackStart};
