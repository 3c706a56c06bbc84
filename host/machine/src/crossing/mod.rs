//! The ways out of driver code: calls of the framework and the kernel, and traps.

mod trap;

use kmdf_instructions::Registers;
use kmdf_rules::rules;

use crate::{
    check::Cost,
    cpu::{frame::TrapFrame, stub::Call, watchdog},
    event::Event,
    machine::{Machine, with_current},
    sched::Point,
};

/// A place where driver code was left: by a call or by a trap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossing {
    /// On which flow.
    pub flow: u32,
    /// General registers in encoding order, as far as they are known.
    pub gpr: [u64; 16],
    /// Where driver code goes on.
    pub rip: u64,
    /// Whether that is behind a call: the call itself lies before it.
    pub(crate) is_return: bool,
    /// Its stack pointer there.
    pub(crate) rsp: u64,
}

impl Machine {
    fn push_crossing(&self, gpr: [u64; 16], rip: u64, rsp: u64, is_return: bool) {
        if let Some((_, flow)) = self.scheduler.current() {
            self.crossings.borrow_mut().push(Crossing {
                flow: flow.id,
                gpr,
                rip,
                is_return,
                rsp,
            });
            self.check_stack(&flow, rsp);
        }
    }

    fn pop_crossing(&self) {
        if let Some((_, flow)) = self.scheduler.current() {
            let mut crossings = self.crossings.borrow_mut();
            if let Some(index) = crossings
                .iter()
                .rposition(|crossing| crossing.flow == flow.id)
            {
                crossings.remove(index);
            }
        }
    }

    /// A service that the driver called.
    fn serve(&self, call: &Call) -> u64 {
        let (service, hidden) = {
            let binding = &self.bindings.borrow()[call.index as usize];
            (binding.service, binding.hidden)
        };
        self.push_crossing(
            call.preserved(),
            call.return_address(),
            call.stack_pointer(),
            true,
        );
        let Some(service) = service else {
            let binding = self.bindings.borrow()[call.index as usize].clone();
            self.unsupported(format!(
                "the driver calls {}!{}, which this host does not play",
                binding.library, binding.name
            ));
        };
        self.record(Event::Service { name: service.name });
        self.charge(Cost::CALL);
        self.check_paged_irql("a call", call.return_address());
        self.check_irql(service);
        let site = self.relative(call.return_address()) as u32;
        let watcher = self.watcher.get();
        if let Some(watcher) = watcher {
            watcher.at_call(self, site, service.name);
        }
        self.preemption_point(Point::Service);
        let failure = watcher.and_then(|watcher| watcher.failure(self, site, service.name));
        let value = failure.unwrap_or_else(|| (service.handler)(self, &call.hiding(hidden)));
        self.note_result(service.name, value, call.return_address());
        self.preemption_point(Point::Service);
        self.check_paged_irql("a return of a call", call.return_address());
        self.pop_crossing();
        value
    }
}

/// A call from a stub. An error is no return: driver code goes on with these registers.
pub(crate) fn on_call(call: &Call) -> Result<u64, Box<Registers>> {
    watchdog::crossed();
    with_current(|machine| {
        let value = machine.serve(call);
        machine.takes_elsewhere().map_or(Ok(value), Err)
    })
}

/// A trap, on the interrupted flow's stack.
pub(crate) fn on_trap(frame: &mut TrapFrame) {
    watchdog::crossed();
    with_current(|machine| machine.handle_trap(frame));
}

/// A flow without room on its stack. Never returns: the flow is dead.
pub(crate) fn on_stack_overflow(frame: &mut TrapFrame) {
    with_current(|machine| {
        machine.push_crossing(frame.gpr, frame.rip, frame.rsp, false);
        machine.violation(
            &rules::STACK_OVERFLOW,
            format!("the driver's stack is used up at {:#x}", frame.rsp),
        );
    });
}
