//! Stops at instruction boundaries, by breakpoints.
//!
//! There is never more than one breakpoint: the next boundary of the driver routine that runs now.
//! Where that is follows from the instruction at the last one and the registers, so the trap flag,
//! which costs more, serves only where it does not. When a routine is left for another, by a
//! nested call or a change of flows, its breakpoint goes with it and comes back when it goes on:
//! an interrupt taken at a boundary runs at full speed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use kmdf_machine::{Machine, cpu::frame::TrapFrame};

use super::{
    accesses::Accesses,
    boundary::Boundaries,
    visit::{Called, Visit},
};

/// `int3`
const BREAKPOINT: u8 = 0xCC;

/// Where one call into the driver stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Its number among all calls into the driver.
    pub(crate) activation: u32,
    /// Boundaries passed.
    pub(crate) passed: u32,
    pub(crate) stops: Stops,
    /// RVA of its breakpoint.
    pub(crate) armed: Option<u32>,
}

/// At which boundaries a call into the driver stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stops {
    /// At none.
    #[default]
    Never,
    /// At each.
    Always,
    /// At the boundary with this number only.
    At { index: u32 },
}

/// The breakpoint, and who is to be stopped by it.
#[derive(Default)]
pub(crate) struct Stepping {
    pub(crate) code: OnceCell<Rc<Boundaries>>,
    /// Who is told what each instruction accesses, where races are looked for.
    accesses: OnceCell<Rc<Accesses>>,
    pub(crate) visit: RefCell<Visit>,
    /// Where the running flow stands.
    walk: Cell<Walk>,
    /// Where flows stand that wait.
    waiting: RefCell<BTreeMap<u32, Walk>>,
    /// By flow, where the routines stand that have called the one that runs.
    callers: RefCell<BTreeMap<u32, Vec<Walk>>>,
    /// How many calls into the driver there were.
    activations: Cell<u32>,
    /// Whether a boundary is being visited: what runs meanwhile is not stopped.
    pub(crate) visiting: Cell<bool>,
    /// Boundaries passed in stops.
    pub(crate) visited: Cell<u64>,
    /// How many boundaries of the framework's own there were.
    pub(crate) own: Cell<u32>,
}

impl Stepping {
    /// Prepares a visit. To be called before the driver is loaded.
    pub(crate) fn prepare(&self, code: Rc<Boundaries>, visit: Visit) {
        let _ = self.code.set(code);
        *self.visit.borrow_mut() = visit;
    }

    /// Has the machine told what each instruction accesses.
    pub(crate) fn tell_accesses(&self, accesses: Rc<Accesses>) {
        let _ = self.accesses.set(accesses);
    }

    /// The instruction at an RVA is about to be executed.
    pub(crate) fn executes(&self, machine: &Machine, rva: u32, frame: &TrapFrame) {
        if let Some(accesses) = self.accesses.get()
            && let Some(instruction) = self.code.get().and_then(|code| code.at(rva))
        {
            accesses.tell(machine, instruction, rva, &frame.general_registers());
        }
    }

    /// How many boundaries were stopped at.
    pub(crate) fn visited(&self) -> u64 {
        self.visited.get()
    }

    pub(crate) fn is_on(&self) -> bool {
        self.code.get().is_some()
    }

    /// The visit, to read what it has found.
    pub(crate) fn take_visit(&self) -> Visit {
        self.visit.take()
    }
}

impl Stepping {
    /// Prepares a call into the driver: which callback, and where it is.
    pub(crate) fn enter(&self, machine: &Machine, flow: u32, callback: &'static str, address: u64) {
        if !self.is_on() {
            return;
        }
        let activation = self.activations.get();
        self.activations.set(activation + 1);
        let stops = match &mut *self.visit.borrow_mut() {
            _ if self.visiting.get() => Stops::Never,
            Visit::Find { .. } | Visit::Every { .. } | Visit::Schedule | Visit::Coverage => {
                Stops::Always
            }
            Visit::Trace { calls } => {
                calls.push(Called {
                    callback,
                    instructions: Vec::new(),
                });
                Stops::Always
            }
            Visit::One { at, .. } if at.is_in(activation) => Stops::At { index: at.index },
            Visit::One { .. } | Visit::None => Stops::Never,
        };
        let outer = self.suspend(machine);
        let armed = machine
            .image
            .get()
            .and_then(|image| image.rva(address))
            .filter(|_| stops != Stops::Never);
        self.resume(
            machine,
            Walk {
                activation,
                passed: 0,
                stops,
                armed,
            },
        );
        let mut callers = self.callers.borrow_mut();
        callers.entry(flow).or_default().push(outer);
    }

    /// Goes back to the routine that called.
    pub(crate) fn leave(&self, machine: &Machine, flow: u32) {
        let outer = self.callers.borrow_mut().get_mut(&flow).and_then(Vec::pop);
        if let Some(outer) = outer {
            self.suspend(machine);
            self.resume(machine, outer);
        }
    }

    /// The routine that runs goes on at another address than its last instruction said.
    pub(crate) fn jump(&self, machine: &Machine, address: u64) {
        let mut walk = self.suspend(machine);
        let there = machine.image.get().and_then(|image| image.rva(address));
        walk.armed = there.filter(|_| walk.stops != Stops::Never);
        self.resume(machine, walk);
    }

    /// A flow goes on: its breakpoint comes back.
    pub(crate) fn flow_resumes(&self, machine: &Machine, flow: u32) {
        let walk = self.waiting.borrow_mut().remove(&flow);
        self.resume(machine, walk.unwrap_or_default());
    }

    /// A flow waits: its breakpoint goes with it.
    pub(crate) fn flow_pauses(&self, machine: &Machine, flow: u32) {
        let walk = self.suspend(machine);
        if walk != Walk::default() {
            self.waiting.borrow_mut().insert(flow, walk);
        }
    }

    /// Takes the breakpoint away: other code of the driver may run.
    pub(crate) fn suspend(&self, machine: &Machine) -> Walk {
        let walk = self.walk.take();
        if let Some(rva) = walk.armed {
            write_original(machine, rva);
        }
        walk
    }

    /// Puts the breakpoint of a routine back: it goes on.
    pub(crate) fn resume(&self, machine: &Machine, walk: Walk) {
        if let Some(rva) = walk.armed {
            write_code(machine, rva, BREAKPOINT);
        }
        self.walk.set(walk);
    }

    /// Whether a breakpoint trap is ours. Then `frame.rip` is where the instruction is.
    pub(crate) fn is_boundary(&self, machine: &Machine, frame: &mut TrapFrame) -> bool {
        let armed = self.walk.get().armed;
        let at = frame.rip.wrapping_sub(1);
        let here = machine.image.get().and_then(|image| image.rva(at));
        let ours = armed.is_some() && armed == here;
        if ours {
            frame.rip = at;
        }
        ours
    }
}

fn write_original(machine: &Machine, rva: u32) {
    let original = machine
        .image
        .get()
        .and_then(|image| image.image().layout().get(rva as usize).copied());
    if let Some(byte) = original {
        write_code(machine, rva, byte);
    }
}

fn write_code(machine: &Machine, rva: u32, byte: u8) {
    if let Some(image) = machine.image.get() {
        // A next instruction outside of all code is the driver's wild jump: it traps by itself.
        let _ = image.write_code(rva, &[byte]);
    }
}
