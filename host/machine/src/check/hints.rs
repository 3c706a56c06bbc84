//! What reports say beside what happened: what came before it that explains it.

use std::cell::{Cell, RefCell};

use kmdf_bus::time::VirtualTime;

use crate::{event::is_failure, machine::Machine};

/// A call or a callback that has ended with the status of an error.
#[derive(Clone, Copy, Debug)]
struct Failure {
    name: &'static str,
    status: u32,
    /// Where driver code was, or 0.
    site: u64,
}

/// What is kept for reports.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// The last call that has failed.
    call: Cell<Option<Failure>>,
    /// The last callback that has failed, and the last call that had by then.
    callback: Cell<Option<(Failure, Option<Failure>)>>,
    /// What is known of the last NULL that a function gave instead of a pointer.
    null: RefCell<Option<String>>,
    /// The last interrupt: its vector and when it came.
    interrupt: Cell<Option<(u32, VirtualTime)>>,
}

impl Machine {
    /// Takes note of what a function of the kernel or the framework returns, if that is an error.
    pub(crate) fn note_result(&self, name: &'static str, value: u64, site: u64) {
        /// Errors have these bits, and nothing else that a function returns is likely to.
        const ERROR: u64 = 0xC;
        if value >> 28 == ERROR {
            let status = value as u32;
            self.hints.call.set(Some(Failure { name, status, site }));
        }
    }

    /// Takes note of what a callback returns, if that is an error.
    pub(crate) fn note_returned(&self, name: &'static str, value: u64) {
        if is_failure(name, value) {
            let status = value as u32;
            let failed = Failure {
                name,
                status,
                site: 0,
            };
            self.hints
                .callback
                .set(Some((failed, self.hints.call.get())));
        }
    }

    /// Takes note of an interrupt.
    pub(crate) fn note_interrupt(&self, vector: u32) {
        self.hints.interrupt.set(Some((vector, self.now())));
    }

    /// Takes note of why a function gives NULL instead of a pointer, for whoever follows it.
    pub fn note_null(&self, why: String) {
        *self.hints.null.borrow_mut() = Some(why);
    }

    /// Which callback has failed last, and which call before it: ` (…)`, or nothing.
    #[must_use]
    pub fn last_refusal(&self) -> String {
        let Some((callback, call)) = self.hints.callback.get() else {
            return String::new();
        };
        let call = call.map_or_else(String::new, |call| {
            format!(
                "; the last call that failed before: {} with {:#010x}{}",
                call.name,
                call.status,
                self.made_at(call.site)
            )
        });
        format!(
            " ({} returned {:#010x}{call})",
            callback.name, callback.status
        )
    }

    /// The last interrupt, for what waits for one.
    pub fn last_interrupt(&self) -> String {
        match self.hints.interrupt.get() {
            Some((vector, at)) => format!("the last interrupt came at {at}, vector {vector}"),
            None => "no interrupt has come".to_owned(),
        }
    }

    /// What an address means that the driver may not access, for a report.
    pub(crate) fn describe_access(&self, address: u64) -> String {
        let text = self.memory.describe(address);
        let more = if address < 0x1_0000 {
            let null = self.hints.null.borrow();
            null.as_ref()
                .map_or_else(String::new, |why| format!("; {why}"))
        } else if let Some(mapping) = self.memory.unmapped_device(address) {
            let (bar, offset) = match self.bar_at(mapping.physical + (address - mapping.address)) {
                Some((bar, offset)) => (format!("BAR {}", bar.index), offset),
                None => ("a BAR".to_owned(), address - mapping.address),
            };
            format!(
                ": offset {offset:#x} of {bar}, unmapped{}",
                self.made_at(mapping.site)
            )
        } else {
            match self.memory.freed_by(address) {
                Some(site) => format!("; freed{}", self.made_at(site)),
                None => String::new(),
            }
        };
        text + &more
    }
}
