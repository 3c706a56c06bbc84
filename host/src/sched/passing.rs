//! The passing of time while something runs: at preemption points, where the strategy says how much.
//!
//! It moves in steps that are small beside what drivers wait for, so that no limit runs out because
//! somebody was not given a processor: since nothing could run, [`LONGEST`] at most. A device gets on
//! all the same: it is fast then. By itself nothing leaps to an alarm here, which is a timer or the end
//! of a wait; only where nothing can run does time pass to the next one.

use std::time::Duration;

use super::{Pass, Point};
use crate::{host::Host, time::VirtualTime};

/// How much time passes at most from a moment at which nothing could run to the next one.
const LONGEST: Duration = Duration::from_millis(200);

impl Host {
    /// Lets the time pass that the strategy wants to pass at a preemption point, and what is due by then
    /// happen.
    pub(super) fn pass_at(&self, point: Point) {
        // A clock that waits for nobody passes by itself.
        if self.real_start.get().is_some() {
            return;
        }
        match self.scheduler.passes(point) {
            Pass::Nothing => {}
            Pass::Step(duration) => {
                let now = self.now() + duration;
                if now <= self.latest() {
                    self.clock.set(now);
                    self.get_on(now);
                }
            }
            Pass::ToDevice => self.let_device_get_on(),
        }
    }

    /// Lets the devices do what they would have done next. The clock goes with them, unless an alarm would
    /// go off by that or too much time pass: then the device is faster than it would have been.
    pub(crate) fn let_device_get_on(&self) {
        let Some(due) = self.functions_event() else {
            return;
        };
        let is_due = |alarm: VirtualTime| alarm <= due;
        if due <= self.latest() && !self.next_alarm().is_some_and(is_due) {
            self.clock.set(self.now().max(due));
        }
        self.get_on(due);
    }

    /// Nothing can run: time passes for everybody.
    pub(crate) fn note_rest(&self) {
        self.scheduler.rested.set(self.now());
    }

    fn latest(&self) -> VirtualTime {
        self.scheduler.rested.get() + LONGEST
    }

    /// Lets devices get on until `until`, and everything else until now. It is nobody's doing: the running
    /// flow is not in the way.
    fn get_on(&self, until: VirtualTime) {
        let running = self.scheduler.current.take();
        let result = self.advance_functions(until);
        *self.scheduler.current.borrow_mut() = running;
        self.device_result(result);
        if self.stopped.borrow().is_some() {
            self.leave_forever();
        }
        self.take_pending();
    }
}
