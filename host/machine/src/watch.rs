//! Who follows a run closely, and interferes where the machine lets him.

use crate::{Machine, cpu::frame::TrapFrame};

/// Follows a run. All of it is called on the flow that it is about, unless it says otherwise.
pub trait Watcher {
    /// A callback of the driver begins.
    fn enters(&self, machine: &Machine, flow: u32, callback: &'static str, address: u64);

    /// The callback that began last on that flow has returned.
    fn leaves(&self, machine: &Machine, flow: u32);

    /// The routine that runs goes on at another address: an exception handler was found.
    fn jumps(&self, machine: &Machine, flow: u32, address: u64);

    /// A flow is given a processor. Called by the scheduler.
    fn resumes(&self, machine: &Machine, flow: u32);

    /// A flow has left its processor. Called by the scheduler.
    fn pauses(&self, machine: &Machine, flow: u32);

    /// Whether the watcher put the breakpoint there at which driver code has trapped. If so the
    /// instruction pointer is set back to it.
    fn is_boundary(&self, machine: &Machine, frame: &mut TrapFrame) -> bool;

    /// Driver code has trapped at such a breakpoint.
    fn at_boundary(&self, machine: &Machine, frame: &mut TrapFrame);

    /// Driver code has executed one instruction.
    fn at_step(&self, machine: &Machine, frame: &mut TrapFrame);

    /// The driver calls a service. `site` is the RVA behind the call.
    fn at_call(&self, machine: &Machine, site: u32, service: &'static str);

    /// What a call returns instead of being carried out, if it is to fail.
    fn failure(&self, machine: &Machine, site: u32, service: &'static str) -> Option<u64>;

    /// A moment of the driver's: before or after a call or a register access.
    fn at_moment(&self, machine: &Machine);

    /// Does a step of a system's own between two of its callbacks, with whatever is to happen there.
    fn around(&self, machine: &Machine, step: &mut dyn FnMut());
}
