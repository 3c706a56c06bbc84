//! The kernel: what `ntoskrnl.exe` and `hal.dll` export to a driver, on a machine.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the host runs on x86-64 only, and registers hold narrower values of either sign"
)]

mod ansi;
mod bitmap;
mod bugcheck;
mod deferred;
mod dispatcher;
mod dpc;
mod etw;
mod event;
mod exception;
mod format;
mod guarded;
mod handle;
mod lend;
mod library;
mod list;
mod lock;
mod mdl;
mod memory;
mod objects;
mod pages;
mod print;
mod processor;
mod spin;
mod string;
mod system_info;
mod thread;
mod wait;

pub use dpc::Deferred;
pub use lock::SpinLock;
pub use objects::Objects;

use kmdf_machine::{Machine, layer, service::Service};
use kmdf_rules::{Rule, rules};

/// A machine with a kernel.
#[repr(transparent)]
pub struct Kernel(Machine);

layer!(Kernel over Machine);

impl Kernel {
    /// What it keeps for the driver.
    fn objects(&self) -> &Objects {
        self.state()
    }

    /// What the driver has not given back of what lies in no memory.
    #[must_use]
    pub fn kernel_objects_left(&self) -> Vec<(&'static Rule, String)> {
        let left = |rule, what: &str, sites: Vec<u64>| {
            let described = |site| (rule, format!("{what}{}", self.made_at(site)));
            sites.into_iter().map(described).collect::<Vec<_>>()
        };
        let objects = self.objects();
        let mut all = left(
            &rules::ETW_UNREGISTER,
            "an ETW provider",
            objects.providers.sites(),
        );
        all.extend(left(
            &rules::PENDING_AT_UNLOAD,
            "a callback for bug checks",
            objects.bug_checks.sites(),
        ));
        all.extend(left(
            &rules::POOL_LEAK,
            "an IO_WORKITEM",
            objects.deferred.work_item_sites(),
        ));
        all.extend(left(
            &rules::PENDING_AT_UNLOAD,
            "a thread that has not ended",
            objects.dispatcher.thread_sites(),
        ));
        all.extend(left(
            &rules::OBJECT_REFERENCE,
            "references to an object of the kernel's",
            objects.handles.sites(),
        ));
        all
    }
}

/// As [`kmdf_machine::services`], for the kernel.
macro_rules! services {
    ($($table:tt)*) => { kmdf_machine::services! { $crate::Kernel; $($table)* } };
}
use services;

/// All services of the kernel, library by library.
pub const LIBRARIES: &[(&str, &[&[Service]])] = &[
    (
        "ntoskrnl.exe",
        &[
            ansi::SERVICES,
            bitmap::SERVICES,
            bugcheck::SERVICES,
            deferred::SERVICES,
            etw::SERVICES,
            event::SERVICES,
            exception::SERVICES,
            guarded::SERVICES,
            handle::SERVICES,
            list::SERVICES,
            mdl::SERVICES,
            memory::SERVICES,
            pages::SERVICES,
            print::SERVICES,
            processor::SERVICES,
            spin::SERVICES,
            string::SERVICES,
            system_info::SERVICES,
            thread::SERVICES,
            wait::SERVICES,
        ],
    ),
    // What the HAL exported once, and forwards to the kernel since.
    ("hal.dll", &[processor::SERVICES, spin::SERVICES]),
];

/// What is bound to an address of the host's directly: variables, and the routines that the compiler
/// calls for plain memory, so that they are the driver's own instructions rather than services.
#[must_use]
pub fn direct(name: &str) -> Option<u64> {
    library::address(name).or_else(|| handle::variable(name))
}

/// As [`direct`], for a driver that handles exceptions: its accesses to memory are services that raise them.
#[must_use]
pub fn direct_unguarded(name: &str) -> Option<u64> {
    let is_guarded = kmdf_machine::service::find(&[guarded::SERVICES], name).is_some();
    (!is_guarded).then(|| direct(name)).flatten()
}
