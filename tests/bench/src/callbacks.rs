//! What an interrupt costs: the instructions of EvtInterruptIsr and of EvtInterruptDpc, and what each
//! does in between.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use kmdf_host::{
    Event, Observer,
    explore::{Scenario, Way, Wrong},
};

use crate::drivers::Subject;

/// The callbacks that are looked at, in the order of an interrupt.
pub const CALLBACKS: [&str; 2] = ["EvtInterruptIsr", "EvtInterruptDpc"];

/// What compilers call where a program copies and fills memory: how often is theirs to decide.
const OF_COMPILERS: [&str; 4] = ["memcpy", "memmove", "memset", "memcmp"];

/// One call of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub callback: &'static str,
    /// Instructions of the driver, without those of the framework, the kernel and nested callbacks.
    pub instructions: usize,
    /// Its register accesses and its calls of framework and kernel, in order.
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

/// What one interrupt costs a driver: the calls of [`CALLBACKS`], in that order.
pub type Interrupt = [Call; 2];

/// The interrupt that ends a factorial: the second of two, for the first finds caches of the framework's
/// and the driver's own first times.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn of_factorial(subject: &Subject) -> Result<Interrupt, Wrong> {
    last(subject, &subject.requests(2))
}

/// An interrupt that is no request's: software raised a cause of its own, and nobody waits for it.
///
/// # Errors
/// As [`of_factorial`].
pub fn of_software(subject: &Subject) -> Result<Interrupt, Wrong> {
    last(subject, &subject.interrupts(2))
}

/// The last interrupt of a run: its instructions from a run that stops at each, its steps from one that
/// stops at none.
fn last(subject: &Subject, scenario: &Arc<dyn Scenario>) -> Result<Interrupt, Wrong> {
    let target = subject.target()?;
    let traced = target.trace(scenario)?;
    let watcher = Rc::new(RefCell::new(Watcher::default()));
    let eyes = Rc::clone(&watcher);
    let observer: Observer = Box::new(move |record| eyes.borrow_mut().see(&record.event));
    target
        .replay(scenario, Way::default(), Some(observer))
        .result?;
    let seen = watcher.take().done;
    let missing = |callback| Wrong::Unexpected(format!("{callback} was not called"));
    let call = |callback| {
        let traced = traced.iter().rfind(|call| call.callback == callback);
        let seen = seen.iter().rfind(|(name, _)| *name == callback);
        match (traced, seen) {
            (Some(traced), Some((_, steps))) => Ok(Call {
                callback,
                instructions: traced.instructions.len(),
                steps: steps.clone(),
            }),
            _ => Err(missing(callback)),
        }
    };
    let [isr, dpc] = CALLBACKS;
    Ok([call(isr)?, call(dpc)?])
}

/// Sorts events by the callback that they happen in. In the simplest order the callbacks of different
/// flows do not interleave.
#[derive(Default)]
struct Watcher {
    running: Vec<(&'static str, Vec<Step>)>,
    done: Vec<(&'static str, Vec<Step>)>,
}

impl Watcher {
    fn see(&mut self, event: &Event) {
        let step = match *event {
            Event::Enter { callback, .. } => return self.running.push((callback, Vec::new())),
            Event::Leave { .. } => return self.done.extend(self.running.pop()),
            Event::Read { address, .. } => Step::Read(address),
            Event::Write { address, .. } => Step::Write(address),
            Event::Service { name } if !OF_COMPILERS.contains(&name) => Step::Call(name),
            _ => return,
        };
        if let Some((_, steps)) = self.running.last_mut() {
            steps.push(step);
        }
    }
}
