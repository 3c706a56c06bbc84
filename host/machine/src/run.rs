//! The run's loop: scheduling decisions, and the passing of time where nothing can run.

use std::{
    cell::{Cell, RefCell},
    fmt::Write,
    rc::Rc,
    time::Duration,
};

use crate::{
    Machine, Stop,
    event::{Counts, Record},
};

/// How long a run with a device outside this process waits for it before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much virtual time may pass for one thing to come about. Only a timer that the driver sets
/// again and again lets so much pass.
const LONGEST: Duration = Duration::from_hours(1);
/// How long one wait for such a device takes at most.
const SLICE: Duration = Duration::from_millis(1);

impl Machine {
    /// Runs until `done` holds.
    ///
    /// # Errors
    /// The run stopped before.
    pub fn run_until(&self, done: impl Fn(&Self) -> bool) -> Result<(), Stop> {
        let mut waited = Duration::ZERO;
        let began = self.now();
        loop {
            self.check_stopped()?;
            if done(self) {
                return Ok(());
            }
            match self.turn(SLICE)? {
                Turn::Ran => waited = Duration::ZERO,
                Turn::Waited => waited += SLICE,
                Turn::Quiet => return Err(self.stuck()),
            }
            if waited > PATIENCE || self.now() - began > LONGEST {
                return Err(self.stuck());
            }
        }
    }

    /// Runs `body` as a kernel thread and everything else with it until it returns.
    ///
    /// # Errors
    /// The run stopped before.
    ///
    /// # Panics
    /// Never: a thread that has ended has given its result.
    pub fn run_to_end<R: 'static>(
        &self,
        name: &str,
        body: impl FnOnce(&Self) -> R + 'static,
    ) -> Result<R, Stop> {
        let result = Rc::new(RefCell::new(None));
        let done = Rc::new(Cell::new(false));
        let (out, flag) = (Rc::clone(&result), Rc::clone(&done));
        self.spawn(name, move |machine| {
            *out.borrow_mut() = Some(body(machine));
            flag.set(true);
        });
        self.run_until(|_| done.get())?;
        let result = result.borrow_mut().take();
        Ok(result.expect("the thread has ended"))
    }

    /// Runs everything that can run, or lets time pass: to the next event of the virtual machine,
    /// or up to `limit` where a device lives outside this process.
    ///
    /// # Errors
    /// The run stopped.
    pub fn turn(&self, limit: Duration) -> Result<Turn, Stop> {
        self.enter(|| {
            if self.step() {
                self.check_stopped()?;
                return Ok(Turn::Ran);
            }
            if let Some(next) = self.next_device_event() {
                if self.real_start.get().is_none() {
                    self.clock.set(self.clock.get().max(next));
                }
                self.note_rest();
                self.advance_functions(self.now())?;
                self.check_stopped()?;
                return Ok(Turn::Ran);
            }
            let waited = self.wait_for_functions(limit)?;
            self.check_stopped()?;
            Ok(match waited {
                _ if self.has_pending() => Turn::Ran,
                true => Turn::Waited,
                false => Turn::Quiet,
            })
        })
    }

    /// Lets virtual time pass for the running flow: a stall, or the reading of a clock.
    pub fn pass(&self, duration: Duration) {
        if self.real_start.get().is_none() {
            self.clock.set(self.clock.get() + duration);
        }
    }

    /// Ends the run with the next scheduling decision.
    pub fn stop_with(&self, stop: Stop) {
        *self.stopped.borrow_mut() = Some(stop);
    }

    fn check_stopped(&self) -> Result<(), Stop> {
        match self.stopped.borrow_mut().take() {
            Some(stop) => Err(stop),
            None => Ok(()),
        }
    }

    /// Why nothing goes on. By a clock that waits for everybody that is the driver's doing, where
    /// the driver has something in hand.
    fn stuck(&self) -> Stop {
        if self.real_start.get().is_none()
            && let Some(report) = self.endless()
        {
            return Stop::BugCheck(report);
        }
        let pending = self.above.pending(self);
        let mut text = String::new();
        if !pending.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "{}; apps wait for\n  {}",
                self.last_interrupt(),
                pending.join("\n  ")
            );
        }
        text.push_str("the threads that wait are");
        for flow in self.scheduler.flows() {
            let callbacks: Vec<_> = flow
                .activations
                .borrow()
                .iter()
                .map(|activation| activation.what)
                .collect();
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "\n  {} ({:?}) in [{}]",
                flow.name,
                flow.state.get(),
                callbacks.join(", ")
            );
        }
        Stop::Stuck(text)
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            pool_allocations: self.memory.pool_allocations(),
            ..self.events.counts.get()
        }
    }

    /// The digest of all events so far: equal only for runs that went the same way, event for
    /// event.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.events.digest()
    }

    /// The events that are still kept.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.events.records()
    }
}

/// What a turn of the loop came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something ran or happened.
    Ran,
    /// Nothing ran; a device outside this process was waited for in vain.
    Waited,
    /// Nothing can run, and nothing will happen by itself.
    Quiet,
}
