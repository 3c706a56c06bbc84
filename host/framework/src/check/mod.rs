//! What checks rules about a driver as a whole, or about what it gives to apps. What checks the others
//! stands with their object.

mod leaks;
mod output;
mod unfinished;

pub(crate) use unfinished::Unfinished;
