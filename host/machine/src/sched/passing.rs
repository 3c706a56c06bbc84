//! The passing of time while something runs: at preemption points, where the strategy says how much.
//!
//! It moves in steps that are small beside what drivers wait for, so that no limit runs out because
//! somebody was not given a processor: since nothing could run, [`LONGEST`] at most. A device that is
//! nearly done gets on all the same: it is fast then. By itself nothing leaps to an alarm here, which is a timer or the end
//! of a wait; only where nothing can run does time pass to the next one.

use std::time::Duration;

use kmdf_bus::time::VirtualTime;

use super::{Pass, Point};
use crate::machine::Machine;

/// How much time passes at most from a moment at which nothing could run to the next one.
const LONGEST: Duration = Duration::from_millis(200);

impl Machine {
    /// Lets the time pass that the strategy wants to pass at a preemption point, and what is due by then
    /// happen.
    pub(super) fn pass_at(&self, point: Point) {
        // A clock that waits for nobody passes by itself.
        if self.real_start.get().is_some() {
            return;
        }
        match self.scheduler.passes(point) {
            Pass::Step(duration) => {
                let now = self.now() + duration;
                if now <= self.latest() {
                    self.clock.set(now);
                    self.get_on(now);
                }
            }
            // One that is ahead of the clock stays near it: what comes then takes as much longer.
            Pass::ToDevice if self.functions_event() <= Some(self.now() + LONGEST) => {
                self.let_device_get_on();
            }
            Pass::Nothing | Pass::ToDevice => {}
        }
    }

    /// Lets the devices do what they would have done next. The clock goes with them, unless an alarm would
    /// go off by that or too much time pass: then the device is faster than it would have been.
    pub fn let_device_get_on(&self) {
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

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    use kmdf_bus::{Assignment, Bus, Clock, DeviceError, Identity, PciFunction, RootDevice, Width};
    use kmdf_rules::Rule;

    use super::{super::Pause, *};
    use crate::{Above, Choice, InOrder, Parts, Strategy, Walk};

    const MINUTE: Duration = Duration::from_mins(1);

    /// A device that does one thing.
    struct Once {
        at: VirtualTime,
        done: Rc<Cell<bool>>,
    }

    impl PciFunction for Once {
        fn identity(&self) -> Identity {
            RootDevice::new(r"ROOT\ONCE").identity()
        }

        fn clock(&self) -> Clock {
            Clock::Virtual
        }

        fn start(&mut self, _: &mut dyn Bus, _: &Assignment) -> Result<(), DeviceError> {
            Ok(())
        }

        fn stop(&mut self, _: &mut dyn Bus) -> Result<(), DeviceError> {
            Ok(())
        }

        fn read(
            &mut self,
            _: &mut dyn Bus,
            _: u8,
            _: u64,
            width: Width,
        ) -> Result<u64, DeviceError> {
            Ok(width.all_ones())
        }

        fn write(
            &mut self,
            _: &mut dyn Bus,
            _: u8,
            _: u64,
            _: Width,
            _: u64,
        ) -> Result<(), DeviceError> {
            Ok(())
        }

        fn advance(&mut self, _: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
            self.done.set(self.done.get() || now >= self.at);
            Ok(())
        }

        fn next_event(&self) -> Option<VirtualTime> {
            (!self.done.get()).then_some(self.at)
        }

        fn wait(&mut self, _: &mut dyn Bus, _: Duration) -> Result<(), DeviceError> {
            Ok(())
        }
    }

    /// A machine with nothing above it.
    struct Nothing;

    impl Above for Nothing {
        fn unfinished(&self, _: &Machine) -> Option<(&'static Rule, String)> {
            None
        }
    }

    /// Lets the device do its next thing, and the other processors run as far as they can.
    fn get_on(machine: &Machine, others: bool) {
        machine.let_device_get_on();
        machine.take_pending();
        if others {
            let_others(machine);
        }
    }

    fn let_others(machine: &Machine) {
        machine.scheduler.hold(machine.processor().number);
        machine.pause(Pause::Preempted);
        machine.take_pending();
    }

    /// Runs `body` as a thread of a machine whose device does something at `at`. Gives what `body` gave, and
    /// whether the device had done it by then.
    fn with_device<R: 'static>(
        at: Duration,
        strategy: impl Strategy + 'static,
        body: impl FnOnce(&Machine) -> R + 'static,
    ) -> (R, bool) {
        let done = Rc::new(Cell::new(false));
        let parts = Parts {
            functions: vec![Box::new(Once {
                at: VirtualTime::START + at,
                done: Rc::clone(&done),
            })],
            strategy: Box::new(strategy),
            ..Parts::default()
        };
        let machine = Machine::new(parts, Box::new(Nothing), Vec::new());
        let machine = machine.expect("there is room for a machine");
        let result = machine.run_to_end("test", move |machine| (body(machine), done.get()));
        result.unwrap_or_else(|stop| panic!("{stop}"))
    }

    fn callback(machine: &Machine, points: u32) -> Duration {
        let began = machine.now();
        for _ in 0..points {
            machine.preemption_point(Point::Service);
        }
        machine.now() - began
    }

    #[test]
    fn a_device_that_does_its_next_thing_ends_no_wait_and_sets_no_timer_off() {
        for others in [false, true] {
            let rung = Rc::new(Cell::new(false));
            let (now, done) = with_device(5 * MINUTE, InOrder, move |machine| {
                let rings = Rc::clone(&rung);
                machine.at(machine.now() + 2 * MINUTE, move |_| rings.set(true));
                get_on(machine, others);
                assert!(!rung.get(), "the alarm went off");
                machine.now()
            });
            assert!(done, "the device does it");
            assert_eq!(now, VirtualTime::START);
        }
    }

    #[test]
    fn nothing_happens_to_a_device_where_only_an_alarm_is_left() {
        let (now, _) = with_device(Duration::ZERO, InOrder, |machine| {
            machine.let_device_get_on();
            machine.at(machine.now() + 2 * MINUTE, |_| panic!("the alarm went off"));
            get_on(machine, false);
            machine.now()
        });
        assert_eq!(now, VirtualTime::START);
    }

    #[test]
    fn the_clock_goes_with_a_device_that_does_its_next_thing_soon() {
        let soon = Duration::from_millis(100);
        let (now, done) = with_device(soon, InOrder, |machine| {
            get_on(machine, false);
            machine.now()
        });
        assert!(done);
        assert_eq!(now, VirtualTime::START + soon);
    }

    #[test]
    fn time_passes_in_a_callback_as_a_seed_says_and_never_so_much_that_a_limit_is_reached() {
        let mut passed = Vec::new();
        for seed in 0..20 {
            let of = || {
                with_device(LONGEST / 2, Walk::new(seed), |machine| {
                    callback(machine, 20_000)
                })
            };
            let (time, done) = of();
            assert!(done, "the device gets on");
            assert!(time <= LONGEST, "{seed}: {time:?}");
            assert_eq!(of(), (time, done), "{seed}");
            passed.push(time);
        }
        passed.sort_unstable();
        passed.dedup();
        assert!(passed.len() > 1 && passed[0] > Duration::ZERO, "{passed:?}");
    }

    #[test]
    fn no_seed_lets_a_device_run_far_ahead_of_the_clock() {
        let (_, done) = with_device(5 * MINUTE, Walk::new(1), |machine| {
            callback(machine, 20_000)
        });
        assert!(!done);
    }

    #[test]
    fn in_the_simplest_order_a_callback_takes_no_time() {
        let simplest = with_device(MINUTE, InOrder, |machine| callback(machine, 10_000));
        assert_eq!(simplest, (Duration::ZERO, false));
    }

    /// At each point a microsecond passes.
    struct Steady;

    impl Strategy for Steady {
        fn choose(&mut self, _: Choice, _: &[Vec<u32>]) -> usize {
            0
        }

        fn preempts(&mut self, _: Point, _: u32) -> bool {
            false
        }

        fn passes(&mut self, _: Point) -> Pass {
            Pass::Step(Duration::from_micros(1))
        }
    }

    #[test]
    fn a_timer_goes_off_between_two_points_of_a_callback() {
        let order = Rc::new(RefCell::new(Vec::new()));
        let ring = Rc::clone(&order);
        let ((), _) = with_device(MINUTE, Steady, move |machine| {
            machine.at(machine.now() + Duration::from_micros(10), move |_| {
                ring.borrow_mut().push("the timer");
            });
            callback(machine, 9);
            order.borrow_mut().push("before");
            callback(machine, 1);
            order.borrow_mut().push("after");
            assert_eq!(*order.borrow(), ["before", "the timer", "after"]);
        });
    }

    #[test]
    fn a_thread_that_waits_goes_on_while_another_one_is_busy() {
        let (took, _) = with_device(MINUTE, Steady, |machine| {
            let over = Rc::new(Cell::new(None));
            let ended = Rc::clone(&over);
            machine.spawn("waits", move |machine| {
                let until = machine.now() + Duration::from_micros(10);
                machine.block_until_or(until, |_| false);
                ended.set(Some(machine.now()));
            });
            // It begins to wait, and goes on by the clock that this thread lets pass.
            let_others(machine);
            callback(machine, 10);
            let_others(machine);
            over.get().expect("its time has come") - VirtualTime::START
        });
        assert_eq!(took, Duration::from_micros(10));
    }
}
