//! What a callback must leave as it found it: IRQL, locks, and room on its stack.

use kmdf_rules::{Rule, rules};

use crate::{
    machine::{KERNEL_STACK_BYTES, Machine},
    sched::{Activation, Flow, Processor},
};

impl Machine {
    /// Checks a callback that has just returned.
    pub(crate) fn check_return(&self, activation: &Activation, processor: &Processor, flow: &Flow) {
        if !self.checks_all() {
            return;
        }
        // Locks first: one that is kept is why the IRQL is another one.
        let locks = flow.locks.borrow().clone();
        if locks.len() > activation.locks {
            let names: Vec<_> = locks[activation.locks..]
                .iter()
                .map(|lock| lock.name)
                .collect();
            let rule = locks.last().map_or(&rules::WDF_SPINLOCK, |lock| lock.kept);
            self.violation(
                rule,
                format!(
                    "{} returns with locks held: {}",
                    activation.what,
                    names.join(", ")
                ),
            );
        }
        let irql = processor.irql.get();
        if irql != activation.irql {
            self.violation(
                &rules::KMDF_IRQL,
                format!(
                    "{} was called at {} and returns at {irql}",
                    activation.what, activation.irql
                ),
            );
        }
    }

    /// The object for which `callback` runs, if that is the innermost of what runs.
    pub fn in_callback(&self, callback: &str) -> Option<u64> {
        let (_, flow) = self.scheduler.current()?;
        let activations = flow.activations.borrow();
        let innermost = activations.last()?;
        (innermost.what == callback).then_some(innermost.object)
    }

    /// Checks that `callback` is not what runs.
    pub fn check_not_in(&self, callback: &str, rule: &'static Rule, what: &str) {
        if self.checks_all() && self.in_callback(callback).is_some() {
            self.violation(rule, format!("{what} in {callback}"));
        }
    }

    /// Checks that EvtDeviceSurpriseRemoval is not what runs.
    pub fn check_not_surprised(&self, rule: &'static Rule, what: &str) {
        self.check_not_in("EvtDeviceSurpriseRemoval", rule, what);
    }

    /// Checks how much of its kernel stack the driver uses where it was left.
    pub(crate) fn check_stack(&self, flow: &Flow, stack_pointer: u64) {
        if !self.checks_all() {
            return;
        }
        // Only the innermost activation has frames of the host above it that do not count.
        let entered = flow
            .activations
            .borrow()
            .last()
            .map(|activation| activation.stack_pointer);
        let used = entered
            .unwrap_or(stack_pointer)
            .saturating_sub(stack_pointer);
        if used > KERNEL_STACK_BYTES {
            self.violation(
                &rules::STACK_OVERFLOW,
                format!("one callback uses {used} bytes of stack; a kernel stack has {KERNEL_STACK_BYTES}"),
            );
        }
    }
}
