//! What holds for the device after any sequence of accesses.

mod common;

use common::{Event, Rig};
use edu_model::{Config, Generation, Interrupts, Messages, Width};
use edu_spec::registers::offset;
use proptest::prelude::*;

/// One thing that can happen to a device.
#[derive(Clone, Debug)]
enum Step {
    Raise(u32),
    Acknowledge(u32),
    Factorial(u32),
    Status(u32),
    Pass(u64),
    Restart,
    Access(usize, Width, Option<u64>),
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![
        Just(Width::Byte),
        Just(Width::Word),
        Just(Width::Dword),
        Just(Width::Qword)
    ]
}

/// Few bits, so that causes meet.
fn causes() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..8, Just(0x100), Just(0x101), any::<u32>()]
}

/// Steps that reach the interrupt status by documented ways only.
fn documented() -> impl Strategy<Value = Step> {
    prop_oneof![
        causes().prop_map(Step::Raise),
        causes().prop_map(Step::Acknowledge),
        (0_u32..40).prop_map(Step::Factorial),
        prop_oneof![Just(0_u32), Just(0x80), any::<u32>()].prop_map(Step::Status),
        (0_u64..30_000).prop_map(Step::Pass),
        Just(Step::Restart),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        documented(),
        (0_usize..0xB0, width(), any::<Option<u64>>())
            .prop_map(|(offset, width, value)| Step::Access(offset, width, value)),
    ]
}

fn interrupts() -> impl Strategy<Value = Interrupts> {
    prop_oneof![
        Just(Interrupts::Off),
        Just(Interrupts::Line),
        Just(Interrupts::Messages(Messages::One)),
        Just(Interrupts::Messages(Messages::Two)),
    ]
}

fn rig(interrupts: Interrupts) -> Rig {
    let config = Config {
        generation: Generation::After11_0,
        messages: Messages::Two,
        ..Config::default()
    };
    Rig::new(config, interrupts)
}

fn take(rig: &mut Rig, interrupts: Interrupts, step: &Step) {
    match *step {
        Step::Raise(causes) => rig.write(offset::INTERRUPT_RAISE, causes),
        Step::Acknowledge(causes) => rig.write(offset::INTERRUPT_ACKNOWLEDGE, causes),
        Step::Factorial(operand) => rig.write(offset::FACTORIAL, operand),
        Step::Status(value) => rig.write(offset::STATUS, value),
        Step::Pass(nanos) => {
            let now = rig.edu.now() + nanos;
            rig.edu
                .advance(&mut rig.bench, now)
                .expect("this generation survives everything");
        }
        Step::Restart => {
            rig.edu.stop(&mut rig.bench);
            rig.edu.start(&mut rig.bench, interrupts);
        }
        Step::Access(offset, width, None) => {
            rig.edu.read(&mut rig.bench, offset, width);
        }
        Step::Access(offset, width, Some(value)) => {
            rig.edu.write(&mut rig.bench, offset, width, value);
        }
    }
}

proptest! {
    /// Causes are exactly those raised and not acknowledged since; a message goes out for each
    /// raise that leaves one.
    #[test]
    fn the_interrupt_status_is_what_was_raised_and_not_acknowledged(
        steps in prop::collection::vec(documented(), 0..60),
    ) {
        let interrupts = Interrupts::Messages(Messages::One);
        let mut rig = rig(interrupts);
        let mut expected = 0_u32;
        let mut messages = 0;
        for step in &steps {
            // What the engine raises is seen by its message: the factorial cause alone.
            let before = rig.bench.messages();
            take(&mut rig, interrupts, step);
            let sent = rig.bench.messages() - before;
            match *step {
                Step::Raise(causes) => {
                    expected |= causes;
                    messages += usize::from(expected != 0);
                }
                Step::Acknowledge(causes) => expected &= !causes,
                Step::Pass(_) if sent > 0 => {
                    expected |= 1;
                    messages += sent;
                }
                _ => {}
            }
            prop_assert_eq!(rig.read(offset::INTERRUPT_STATUS), u64::from(expected));
            prop_assert_eq!(rig.bench.messages(), messages);
        }
    }

    /// With messages off, the line shows whether there is a cause.
    #[test]
    fn the_line_is_asserted_if_and_only_if_there_is_a_cause(
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let mut rig = rig(Interrupts::Line);
        for step in &steps {
            take(&mut rig, Interrupts::Line, step);
            let pending = rig.read(offset::INTERRUPT_STATUS) != 0;
            prop_assert_eq!(rig.edu.is_line_asserted(), pending);
        }
    }

    /// What the machine is told is a real sequence of edges, and only in the mode asked for.
    #[test]
    fn signals_are_of_the_mode_that_was_started(
        interrupts in interrupts(),
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let mut rig = rig(interrupts);
        for step in &steps {
            take(&mut rig, interrupts, step);
        }
        rig.settle();
        let mut level = false;
        for event in &rig.bench.events {
            match (*event, interrupts) {
                (Event::Line(edge), Interrupts::Line) => {
                    prop_assert_ne!(edge, level);
                    level = edge;
                }
                (Event::Message(number), Interrupts::Messages(granted)) => {
                    prop_assert!(number < granted.count());
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    /// Time may pass in one go or bit by bit: the same happens.
    #[test]
    fn how_time_is_cut_makes_no_difference(
        interrupts in interrupts(),
        steps in prop::collection::vec(any_step(), 0..40),
        cuts in prop::collection::vec(0_u64..300_000_000, 0..20),
    ) {
        let mut whole = rig(interrupts);
        for step in &steps {
            take(&mut whole, interrupts, step);
        }
        let mut cut = Rig {
            edu: whole.edu.clone(),
            bench: common::Bench::new(),
        };
        whole.bench = common::Bench::new();
        let start = whole.edu.now();
        let mut times: Vec<u64> = cuts.iter().map(|cut| start + cut).collect();
        times.sort_unstable();
        let end = start + 300_000_000;
        for time in times.into_iter().chain([end]) {
            cut.edu.advance(&mut cut.bench, time).expect("this generation survives everything");
        }
        whole.edu.advance(&mut whole.bench, end).expect("this generation survives everything");
        prop_assert_eq!(&whole.bench.events, &cut.bench.events);
        prop_assert_eq!(&whole.bench.memory, &cut.bench.memory);
        for offset in (0..0xA0).step_by(8) {
            let whole = whole.edu.read(&mut whole.bench, offset, Width::Qword);
            let cut = cut.edu.read(&mut cut.bench, offset, Width::Qword);
            prop_assert_eq!(whole, cut, "at {:#x}", offset);
        }
    }

    /// A read has no side effect.
    #[test]
    fn reads_change_nothing(
        steps in prop::collection::vec(any_step(), 0..40),
        reads in prop::collection::vec((0_usize..0xB0, width()), 0..40),
    ) {
        let mut rig = rig(Interrupts::Line);
        for step in &steps {
            take(&mut rig, Interrupts::Line, step);
        }
        let before = format!("{:?}", rig.edu);
        for (offset, width) in reads {
            rig.edu.read(&mut rig.bench, offset, width);
        }
        prop_assert_eq!(before, format!("{:?}", rig.edu));
    }
}
