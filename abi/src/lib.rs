//! The KMDF ABI as data: what `cross/` writes C headers from and what the host plays.
//!
//! The facts are in `facts/`, the README beside it says where they come from.

pub mod c;
mod facts;
