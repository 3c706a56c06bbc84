//! The run's loop: scheduling decisions, and the passing of time where nothing can run.

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt::Write,
    marker::PhantomPinned,
    pin::Pin,
    time::{Duration, Instant},
};

use kmdf_bus::{Clock, time::VirtualTime};

use crate::{
    event::{Counts, EventLog, Record},
    host::{Host, Machine, Stop},
    kmdf::Framework,
    machine::{InterruptController, Slot},
    memory::Memory,
    sched::Scheduler,
};

/// How long a run with a device outside this process waits for it before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much virtual time may pass for one thing to come about. Only a timer that the driver sets
/// again and again lets so much pass.
const LONGEST: Duration = Duration::from_hours(1);
/// How long one wait for such a device takes at most.
const SLICE: Duration = Duration::from_millis(1);

impl Host {
    /// A machine that has just been switched on. It is pinned: its flows hold its address.
    ///
    /// # Errors
    /// This machine has no address space left.
    pub fn new(machine: Machine) -> std::io::Result<Pin<Box<Self>>> {
        let slots: Vec<_> = machine.functions.into_iter().map(Slot::new).collect();
        let real = slots.iter().any(|slot| slot.clock == Clock::Real);
        let salt = machine.strategy.salt();
        Ok(Box::pin(Self {
            scheduler: Scheduler::new(machine.processors.clamp(1, 64), machine.strategy),
            memory: Memory::new(machine.checks, salt)?,
            checks: machine.checks,
            salt,
            free_memory_from: machine.free_memory_from,
            slots,
            shared_lines: machine.shared_lines,
            interrupts: InterruptController::default(),
            events: EventLog::new(machine.event_limit, machine.observer),
            framework: Framework::default(),
            image: OnceCell::new(),
            symbols: OnceCell::new(),
            stubs: OnceCell::new(),
            bindings: RefCell::default(),
            stopped: RefCell::new(None),
            clock: Cell::new(VirtualTime::START),
            real_start: Cell::new(real.then(Instant::now)),
            crossings: RefCell::default(),
            explorer: crate::explore::Explorer::default(),
            _pinned: PhantomPinned,
        }))
    }

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
    pub(crate) fn pass(&self, duration: Duration) {
        if self.real_start.get().is_none() {
            self.clock.set(self.clock.get() + duration);
        }
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
        let mut text = String::from("the threads that wait are");
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
