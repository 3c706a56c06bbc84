//! A driver, its framework and its device. The device does every step of its work separately, so that
//! everything else can happen between any two.

use std::cell::RefCell;
use std::rc::Rc;

use edu_driver_core::engine::{Cancelable, Engine, Interrupt, Look, Refusal, Request};
use edu_driver_core::factorial::{Factorial, Registers};
use edu_spec::registers::Status;

pub fn factorial(n: u32) -> u32 {
    (1..=n.min(64)).fold(1, u32::wrapping_mul)
}

/// QEMU's factorial thread, step by step.
#[derive(Debug, Default)]
pub struct Device {
    pub register: u32,
    pub computing: bool,
    pub thread: Thread,
    /// The factorial cause: raised and not acknowledged.
    pub cause: bool,
    pub removed: bool,
    pub starts_ignored: u32,
}

#[derive(Debug, Default, Clone, Copy)]
pub enum Thread {
    #[default]
    Sleeping,
    Multiplying,
    Stored,
    ClearedComputing,
}

impl Device {
    pub fn step(&mut self) {
        self.thread = match self.thread {
            Thread::Sleeping if self.computing => Thread::Multiplying,
            Thread::Sleeping => Thread::Sleeping,
            Thread::Multiplying => {
                self.register = factorial(self.register);
                Thread::Stored
            }
            Thread::Stored => {
                self.computing = false;
                Thread::ClearedComputing
            }
            Thread::ClearedComputing => {
                self.cause = true;
                Thread::Sleeping
            }
        };
    }
}

impl Registers for Device {
    fn status(&mut self) -> Status {
        if self.removed {
            return Status::from_bits_retain(u32::MAX);
        }
        let mut status = Status::INTERRUPT_WHEN_DONE;
        status.set(Status::COMPUTING, self.computing);
        status
    }

    fn start(&mut self, operand: u32) {
        if self.computing {
            self.starts_ignored += 1;
        } else if !self.removed {
            self.register = operand;
            self.computing = true;
        }
    }

    fn result(&mut self) -> u32 {
        if self.removed {
            u32::MAX
        } else {
            self.register
        }
    }
}

/// What the framework knows of a request.
#[derive(Debug, Default)]
pub struct Record {
    pub operand: u32,
    pub cancelable: bool,
    pub canceled: bool,
    pub outcome: Option<Outcome>,
    pub requeued: bool,
}

#[derive(Debug, PartialEq)]
pub enum Outcome {
    Value(u32),
    Canceled,
    Removed,
    GivenUp,
}

#[derive(Debug, Clone)]
pub struct Owned(pub Rc<RefCell<Record>>);
#[derive(Debug)]
pub struct Marked(pub Rc<RefCell<Record>>);

impl Owned {
    pub fn complete(self, outcome: Outcome) {
        let mut record = self.0.borrow_mut();
        assert!(!record.cancelable, "completed while cancelable");
        assert!(!record.requeued, "completed after it was given back");
        assert_eq!(record.outcome, None, "completed twice");
        record.outcome = Some(outcome);
    }
}

impl Request for Owned {
    type Cancelable = Marked;

    fn into_cancelable(self) -> Result<Marked, Self> {
        if self.0.borrow().canceled {
            return Err(self);
        }
        self.0.borrow_mut().cancelable = true;
        Ok(Marked(self.0))
    }
}

impl Cancelable for Marked {
    type Request = Owned;
    type Canceled = Owned;
    type Id = Owned;

    fn reclaim(self) -> Result<Owned, Self> {
        if self.0.borrow().canceled {
            return Err(self);
        }
        self.0.borrow_mut().cancelable = false;
        Ok(Owned(self.0))
    }

    fn take_canceled(self, canceled: &Owned) -> Result<Owned, Self> {
        if !Rc::ptr_eq(&self.0, &canceled.0) {
            return Err(self);
        }
        self.0.borrow_mut().cancelable = false;
        Ok(Owned(self.0))
    }

    fn is(&self, id: &Owned) -> bool {
        Rc::ptr_eq(&self.0, &id.0)
    }
}

/// The driver, its framework and its device.
#[derive(Default)]
pub struct World {
    pub device: Device,
    pub engine: Engine<Owned, u32>,
    /// What the sequential queue has presented and not got back.
    pub presented: Option<Rc<RefCell<Record>>>,
    /// A cancel callback that has been decided on and has not run.
    pub cancel_callback: Option<Owned>,
    pub completed: Vec<Rc<RefCell<Record>>>,
    pub strays: u32,
}

#[derive(Debug, Clone)]
pub enum Step {
    Present(u32),
    Device,
    Dpc,
    Cancel,
    CancelCallback,
    Suspend,
    Look(bool),
    LoseInterrupt,
}

impl World {
    pub fn run(&mut self, step: &Step) {
        match step {
            Step::Present(operand) => {
                if self.presented.is_none() {
                    self.present(*operand);
                }
            }
            Step::Device => self.device.step(),
            Step::Dpc => self.interrupt(),
            Step::Cancel => self.cancel(),
            Step::CancelCallback => self.run_cancel_callback(),
            Step::Suspend => self.suspend(),
            Step::Look(give_up) => self.look(*give_up),
            Step::LoseInterrupt => self.device.cause = false,
        }
        let finished = |record: &Rc<RefCell<Record>>| {
            record.borrow().outcome.is_some() || record.borrow().requeued
        };
        if let Some(record) = self.presented.take_if(|record| finished(record)) {
            self.completed.push(record);
        }
    }

    pub fn present(&mut self, operand: u32) {
        let record = Rc::new(RefCell::new(Record {
            operand,
            ..Record::default()
        }));
        self.presented = Some(record.clone());
        match self
            .engine
            .submit(Owned(record), operand, &mut Factorial(&mut self.device))
        {
            Ok(()) => {}
            Err((request, Refusal::Removed)) => request.complete(Outcome::Removed),
            Err((_, refusal)) => panic!("refused: {refusal:?}"),
        }
    }

    pub fn interrupt(&mut self) {
        if !self.device.cause {
            return;
        }
        self.device.cause = false;
        match self.engine.on_interrupt(&mut Factorial(&mut self.device)) {
            Interrupt::Done(request, _, value) => request.complete(Outcome::Value(value)),
            Interrupt::Removed(request) => request.complete(Outcome::Removed),
            Interrupt::Stray => self.strays += 1,
        }
    }

    pub fn look(&mut self, give_up: bool) {
        match self.engine.look(give_up, &mut Factorial(&mut self.device)) {
            Look::Nothing => {}
            Look::Done(request, _, value) => request.complete(Outcome::Value(value)),
            Look::Removed(request) => request.complete(Outcome::Removed),
            Look::GivenUp(request) => request.complete(Outcome::GivenUp),
        }
    }

    pub fn cancel(&mut self) {
        if let Some(record) = &self.presented {
            let mut inner = record.borrow_mut();
            if inner.cancelable && !inner.canceled {
                inner.canceled = true;
                self.cancel_callback = Some(Owned(record.clone()));
            }
        }
    }

    pub fn run_cancel_callback(&mut self) {
        if let Some(canceled) = self.cancel_callback.take() {
            let request = self
                .engine
                .cancel(&canceled)
                .expect("a canceled request waits for its callback");
            request.complete(Outcome::Canceled);
        }
    }

    pub fn suspend(&mut self) {
        if let Some(record) = self.presented.clone()
            && let Some(request) = self.engine.withdraw(&Owned(record))
        {
            assert!(!request.0.borrow().cancelable, "requeued while cancelable");
            request.0.borrow_mut().requeued = true;
        }
    }

    /// Lets everything that is under way come to its end.
    pub fn settle(&mut self) {
        for round in 0..32 {
            self.run(&Step::CancelCallback);
            self.run(&Step::Device);
            self.run(&Step::Dpc);
            if round >= 16 {
                self.run(&Step::Look(false));
            }
        }
    }
}
