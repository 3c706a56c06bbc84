//! What a request and an interrupt cost: the instructions of EvtIoDeviceControl, EvtInterruptIsr and
//! EvtInterruptDpc, and what each does in between.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use edu_spec::registers::Causes;
use kmdf_host::{
    Event, Observer,
    explore::{Called, Scenario, Way, Wrong},
};

use crate::drivers::Subject;

/// The callbacks that are looked at, in the order of a request.
pub const CALLBACKS: [&str; 3] = ["EvtIoDeviceControl", "EvtInterruptIsr", "EvtInterruptDpc"];
/// The last of them.
const LAST: &str = CALLBACKS[2];

/// What compilers call where a program copies and fills memory: how often is theirs to decide.
const OF_COMPILERS: [&str; 4] = ["memcpy", "memmove", "memset", "memcmp"];

/// The calls of one callback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Instructions of the driver, without those of the framework, the kernel and nested callbacks.
    pub instructions: usize,
    /// Register accesses, and calls of framework and kernel, in order.
    pub steps: Vec<Step>,
}

/// Something that a callback does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads the register at this physical address.
    Read(u64),
    /// Writes the register at this physical address.
    Write(u64),
    /// Calls the framework or the kernel.
    Call(&'static str),
}

/// What one event costs a driver: the calls of [`CALLBACKS`], in that order.
pub type Cost = [Calls; 3];

/// A kind of event, as tables name it, and what it costs a driver.
type Kind = (&'static str, fn(&Subject) -> Result<Cost, Wrong>);

/// All kinds of events.
pub const KINDS: [Kind; 3] = [
    ("factorial", of_factorial),
    ("software's cause", of_software),
    ("stray DMA cause", of_stray_dma),
];

/// What an event of each of [`KINDS`] costs a driver.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn all(subject: &Subject) -> Result<[Cost; KINDS.len()], Wrong> {
    let [(_, factorial), (_, software), (_, stray_dma)] = KINDS;
    Ok([factorial(subject)?, software(subject)?, stray_dma(subject)?])
}

/// A factorial: the second of two, for the first finds caches of the framework's and the driver's own first
/// times.
fn of_factorial(subject: &Subject) -> Result<Cost, Wrong> {
    last(subject, &subject.requests(2))
}

/// An interrupt that is no request's: software raised a cause of its own, and nobody waits for it.
fn of_software(subject: &Subject) -> Result<Cost, Wrong> {
    last(subject, &subject.interrupts(2, Causes::SOFTWARE))
}

/// An interrupt of the DMA engine that belongs to no request.
fn of_stray_dma(subject: &Subject) -> Result<Cost, Wrong> {
    last(subject, &subject.interrupts(2, Causes::DMA))
}

/// What the last event of a run costs: the instructions from a run that stops at each, the steps from one that
/// stops at none.
fn last(subject: &Subject, scenario: &Arc<dyn Scenario>) -> Result<Cost, Wrong> {
    let target = subject.target()?;
    let traced = target.trace(scenario)?;
    let watcher = Rc::new(RefCell::new(Watcher::default()));
    let eyes = Rc::clone(&watcher);
    let observer: Observer = Box::new(move |record| eyes.borrow_mut().see(&record.event));
    target
        .replay(scenario, Way::default(), Some(observer))
        .result?;
    let seen = watcher.take().calls;
    let mut cost = Cost::default();
    for Called {
        callback,
        instructions,
    } in of_last_event(&traced, |call| call.callback)
    {
        if let Some(calls) = of_callback(&mut cost, callback) {
            calls.instructions += instructions.len();
        }
    }
    for (callback, steps) in of_last_event(&seen, |call| call.0) {
        if let Some(calls) = of_callback(&mut cost, callback) {
            calls.steps.extend(steps);
        }
    }
    let [_, isr, dpc] = &cost;
    if isr.instructions == 0 || dpc.instructions == 0 {
        return Err(Wrong::Unexpected("no interrupt came".into()));
    }
    Ok(cost)
}

/// The calls that began after the last but one DPC: those of the last event.
fn of_last_event<T>(calls: &[T], callback: impl Fn(&T) -> &'static str) -> &[T] {
    let mut dpcs = calls.iter().enumerate().rev();
    let before = dpcs
        .by_ref()
        .filter(|(_, call)| callback(call) == LAST)
        .nth(1);
    before.map_or(calls, |(index, _)| &calls[index + 1..])
}

fn of_callback<'a>(cost: &'a mut Cost, callback: &str) -> Option<&'a mut Calls> {
    let index = CALLBACKS.iter().position(|&name| name == callback)?;
    cost.get_mut(index)
}

/// Sorts events by the call that they happen in. In the simplest order the callbacks of different
/// flows do not interleave.
#[derive(Default)]
struct Watcher {
    /// Of those that have not returned, the places in `calls`.
    running: Vec<usize>,
    /// In the order they began.
    calls: Vec<(&'static str, Vec<Step>)>,
}

impl Watcher {
    fn see(&mut self, event: &Event) {
        let step = match *event {
            Event::Enter { callback, .. } => {
                self.running.push(self.calls.len());
                return self.calls.push((callback, Vec::new()));
            }
            Event::Leave { .. } => {
                self.running.pop();
                return;
            }
            Event::Read { address, .. } => Step::Read(address),
            Event::Write { address, .. } => Step::Write(address),
            Event::Service { name } if !OF_COMPILERS.contains(&name) => Step::Call(name),
            _ => return,
        };
        let running = self.running.last().copied();
        if let Some((_, steps)) = running.and_then(|index| self.calls.get_mut(index)) {
            steps.push(step);
        }
    }
}
