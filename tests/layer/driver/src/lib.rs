//! A driver for QEMU's edu that uses what the shipped drivers leave out of `kmdf`. Values of the hardware key choose
//! how it interrupts; control requests have it use the rest. `tests/layer/tests` asserts what comes of each.
#![no_std]
#![forbid(unsafe_code)]

extern crate wdk_panic;

mod device;
mod interrupt;
mod request;
mod settings;

use wdk_alloc::WdkAllocator;

#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

kmdf::driver_entry!(device::LayerDevice);
