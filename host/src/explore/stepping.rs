//! Stops at instruction boundaries, by breakpoints.
//!
//! There is never more than one breakpoint: the next boundary of the driver routine that runs now.
//! Where that is follows from the instruction at the last one and the registers, so the trap flag,
//! which costs more, serves only where it does not. When a routine is left for another, by a
//! nested call or a change of flows, its breakpoint goes with it and comes back when it goes on:
//! an interrupt taken at a boundary runs at full speed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use super::{
    boundary::{Boundaries, Next},
    visit::{Called, Cause, Point, Visit},
};
use crate::{
    cpu::{frame::TrapFrame, trap::TRAP_FLAG},
    host::Host,
    sched,
};

/// How often one run brings its cause about at one instruction.
const MOST_TIMES: u32 = 64;
/// `int3`
const BREAKPOINT: u8 = 0xCC;

/// Where one call into the driver stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Its number among all calls into the driver.
    activation: u32,
    /// Boundaries passed.
    passed: u32,
    stops: Stops,
    /// RVA of its breakpoint.
    armed: Option<u32>,
}

/// At which boundaries a call into the driver stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stops {
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
    code: OnceCell<Rc<Boundaries>>,
    visit: RefCell<Visit>,
    walk: Cell<Walk>,
    /// How many calls into the driver there were.
    activations: Cell<u32>,
    /// Whether a boundary is being visited: what runs meanwhile is not stopped.
    visiting: Cell<bool>,
    /// Boundaries passed in stops.
    visited: Cell<u64>,
    /// How many boundaries of the framework's own there were.
    own: Cell<u32>,
}

impl Stepping {
    /// Prepares a visit. To be called before the driver is loaded.
    pub(crate) fn prepare(&self, code: Rc<Boundaries>, visit: Visit) {
        let _ = self.code.set(code);
        *self.visit.borrow_mut() = visit;
    }

    /// How many boundaries were stopped at.
    pub(crate) fn visited(&self) -> u64 {
        self.visited.get()
    }

    fn is_on(&self) -> bool {
        self.code.get().is_some()
    }

    /// The visit, to read what it has found.
    pub(crate) fn take_visit(&self) -> Visit {
        self.visit.take()
    }
}

impl Host {
    /// Prepares a call into the driver: which callback, and where it is. Returns what
    /// [`Self::end_walk`] needs.
    pub(crate) fn begin_walk(&self, callback: &'static str, address: u64) -> Walk {
        let stepping = &self.explorer.stepping;
        if !stepping.is_on() {
            return Walk::default();
        }
        let activation = stepping.activations.get();
        stepping.activations.set(activation + 1);
        let stops = match &mut *stepping.visit.borrow_mut() {
            _ if stepping.visiting.get() => Stops::Never,
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
        let outer = self.suspend_walk();
        let armed = self
            .image
            .get()
            .and_then(|image| image.rva(address))
            .filter(|_| stops != Stops::Never);
        self.resume_walk(Walk {
            activation,
            passed: 0,
            stops,
            armed,
        });
        outer
    }

    /// Goes back to the routine that called.
    pub(crate) fn end_walk(&self, outer: Walk) {
        if self.explorer.stepping.is_on() {
            self.suspend_walk();
            self.resume_walk(outer);
        }
    }

    /// Takes the breakpoint away: other code of the driver may run.
    pub(crate) fn suspend_walk(&self) -> Walk {
        let walk = self.explorer.stepping.walk.take();
        if let Some(rva) = walk.armed {
            self.write_original(rva);
        }
        walk
    }

    /// Puts the breakpoint of a routine back: it goes on.
    pub(crate) fn resume_walk(&self, walk: Walk) {
        if let Some(rva) = walk.armed {
            self.write_code(rva, BREAKPOINT);
        }
        self.explorer.stepping.walk.set(walk);
    }

    fn write_original(&self, rva: u32) {
        let original = self
            .image
            .get()
            .and_then(|image| image.image().layout().get(rva as usize).copied());
        if let Some(byte) = original {
            self.write_code(rva, byte);
        }
    }

    fn write_code(&self, rva: u32, byte: u8) {
        if let Some(image) = self.image.get() {
            // A next instruction outside of all code is the driver's wild jump: it traps by itself.
            let _ = image.write_code(rva, &[byte]);
        }
    }

    /// Whether a breakpoint trap is ours. Then `frame.rip` is where the instruction is.
    pub(crate) fn is_boundary(&self, frame: &mut TrapFrame) -> bool {
        let armed = self.explorer.stepping.walk.get().armed;
        let at = frame.rip.wrapping_sub(1);
        let here = self.image.get().and_then(|image| image.rva(at));
        let ours = armed.is_some() && armed == here;
        if ours {
            frame.rip = at;
        }
        ours
    }

    /// Goes on from a boundary.
    pub(crate) fn at_boundary(&self, frame: &mut TrapFrame) {
        let walk = self.suspend_walk();
        self.pass_boundary(frame, walk);
    }

    /// A single step ended at a boundary, or out in the host: what a step was set for has happened.
    pub(crate) fn at_step(&self, frame: &mut TrapFrame) {
        frame.rflags &= !TRAP_FLAG.cast_unsigned();
        let walk = self.suspend_walk();
        let in_image = self
            .image
            .get()
            .is_some_and(|image| image.contains(frame.rip));
        if walk.stops != Stops::Never && in_image {
            self.pass_boundary(frame, walk);
        }
    }

    /// Visits the boundary at `frame.rip`, then arms the next one.
    fn pass_boundary(&self, frame: &mut TrapFrame, mut walk: Walk) {
        let stepping = &self.explorer.stepping;
        let rva = self
            .image
            .get()
            .and_then(|image| image.rva(frame.rip))
            .unwrap_or(0);
        let point = Point {
            activation: walk.activation,
            index: walk.passed,
            rva,
        };
        let due = match walk.stops {
            Stops::Never => false,
            Stops::Always => true,
            Stops::At { index } => index == walk.passed,
        };
        walk.passed += 1;
        if due {
            stepping.visited.set(stepping.visited.get() + 1);
            self.explorer.coverage.boundary(rva);
            if let Some(cause) = self.planned(point) {
                stepping.visiting.set(true);
                self.bring_about(cause);
                stepping.visiting.set(false);
            }
            if matches!(walk.stops, Stops::At { .. }) {
                walk.stops = Stops::Never;
            }
            if matches!(*stepping.visit.borrow(), Visit::Schedule) {
                self.preemption_point(sched::Point::Instruction);
            }
        }
        walk.armed = None;
        if walk.stops != Stops::Never {
            match self.next_boundary(frame) {
                Next::At(next) if next != rva => walk.armed = Some(next),
                Next::Outside => walk.stops = Stops::Never,
                Next::At(_) | Next::Unclear => frame.rflags |= TRAP_FLAG.cast_unsigned(),
            }
        }
        self.resume_walk(walk);
    }

    /// What a visit of a boundary is planned for.
    fn planned(&self, point: Point) -> Option<Cause> {
        let mut visit = self.explorer.stepping.visit.borrow_mut();
        match &mut *visit {
            Visit::None | Visit::Schedule | Visit::Coverage => None,
            Visit::Trace { calls } => {
                // Nothing happens at these boundaries, so every call into the driver is there.
                if let Some(call) = calls.get_mut(point.activation as usize) {
                    call.instructions.push(point.rva);
                }
                None
            }
            Visit::Find { points } => {
                let found = self.found(point);
                points.push(found);
                None
            }
            Visit::Every { cause, times } => {
                let times = times.entry(point.rva).or_default();
                *times += 1;
                (*times <= MOST_TIMES).then_some(*cause)
            }
            Visit::One { at, cause } => (*at == point).then_some(*cause),
        }
    }

    /// Takes two steps of the framework that something may come between: the second is `then`. It is a
    /// boundary of the framework's own, visited as those of the driver are. What a visit brings about
    /// happens on another processor, whose DPCs wait until `then` has been done: each of its interrupts
    /// comes before, and the DPC after.
    pub(crate) fn between_steps(&self, then: impl FnOnce(&Self)) {
        self.preemption_point(sched::Point::Service);
        let stepping = &self.explorer.stepping;
        let index = stepping.own.get();
        stepping.own.set(index + 1);
        let point = Point::of_framework(index);
        let cause = if stepping.is_on() && !stepping.visiting.get() {
            stepping.visited.set(stepping.visited.get() + 1);
            self.planned_of_framework(point)
        } else {
            None
        };
        let Some(cause) = cause else {
            return then(self);
        };
        let here = self.processor();
        let others = self.scheduler.processors().iter();
        let others: Vec<_> = others.filter(|other| other.number != here.number).collect();
        for other in &others {
            other.let_dpcs_wait(true);
        }
        stepping.visiting.set(true);
        self.bring_about_elsewhere(cause);
        stepping.visiting.set(false);
        then(self);
        for other in &others {
            other.let_dpcs_wait(false);
        }
    }

    /// What a visit of a boundary of the framework's own is planned for. A list of what the driver
    /// executes has none of them.
    fn planned_of_framework(&self, point: Point) -> Option<Cause> {
        let traces = matches!(*self.explorer.stepping.visit.borrow(), Visit::Trace { .. });
        if traces { None } else { self.planned(point) }
    }

    fn next_boundary(&self, frame: &TrapFrame) -> Next {
        let (Some(image), Some(code)) = (self.image.get(), self.explorer.stepping.code.get())
        else {
            return Next::Outside;
        };
        let registers = frame.general_registers();
        code.next(image, &registers, |address| self.try_read(address))
    }
}
