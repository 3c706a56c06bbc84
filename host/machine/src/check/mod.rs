//! The rules: what ends a run, and the report it ends with.
//!
//! What checks a rule about no single object is here; what checks others stands with their object, in
//! the layers above.

mod callback;
mod hints;
mod irql;
mod order;
mod paging;
mod power;
mod progress;
mod site;

use std::{fmt, rc::Rc};

use kmdf_rules::{Rule, rules};

pub(crate) use hints::Hints;
pub use order::LockId;
pub(crate) use order::LockOrder;
pub use progress::Cost;

use kmdf_instructions::Registers;

use crate::{
    cpu::Irql,
    event::Record,
    machine::{Machine, Stop},
    sched::{Flow, Processor},
};

/// How much is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// Every rule.
    #[default]
    All,
    /// What playing the framework cannot do without, and no more: for measuring what checking costs. A
    /// run that comes to its end says nothing about the driver. Which rules are left out, and why it is
    /// no option of the command line: docs/adr/0004-checks.md.
    Fewest,
}

/// How many of the last events a report shows.
const SHOWN_EVENTS: usize = 24;

/// What was wrong, where, and what led to it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the rule that was broken, or of the service that is not played.
    pub rule: String,
    /// What a driver must do, by that rule.
    pub statement: Option<&'static str>,
    /// What happened.
    pub text: String,
    /// The processor it happened on, if driver code was running.
    pub processor: Option<u32>,
    /// Its IRQL.
    pub irql: Irql,
    /// The callbacks that had not returned, the innermost last.
    pub callbacks: Vec<&'static str>,
    /// The driver's call stack, the innermost frame first.
    pub stack: Vec<String>,
    /// The last events.
    pub events: Vec<Record>,
}

/// How a callback came to run on the stack of another one.
fn link(callback: &str) -> &'static str {
    /// What the processor or the end of an interrupt calls, whatever runs.
    const INTERRUPTING: [&str; 5] = [
        "EvtInterruptIsr",
        "EvtInterruptDpc",
        "EvtDpcFunc",
        "EvtTimerFunc",
        "DeferredRoutine",
    ];
    if INTERRUPTING.contains(&callback) {
        ", interrupted by "
    } else {
        ", calling "
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.rule, self.text)?;
        if let Some(statement) = self.statement {
            writeln!(f, "  rule: {statement}")?;
        }
        match self.processor {
            Some(processor) => writeln!(f, "  on processor {processor} at {}", self.irql)?,
            None if self.callbacks.is_empty() => writeln!(f, "  outside driver code")?,
            None => writeln!(f, "  in a thread that waits")?,
        }
        if let Some((first, nested)) = self.callbacks.split_first() {
            write!(f, "  in {first}")?;
            for callback in nested {
                write!(f, "{}{callback}", link(callback))?;
            }
            writeln!(f)?;
        }
        if !self.stack.is_empty() {
            writeln!(f, "  driver call stack:")?;
            for frame in &self.stack {
                writeln!(f, "    {frame}")?;
            }
        }
        if !self.events.is_empty() {
            writeln!(f, "  last events:")?;
            for event in &self.events {
                writeln!(f, "    {event}")?;
            }
        }
        Ok(())
    }
}

impl Machine {
    /// Whether what playing does not need is checked, too.
    pub fn checks_all(&self) -> bool {
        self.checks == Checks::All
    }

    /// Ends the run: the driver broke a rule.
    pub fn violation(&self, rule: &'static Rule, text: impl Into<String>) -> ! {
        let report = Box::new(self.report(rule.name, Some(rule.statement), text.into()));
        self.end(Stop::BugCheck(report))
    }

    /// Ends the run: a framework function was called where Microsoft's returns an error and its
    /// verifier breaks into the debugger.
    pub fn invalid_operation(&self, text: impl Into<String>) -> ! {
        self.violation(&rules::INVALID_OPERATION, text)
    }

    /// Ends the run: the driver needs what the host does not play.
    pub fn unsupported(&self, text: impl Into<String>) -> ! {
        let report = Box::new(self.report("NotPlayed", None, text.into()));
        self.end(Stop::Unsupported(report))
    }

    /// Ends the run as [`Self::violation`] does, for a rule whose breach may show while no driver
    /// code runs: then the run ends with the next scheduling decision.
    pub(crate) fn note_violation(&self, rule: &'static Rule, text: impl Into<String>) {
        let report = Box::new(self.report(rule.name, Some(rule.statement), text.into()));
        self.stopped
            .borrow_mut()
            .get_or_insert(Stop::BugCheck(report));
        if self.scheduler.current().is_some() {
            self.leave_forever();
        }
    }

    fn end(&self, stop: Stop) -> ! {
        self.stopped.borrow_mut().get_or_insert(stop);
        self.leave_forever()
    }

    fn report(&self, rule: &str, statement: Option<&'static str>, text: String) -> Report {
        let current = self.scheduler.current();
        let place = current.map(|(processor, flow)| (Some(processor), flow));
        self.report_at(rule, statement, text, place)
    }

    /// A report about a flow that does not run.
    fn report_of(&self, rule: &'static Rule, text: String, flow: &Rc<Flow>) -> Report {
        let processors = self.scheduler.processors().iter();
        let processor = processors
            .clone()
            .find(|processor| {
                let running = processor.running.borrow();
                running
                    .as_ref()
                    .is_some_and(|running| Rc::ptr_eq(running, flow))
            })
            .cloned();
        let place = (processor, Rc::clone(flow));
        self.report_at(rule.name, Some(rule.statement), text, Some(place))
    }

    fn report_at(
        &self,
        rule: &str,
        statement: Option<&'static str>,
        text: String,
        place: Option<(Option<Rc<Processor>>, Rc<Flow>)>,
    ) -> Report {
        let records = self.events.records();
        let processor = place.as_ref().and_then(|(processor, _)| processor.as_ref());
        let shown = records.len().saturating_sub(SHOWN_EVENTS);
        Report {
            rule: rule.to_owned(),
            statement,
            text,
            processor: processor.map(|processor| processor.number),
            irql: processor.map_or(Irql::PASSIVE, |processor| processor.irql.get()),
            callbacks: place.as_ref().map_or_else(Vec::new, |(_, flow)| {
                flow.activations
                    .borrow()
                    .iter()
                    .map(|activation| activation.what)
                    .collect()
            }),
            stack: place.map_or_else(Vec::new, |(_, flow)| self.driver_stack(&flow)),
            events: records[shown..].to_vec(),
        }
    }

    /// The driver's frames on a flow's stack, the innermost first.
    fn driver_stack(&self, flow: &Flow) -> Vec<String> {
        let Some(image) = self.image.get() else {
            return Vec::new();
        };
        let crossings = self.crossings.borrow();
        let mut frames = Vec::new();
        for crossing in crossings
            .iter()
            .rev()
            .filter(|crossing| crossing.flow == flow.id)
        {
            let mut registers = Registers {
                gpr: crossing.gpr,
                rip: crossing.rip,
                ..Registers::default()
            };
            registers.gpr[4] = crossing.rsp;
            let read = |address| {
                let (low, high) = flow.stack();
                (low..high - 7)
                    .contains(&address)
                    .then(|| self.memory.read::<u64>(address))
            };
            let stack = if crossing.is_return {
                image.call_stack_after_return(&registers, read)
            } else {
                image.call_stack(&registers, read)
            };
            frames.extend(stack.lookups().flat_map(|rva| self.frames_at(rva)));
        }
        frames
    }

    /// What is at an RVA, in one line.
    fn describe_code(&self, rva: u32) -> String {
        match self.symbols.get() {
            Some(symbols) => symbols.describe(rva),
            None => format!("+{rva:#x}"),
        }
    }

    /// The names of the function at an RVA and of those that were inlined into it there.
    pub fn functions_at(&self, rva: u32) -> Vec<String> {
        let frames = self.symbols.get().map(|symbols| symbols.frames(rva));
        let frames = frames.into_iter().flatten();
        frames.map(|frame| frame.function).collect()
    }

    /// The function at an RVA, after those that were inlined into it there.
    pub(crate) fn frames_at(&self, rva: u32) -> Vec<String> {
        match self.symbols.get() {
            Some(symbols) => {
                let frames = symbols.frames(rva);
                frames.iter().map(ToString::to_string).collect()
            }
            None => vec![format!("+{rva:#x}")],
        }
    }
}
