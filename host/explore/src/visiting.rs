//! What happens at a boundary that is stopped at.

use kmdf_framework::Host;
use kmdf_machine::cpu::{frame::TrapFrame, trap::TRAP_FLAG};

use super::{
    boundary::Next,
    hooks::Explorer,
    stepping::{Stops, Walk},
    visit::{Cause, Point, Visit},
};

/// How often one run brings its cause about at one instruction.
const MOST_TIMES: u32 = 64;

impl Explorer {
    /// Goes on from a boundary.
    pub(crate) fn stop(&self, host: &Host, frame: &mut TrapFrame) {
        let walk = self.stepping.suspend(host);
        self.pass_boundary(host, frame, walk);
    }

    /// A single step ended at a boundary, or out in the host: what a step was set for has happened.
    pub(crate) fn stepped(&self, host: &Host, frame: &mut TrapFrame) {
        frame.rflags &= !TRAP_FLAG.cast_unsigned();
        let walk = self.stepping.suspend(host);
        let in_image = host
            .image
            .get()
            .is_some_and(|image| image.contains(frame.rip));
        if walk.stops != Stops::Never && in_image {
            self.pass_boundary(host, frame, walk);
        }
    }

    /// Visits the boundary at `frame.rip`, then arms the next one.
    fn pass_boundary(&self, host: &Host, frame: &mut TrapFrame, mut walk: Walk) {
        let stepping = &self.stepping;
        let rva = host
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
            self.coverage.boundary(rva);
            if let Some(cause) = self.planned(host, point) {
                stepping.visiting.set(true);
                self.bring_about(host, cause);
                stepping.visiting.set(false);
            }
            if matches!(walk.stops, Stops::At { .. }) {
                walk.stops = Stops::Never;
            }
            if matches!(*stepping.visit.borrow(), Visit::Schedule) {
                host.preemption_point(kmdf_machine::Point::Instruction);
            }
        }
        stepping.executes(host, rva, frame);
        walk.armed = None;
        if walk.stops != Stops::Never {
            match self.next_boundary(host, frame) {
                Next::At(next) if next != rva => walk.armed = Some(next),
                Next::Outside => walk.stops = Stops::Never,
                Next::At(_) | Next::Unclear => frame.rflags |= TRAP_FLAG.cast_unsigned(),
            }
        }
        stepping.resume(host, walk);
    }

    /// What a visit of a boundary is planned for.
    fn planned(&self, host: &Host, point: Point) -> Option<Cause> {
        let mut visit = self.stepping.visit.borrow_mut();
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
                let found = self.found(host, point);
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

    /// Takes two steps of the framework that something may come between: the second is `step`. It is a
    /// boundary of the framework's own, visited as those of the driver are. What a visit brings about
    /// happens on another processor, whose DPCs wait until `step` has been done: each of its interrupts
    /// comes before, and the DPC after.
    pub(crate) fn around_step(&self, host: &Host, step: &mut dyn FnMut()) {
        let stepping = &self.stepping;
        let index = stepping.own.get();
        stepping.own.set(index + 1);
        let point = Point::of_framework(index);
        let cause = if stepping.is_on() && !stepping.visiting.get() {
            stepping.visited.set(stepping.visited.get() + 1);
            self.planned_of_framework(host, point)
        } else {
            None
        };
        let Some(cause) = cause else {
            return step();
        };
        let here = host.processor();
        let others = host.scheduler.processors().iter();
        let others: Vec<_> = others.filter(|other| other.number != here.number).collect();
        for other in &others {
            other.let_dpcs_wait(true);
        }
        stepping.visiting.set(true);
        self.bring_about_elsewhere(host, cause);
        stepping.visiting.set(false);
        step();
        for other in &others {
            other.let_dpcs_wait(false);
        }
    }

    /// What a visit of a boundary of the framework's own is planned for. A list of what the driver
    /// executes has none of them.
    fn planned_of_framework(&self, host: &Host, point: Point) -> Option<Cause> {
        let traces = matches!(*self.stepping.visit.borrow(), Visit::Trace { .. });
        if traces {
            None
        } else {
            self.planned(host, point)
        }
    }

    fn next_boundary(&self, host: &Host, frame: &TrapFrame) -> Next {
        let (Some(image), Some(code)) = (host.image.get(), self.stepping.code.get()) else {
            return Next::Outside;
        };
        let registers = frame.general_registers();
        code.next(image, &registers, |address| host.try_read(address))
    }
}
