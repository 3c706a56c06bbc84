//! The kernel's part: what `ntoskrnl.exe`, `hal.dll` and `WDFLDR.SYS` export to a driver.

mod deferred;
mod etw;
mod format;
mod library;
mod mdl;
mod memory;
mod print;
mod processor;
mod string;
mod sync;

pub(crate) use processor::SWITCHED_ON;
pub(crate) use sync::Objects;

use crate::{kmdf::bind, service::Service};

/// All services of the kernel, library by library.
pub(crate) const LIBRARIES: &[(&str, &[&[Service]])] = &[
    (
        "ntoskrnl.exe",
        &[
            deferred::SERVICES,
            etw::SERVICES,
            mdl::SERVICES,
            memory::SERVICES,
            print::SERVICES,
            processor::SERVICES,
            string::SERVICES,
            sync::SERVICES,
        ],
    ),
    // What the HAL exported once, and forwards to the kernel since.
    ("hal.dll", &[processor::SERVICES, sync::SERVICES]),
    ("WDFLDR.SYS", &[bind::SERVICES]),
];

/// The routines that are bound to code of the host directly: the compiler calls them for plain
/// memory, so they are the driver's own instructions rather than services.
pub(crate) fn direct(name: &str) -> Option<u64> {
    library::address(name)
}
