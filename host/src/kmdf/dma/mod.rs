//! DMA: enablers, transactions, common buffers, and the mapping of a driver's memory to addresses
//! that its device reaches.

pub(crate) mod common_buffer;
pub(crate) mod enabler;
mod mapping;
pub(crate) mod transaction;
