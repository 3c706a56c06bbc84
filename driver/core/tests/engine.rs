//! The factorial engine against a device that does every step of its work separately, so that
//! everything else can happen between any two.

use std::cell::RefCell;
use std::rc::Rc;

use edu_driver_core::engine::{Cancelable, Engine, Interrupt, Look, Refusal, Request};
use edu_driver_core::factorial::{Factorial, Registers};
use edu_spec::registers::Status;
use proptest::prelude::*;

fn factorial(n: u32) -> u32 {
    (1..=n.min(64)).fold(1, u32::wrapping_mul)
}

/// QEMU's factorial thread, step by step.
#[derive(Debug, Default)]
struct Device {
    register: u32,
    computing: bool,
    thread: Thread,
    /// The factorial cause: raised and not acknowledged.
    cause: bool,
    gone: bool,
    starts_ignored: u32,
}

#[derive(Debug, Default, Clone, Copy)]
enum Thread {
    #[default]
    Sleeping,
    Multiplying,
    Stored,
    ClearedComputing,
}

impl Device {
    fn step(&mut self) {
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
        if self.gone {
            return Status::from_bits_retain(u32::MAX);
        }
        let mut status = Status::INTERRUPT_WHEN_DONE;
        status.set(Status::COMPUTING, self.computing);
        status
    }

    fn start(&mut self, operand: u32) {
        if self.computing {
            self.starts_ignored += 1;
        } else if !self.gone {
            self.register = operand;
            self.computing = true;
        }
    }

    fn result(&mut self) -> u32 {
        if self.gone { u32::MAX } else { self.register }
    }
}

/// What the framework knows of a request.
#[derive(Debug, Default)]
struct Record {
    operand: u32,
    cancelable: bool,
    canceled: bool,
    outcome: Option<Outcome>,
    requeued: bool,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Value(u32),
    Canceled,
    Gone,
    GivenUp,
}

#[derive(Debug, Clone)]
struct Owned(Rc<RefCell<Record>>);
#[derive(Debug)]
struct Marked(Rc<RefCell<Record>>);

impl Owned {
    fn complete(self, outcome: Outcome) {
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

    fn redeem(self, canceled: &Owned) -> Result<Owned, Self> {
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
struct World {
    device: Device,
    engine: Engine<Owned, u32>,
    /// What the sequential queue has presented and not got back.
    presented: Option<Rc<RefCell<Record>>>,
    /// A cancel callback that has been decided on and has not run.
    cancel_callback: Option<Owned>,
    completed: Vec<Rc<RefCell<Record>>>,
    strays: u32,
}

#[derive(Debug, Clone)]
enum Step {
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
    fn run(&mut self, step: &Step) {
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

    fn present(&mut self, operand: u32) {
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
            Err((request, Refusal::Gone)) => request.complete(Outcome::Gone),
            Err((_, refusal)) => panic!("refused: {refusal:?}"),
        }
    }

    fn interrupt(&mut self) {
        if !self.device.cause {
            return;
        }
        self.device.cause = false;
        match self.engine.on_interrupt(&mut Factorial(&mut self.device)) {
            Interrupt::Done(request, _, value) => request.complete(Outcome::Value(value)),
            Interrupt::Gone(request) => request.complete(Outcome::Gone),
            Interrupt::Stray => self.strays += 1,
        }
    }

    fn look(&mut self, give_up: bool) {
        match self.engine.look(give_up, &mut Factorial(&mut self.device)) {
            Look::Nothing => {}
            Look::Done(request, _, value) => request.complete(Outcome::Value(value)),
            Look::Gone(request) => request.complete(Outcome::Gone),
            Look::GivenUp(request) => request.complete(Outcome::GivenUp),
        }
    }

    fn cancel(&mut self) {
        if let Some(record) = &self.presented {
            let mut inner = record.borrow_mut();
            if inner.cancelable && !inner.canceled {
                inner.canceled = true;
                self.cancel_callback = Some(Owned(record.clone()));
            }
        }
    }

    fn run_cancel_callback(&mut self) {
        if let Some(canceled) = self.cancel_callback.take() {
            let request = self
                .engine
                .cancel(&canceled)
                .expect("a canceled request waits for its callback");
            request.complete(Outcome::Canceled);
        }
    }

    fn suspend(&mut self) {
        if let Some(record) = self.presented.clone()
            && let Some(request) = self.engine.withdraw(&Owned(record))
        {
            assert!(!request.0.borrow().cancelable, "requeued while cancelable");
            request.0.borrow_mut().requeued = true;
        }
    }

    /// Lets everything that is under way come to its end.
    fn settle(&mut self) {
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

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let operand = prop_oneof![0_u32..4, 0_u32..40, any::<u32>()];
    let step = prop_oneof![
        3 => operand.prop_map(Step::Present),
        6 => Just(Step::Device),
        4 => Just(Step::Dpc),
        1 => Just(Step::Cancel),
        1 => Just(Step::CancelCallback),
        1 => Just(Step::Suspend),
        1 => any::<bool>().prop_map(Step::Look),
        1 => Just(Step::LoseInterrupt),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_request_ends_once_and_every_value_is_its_factorial(steps in steps()) {
        let mut world = World::default();
        for step in &steps {
            world.run(step);
        }
        world.settle();
        prop_assert!(world.presented.is_none(), "a request is left: {:?}", world.presented);
        prop_assert!(world.engine.is_empty());
        prop_assert_eq!(world.device.starts_ignored, 0);
        for record in &world.completed {
            let record = record.borrow();
            if let Some(Outcome::Value(value)) = record.outcome {
                prop_assert_eq!(value, factorial(record.operand), "{}!", record.operand);
            }
        }
    }
}

#[test]
fn no_operand_but_one_and_two_is_its_own_factorial() {
    let own: Vec<u32> = (0..=34).filter(|&n| factorial(n) == n).collect();
    assert_eq!(own, [1, 2]);
    assert_eq!(factorial(34), 0, "and from here on every factorial is 0");
}

#[test]
fn no_factorial_is_all_ones() {
    assert!((0..=34).all(|n| factorial(n) != u32::MAX));
}

#[test]
fn a_request_after_a_canceled_one_waits_for_the_device_and_gets_its_own_result() {
    let mut world = World::default();
    world.run(&Step::Present(5));
    world.run(&Step::Device);
    world.run(&Step::Cancel);
    world.run(&Step::CancelCallback);
    world.run(&Step::Present(6));
    world.settle();
    let outcomes: Vec<_> = world
        .completed
        .iter()
        .map(|record| record.take().outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Some(Outcome::Canceled), Some(Outcome::Value(720))]
    );
    assert_eq!(world.strays, 1);
}

#[test]
fn an_interrupt_that_comes_late_does_not_end_the_next_factorial() {
    let mut world = World::default();
    world.run(&Step::Present(5));
    world.run(&Step::Cancel);
    world.run(&Step::CancelCallback);
    for _ in 0..3 {
        world.run(&Step::Device);
    }
    // COMPUTING is clear, the interrupt not raised: the next one may start.
    world.run(&Step::Present(6));
    world.run(&Step::Device);
    world.run(&Step::Dpc);
    assert_eq!(world.strays, 1);
    assert!(world.presented.is_some());
    world.settle();
    let last = world.completed.pop().expect("it ends").take();
    assert_eq!(last.outcome, Some(Outcome::Value(720)));
}

#[test]
fn a_factorial_whose_interrupt_is_lost_is_completed_when_somebody_looks() {
    let mut world = World::default();
    world.run(&Step::Present(6));
    for _ in 0..3 {
        world.run(&Step::Look(false));
        assert!(world.presented.is_some(), "not before it is done");
        world.run(&Step::Device);
    }
    world.run(&Step::Device);
    world.run(&Step::LoseInterrupt);
    world.run(&Step::Look(false));
    let record = world.completed.pop().expect("it ends").take();
    assert_eq!(record.outcome, Some(Outcome::Value(720)));
}

#[test]
fn a_factorial_that_never_ends_is_given_up_and_the_next_one_waits_for_it() {
    let mut world = World::default();
    world.run(&Step::Present(6));
    world.run(&Step::Look(true));
    let record = world.completed.pop().expect("it is given up").take();
    assert_eq!(record.outcome, Some(Outcome::GivenUp));
    world.run(&Step::Present(7));
    world.settle();
    let record = world.completed.pop().expect("it ends").take();
    assert_eq!(record.outcome, Some(Outcome::Value(5040)));
}

#[test]
fn each_accepted_request_is_a_job_of_its_own() {
    let mut world = World::default();
    assert_eq!(world.engine.job(), None);
    world.run(&Step::Present(6));
    assert_eq!(world.engine.job(), Some(1));
    world.settle();
    assert_eq!(world.engine.job(), None);
    world.run(&Step::Present(6));
    assert_eq!(world.engine.job(), Some(2));
}

#[test]
fn a_request_whose_device_is_gone_fails() {
    let mut world = World::default();
    world.device.gone = true;
    world.run(&Step::Present(5));
    let record = world.completed.pop().expect("it ends at once").take();
    assert_eq!(record.outcome, Some(Outcome::Gone));
}

#[test]
fn a_second_request_is_refused_and_given_back() {
    let mut world = World::default();
    world.run(&Step::Present(5));
    let second = Owned(Rc::default());
    let refused = world
        .engine
        .submit(second, 6, &mut Factorial(&mut world.device));
    assert!(matches!(refused, Err((_, Refusal::Busy))));
}

#[test]
fn a_request_canceled_before_it_is_submitted_is_given_back_and_starts_nothing() {
    let mut world = World::default();
    let record = Record {
        canceled: true,
        ..Record::default()
    };
    let canceled = Owned(Rc::new(RefCell::new(record)));
    let refused = world
        .engine
        .submit(canceled, 6, &mut Factorial(&mut world.device));
    assert!(matches!(refused, Err((_, Refusal::Canceled))));
    assert!(!world.device.computing);
}
