//! Pageable code: sections whose name begins with `PAGE`.

use kmdf_rules::rules;

use crate::{cpu::Irql, machine::Machine};

/// Callbacks on a device's way to D0.
const POWER_UP: [&str; 3] = [
    "EvtDeviceD0Entry",
    "EvtDeviceD0EntryPostInterruptsEnabled",
    "EvtDeviceSelfManagedIoRestart",
];

impl Machine {
    fn is_pageable(&self, address: u64) -> bool {
        self.image.get().is_some_and(|image| {
            image
                .section_of(address)
                .is_some_and(|section| section.name.starts_with("PAGE"))
        })
    }

    /// Checks the code that a callback begins with.
    pub(crate) fn check_paged_callback(&self, what: &'static str, address: u64) {
        if !self.checks_all() || !self.is_pageable(address) {
            return;
        }
        if POWER_UP.contains(&what) {
            self.violation(
                &rules::PAGED_CODE_AT_D0,
                format!("{what} is in a pageable section"),
            );
        }
        self.check_paged_irql(what, address);
    }

    /// Checks code that runs now, and does `what`.
    pub(crate) fn check_paged_irql(&self, what: &str, address: u64) {
        if !self.checks_all() {
            return;
        }
        let irql = self.irql();
        if irql >= Irql::DISPATCH && self.is_pageable(address) {
            self.violation(
                &rules::PAGED_CODE_IRQL,
                format!("{what} at {irql}, by code in a pageable section"),
            );
        }
    }
}
