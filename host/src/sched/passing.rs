//! The passing of time while something runs: at preemption points, where the strategy says how much.
//!
//! It moves in steps that are small beside what drivers wait for, so that no limit runs out because
//! somebody was not given a processor: since nothing could run, [`LONGEST`] at most. A device that is
//! nearly done gets on all the same: it is fast then. By itself nothing leaps to an alarm here, which is a timer or the end
//! of a wait; only where nothing can run does time pass to the next one.

use std::time::Duration;

use kmdf_bus::time::VirtualTime;

use super::{Pass, Point};
use crate::host::Host;

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

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    use kmdf_bus::{Assignment, Bus, Clock, DeviceError, Identity, PciFunction, RootDevice, Width};

    use super::{super::Pause, *};
    use crate::{Choice, InOrder, Machine, Seeded, Strategy, explore::Cause};

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

    /// Runs `body` as a thread of a machine whose device does something at `at`. Gives what `body` gave, and
    /// whether the device had done it by then.
    fn with_device<R: 'static>(
        at: Duration,
        strategy: impl Strategy + 'static,
        body: impl FnOnce(&Host) -> R + 'static,
    ) -> (R, bool) {
        let done = Rc::new(Cell::new(false));
        let host = Host::new(Machine {
            functions: vec![Box::new(Once {
                at: VirtualTime::START + at,
                done: Rc::clone(&done),
            })],
            strategy: Box::new(strategy),
            ..Machine::default()
        });
        let host = host.expect("there is room for a machine");
        let result = host.run_to_end("test", move |host| (body(host), done.get()));
        result.unwrap_or_else(|stop| panic!("{stop}"))
    }

    fn callback(host: &Host, points: u32) -> Duration {
        let began = host.now();
        for _ in 0..points {
            host.preemption_point(Point::Service);
        }
        host.now() - began
    }

    #[test]
    fn a_device_that_does_its_next_thing_ends_no_wait_and_sets_no_timer_off() {
        for cause in [Cause::Device, Cause::DeviceElsewhere] {
            let rung = Rc::new(Cell::new(false));
            let (now, done) = with_device(5 * MINUTE, InOrder, move |host| {
                let rings = Rc::clone(&rung);
                host.at(host.now() + 2 * MINUTE, move |_| rings.set(true));
                host.bring_about(cause);
                assert!(!rung.get(), "the alarm went off");
                host.now()
            });
            assert!(done, "{cause:?}: the device does it");
            assert_eq!(now, VirtualTime::START, "{cause:?}");
        }
    }

    #[test]
    fn nothing_happens_by_a_cause_of_the_device_where_only_an_alarm_is_left() {
        let (now, _) = with_device(Duration::ZERO, InOrder, |host| {
            host.let_device_get_on();
            host.at(host.now() + 2 * MINUTE, |_| panic!("the alarm went off"));
            host.bring_about(Cause::Device);
            host.now()
        });
        assert_eq!(now, VirtualTime::START);
    }

    #[test]
    fn the_clock_goes_with_a_device_that_does_its_next_thing_soon() {
        let soon = Duration::from_millis(100);
        let (now, done) = with_device(soon, InOrder, |host| {
            host.bring_about(Cause::Device);
            host.now()
        });
        assert!(done);
        assert_eq!(now, VirtualTime::START + soon);
    }

    #[test]
    fn time_passes_in_a_callback_as_a_seed_says_and_never_so_much_that_a_limit_is_reached() {
        let mut passed = Vec::new();
        for seed in 0..20 {
            let of = || {
                with_device(LONGEST / 2, Seeded::new(seed), |host| {
                    callback(host, 20_000)
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
        let (_, done) = with_device(5 * MINUTE, Seeded::new(1), |host| callback(host, 20_000));
        assert!(!done);
    }

    #[test]
    fn in_the_simplest_order_a_callback_takes_no_time() {
        let simplest = with_device(MINUTE, InOrder, |host| callback(host, 10_000));
        assert_eq!(simplest, (Duration::ZERO, false));
    }

    /// At each point a microsecond passes.
    struct Steady;

    impl Strategy for Steady {
        fn choose(&mut self, _: Choice, _: usize) -> usize {
            0
        }

        fn preempts(&mut self, _: Point) -> bool {
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
        let ((), _) = with_device(MINUTE, Steady, move |host| {
            host.at(host.now() + Duration::from_micros(10), move |_| {
                ring.borrow_mut().push("the timer");
            });
            callback(host, 9);
            order.borrow_mut().push("before");
            callback(host, 1);
            order.borrow_mut().push("after");
            assert_eq!(*order.borrow(), ["before", "the timer", "after"]);
        });
    }

    #[test]
    fn a_thread_that_waits_goes_on_while_another_one_is_busy() {
        let (took, _) = with_device(MINUTE, Steady, |host| {
            let over = Rc::new(Cell::new(None));
            let ended = Rc::clone(&over);
            host.spawn("waits", move |host| {
                let until = host.now() + Duration::from_micros(10);
                host.block_until_or(until, |_| false);
                ended.set(Some(host.now()));
            });
            let let_others = |host: &Host| {
                host.scheduler.hold(host.processor().number);
                host.pause(Pause::Preempted);
            };
            // It begins to wait, and goes on by the clock that this thread lets pass.
            let_others(host);
            callback(host, 10);
            let_others(host);
            over.get().expect("its time has come") - VirtualTime::START
        });
        assert_eq!(took, Duration::from_micros(10));
    }
}
