//! The engine, on the example of factorials.

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use edu_driver_core::engine::Refusal;
use edu_driver_core::factorial::Factorial;
use proptest::prelude::*;

use world::{Outcome, Owned, Record, Step, World, factorial};

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
    assert!(world.presented.is_some(), "it may still come");
    world.run(&Step::Look(false));
    let record = world.completed.pop().expect("it ends").take();
    assert_eq!(record.outcome, Some(Outcome::Value(720)));
}

#[test]
fn an_interrupt_that_is_on_its_way_is_left_to_its_dpc() {
    let mut world = World::default();
    for (n, factorial) in [(6, 720), (7, 5040)] {
        world.run(&Step::Present(n));
        for _ in 0..4 {
            world.run(&Step::Device);
        }
        world.run(&Step::Look(false));
        assert!(world.presented.is_some(), "its DPC has not run");
        world.run(&Step::Dpc);
        let record = world.completed.pop().expect("it ends").take();
        assert_eq!(record.outcome, Some(Outcome::Value(factorial)));
    }
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
fn a_request_whose_device_was_removed_fails() {
    let mut world = World::default();
    world.device.removed = true;
    world.run(&Step::Present(5));
    let record = world.completed.pop().expect("it ends at once").take();
    assert_eq!(record.outcome, Some(Outcome::Removed));
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
