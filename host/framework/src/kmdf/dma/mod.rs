//! DMA: enablers, transactions, common buffers, and the mapping of a driver's memory to addresses
//! that its device reaches.

pub(crate) mod common_buffer;
pub(crate) mod enabler;
pub(crate) mod initialize;
mod mapping;
pub(crate) mod reserved;
mod transaction;
pub(crate) mod transaction_services;
