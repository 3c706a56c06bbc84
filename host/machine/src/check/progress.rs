//! Getting on: what a callback costs, counted, and callbacks and requests that never end.
//!
//! Microsoft's guidance is 25 µs for an ISR and 100 µs for a DPC. What a routine takes on this
//! machine says nothing about that, and would be another number each time, so what it does is
//! counted instead, at a price: [`ACCESS`] for a register access (what a read takes on its way to a
//! PCI Express device and back), what a stall says, and [`INSTRUCTION`] for an instruction where
//! instructions are counted, which is while `explore` stops at each. What nests in a routine (an
//! interrupt, a request that its queue presents) counts on its own.

use std::{rc::Rc, time::Duration};

use kmdf_rules::{Rule, rules};

use super::Report;
use crate::{
    cpu::{Irql, watchdog},
    machine::Machine,
    sched::{Activation, Flow},
};

/// The price of a register access.
const ACCESS: Duration = Duration::from_micros(1);
/// The price of an instruction.
const INSTRUCTION: Duration = Duration::from_nanos(1);
const ISR: Duration = Duration::from_micros(25);
const DPC: Duration = Duration::from_micros(100);

/// Register accesses in one callback from which on each lets its price pass on the virtual clock,
/// so that a driver that polls its device gets somewhere.
const POLLING: u64 = 64;
/// Register accesses of one callback, since it began or waited, that count as never ending: 0.2 s
/// of polling.
const MOST_ACCESSES: u64 = 200_000;
/// Calls of one callback, likewise.
const MOST_CALLS: u64 = 500_000;
/// Instructions of one callback, likewise, where they are counted.
const MOST_INSTRUCTIONS: u64 = 2_000_000;

/// What a callback has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    accesses: u64,
    calls: u64,
    instructions: u64,
    /// What its accesses, stalls and instructions would take.
    time: Duration,
}

impl Cost {
    /// A register access.
    pub(crate) const ACCESS: Self = Self {
        accesses: 1,
        calls: 0,
        instructions: 0,
        time: ACCESS,
    };
    /// A call of the framework or the kernel.
    pub const CALL: Self = Self {
        accesses: 0,
        calls: 1,
        instructions: 0,
        time: Duration::ZERO,
    };
    /// An instruction.
    pub(crate) const INSTRUCTION: Self = Self {
        accesses: 0,
        calls: 0,
        instructions: 1,
        time: INSTRUCTION,
    };

    /// A stall.
    #[must_use]
    pub const fn stall(time: Duration) -> Self {
        Self {
            accesses: 0,
            calls: 0,
            instructions: 0,
            time,
        }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            accesses: self.accesses + more.accesses,
            calls: self.calls + more.calls,
            instructions: self.instructions + more.instructions,
            time: self.time.saturating_add(more.time),
        }
    }

    /// Whether no callback that ends does so much without waiting.
    const fn is_endless(&self) -> bool {
        self.accesses > MOST_ACCESSES
            || self.calls > MOST_CALLS
            || self.instructions > MOST_INSTRUCTIONS
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} register accesses, {} calls",
            self.accesses, self.calls
        )?;
        if self.instructions > 0 {
            write!(f, ", {} instructions", self.instructions)?;
        }
        Ok(())
    }
}

/// The rule for how long a callback may take, if there is one.
fn limit(activation: &Activation) -> Option<(&'static Rule, Duration)> {
    match activation.what {
        "EvtInterruptIsr" if activation.irql > Irql::DISPATCH => Some((&rules::ISR_TOO_LONG, ISR)),
        "EvtInterruptDpc" | "EvtDpcFunc" | "EvtTimerFunc" | "DeferredRoutine"
            if activation.irql == Irql::DISPATCH =>
        {
            Some((&rules::DPC_TOO_LONG, DPC))
        }
        _ => None,
    }
}

impl Machine {
    /// Adds to what the running callback has cost, and checks it.
    pub fn charge(&self, cost: Cost) {
        let Some((_, flow)) = self.scheduler.current() else {
            return;
        };
        flow.spent.set(flow.spent.get().saturating_add(cost.time));
        let activation = {
            let mut activations = flow.activations.borrow_mut();
            let Some(activation) = activations.last_mut() else {
                return;
            };
            activation.cost = activation.cost.plus(cost);
            *activation
        };
        let spent = activation.cost;
        if cost.accesses > 0 && spent.accesses > POLLING {
            self.pass(ACCESS);
        }
        if !self.checks_all() {
            return;
        }
        if let Some((rule, limit)) = limit(&activation)
            && spent.time > limit
        {
            self.violation(
                rule,
                format!(
                    "{} takes more than {limit:?}: {spent}, {:?} with its stalls",
                    activation.what, spent.time
                ),
            );
        }
        if spent.is_endless() {
            self.violation(
                &rules::CALLBACK_NEVER_ENDS,
                format!(
                    "{} goes on and on: {spent} since it began or waited",
                    activation.what
                ),
            );
        }
    }

    /// The running callback waits: what comes next is not the same loop.
    pub(crate) fn charge_anew(&self) {
        if let Some((_, flow)) = self.scheduler.current()
            && let Some(activation) = flow.activations.borrow_mut().last_mut()
        {
            activation.cost = Cost::default();
        }
    }

    /// What the driver has not brought to its end, now that nothing can go on.
    pub(crate) fn endless(&self) -> Option<Box<Report>> {
        let waits = |flow: &Rc<Flow>| {
            let activations = flow.activations.borrow();
            activations.last().map(|activation| activation.what)
        };
        let threads = self.scheduler.flows().into_iter();
        let idle = self
            .scheduler
            .processors()
            .iter()
            .filter_map(|processor| processor.running.borrow().clone());
        for flow in threads.chain(idle) {
            // A thread of the driver's may wait for work for ever.
            if let Some(what) = waits(&flow).filter(|what| *what != "StartRoutine") {
                let text = format!("{what} waits for what never comes, in {}", flow.name);
                return Some(Box::new(self.report_of(
                    &rules::CALLBACK_NEVER_ENDS,
                    text,
                    &flow,
                )));
            }
        }
        let (rule, text) = self.above.unfinished(self)?;
        Some(Box::new(self.report(rule.name, Some(rule.statement), text)))
    }

    /// Ends the run: the watchdog found driver code that does not come to the machine.
    pub(crate) fn hangs(&self) -> ! {
        self.violation(
            &rules::CALLBACK_NEVER_ENDS,
            format!(
                "the driver runs for more than {:?} of processor time without a call or a register \
                 access",
                watchdog::BUDGET
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isr(irql: Irql) -> Activation {
        Activation {
            what: "EvtInterruptIsr",
            object: 0,
            stack_pointer: 0,
            irql,
            locks: 0,
            cost: Cost::default(),
        }
    }

    #[test]
    fn an_isr_at_dirql_has_25_microseconds_and_one_at_passive_level_has_none() {
        let dirql = Irql::new(7).expect("an IRQL");
        assert_eq!(limit(&isr(dirql)), Some((&rules::ISR_TOO_LONG, ISR)));
        assert_eq!(limit(&isr(Irql::PASSIVE)), None);
    }

    #[test]
    fn accesses_stalls_and_instructions_add_up() {
        let cost = Cost::ACCESS
            .plus(Cost::INSTRUCTION)
            .plus(Cost::stall(Duration::from_micros(5)));
        assert_eq!(cost.time, Duration::from_nanos(6001));
        assert!(!cost.is_endless());
        let polling = Cost {
            accesses: MOST_ACCESSES,
            ..Cost::default()
        };
        assert!(!polling.is_endless());
        assert!(polling.plus(Cost::ACCESS).is_endless());
    }
}
