//! What an exploration asks of a run, and what it finds.

use std::{cell::RefCell, rc::Rc};

use kmdf_framework::{File, Host, Irp};
use kmdf_machine::{Machine, Watcher, cpu::frame::TrapFrame};

use super::{coverage::Coverage, failing::Failing, moment::Moments, stepping::Stepping};

/// Makes the device interrupt for a reason of its own.
pub(crate) type Raise = Rc<dyn Fn(&Host)>;

/// The exploration's part in a run.
#[derive(Default)]
pub(crate) struct Explorer {
    pub(crate) stepping: Stepping,
    pub(crate) failing: Failing,
    pub(crate) coverage: Coverage,
    pub(crate) moments: Moments,
    /// The requests that the scenario has sent and that may not have ended.
    pub(crate) pending: RefCell<Vec<Rc<Irp>>>,
    /// All requests that it has sent.
    pub(crate) sent: RefCell<Vec<Rc<Irp>>>,
    /// The files that the scenario has opened.
    pub(crate) files: RefCell<Vec<Rc<File>>>,
    pub(crate) raise: RefCell<Option<Raise>>,
}

impl Explorer {
    /// A scenario has sent a request.
    pub(crate) fn note(&self, irp: &Rc<Irp>) {
        let mut pending = self.pending.borrow_mut();
        pending.retain(|other| !other.is_finished());
        pending.push(Rc::clone(irp));
        self.sent.borrow_mut().push(Rc::clone(irp));
    }
}

impl Watcher for Explorer {
    fn enters(&self, machine: &Machine, flow: u32, callback: &'static str, address: u64) {
        self.stepping.enter(machine, flow, callback, address);
    }

    fn leaves(&self, machine: &Machine, flow: u32) {
        self.stepping.leave(machine, flow);
    }

    fn jumps(&self, machine: &Machine, _: u32, address: u64) {
        self.stepping.jump(machine, address);
    }

    fn resumes(&self, machine: &Machine, flow: u32) {
        self.stepping.flow_resumes(machine, flow);
    }

    fn pauses(&self, machine: &Machine, flow: u32) {
        self.stepping.flow_pauses(machine, flow);
    }

    fn is_boundary(&self, machine: &Machine, frame: &mut TrapFrame) -> bool {
        self.stepping.is_boundary(machine, frame)
    }

    fn at_boundary(&self, machine: &Machine, frame: &mut TrapFrame) {
        self.stop(Host::of(machine), frame);
    }

    fn at_step(&self, machine: &Machine, frame: &mut TrapFrame) {
        self.stepped(Host::of(machine), frame);
    }

    fn at_call(&self, _: &Machine, site: u32, service: &'static str) {
        self.coverage.call(site, service);
    }

    fn failure(&self, machine: &Machine, site: u32, service: &'static str) -> Option<u64> {
        let failure = self.failing.failure(site, service)?;
        self.coverage.failure(site);
        Some(failure.happen(machine, service))
    }

    fn at_moment(&self, machine: &Machine) {
        if let Some(cause) = self.moments.pass() {
            self.bring_about(Host::of(machine), cause);
        }
    }

    fn around(&self, machine: &Machine, step: &mut dyn FnMut()) {
        self.around_step(Host::of(machine), step);
    }
}
