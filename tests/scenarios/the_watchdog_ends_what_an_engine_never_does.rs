//! An interrupt that never comes, and an engine that never ends.

use edu_model::{Config, Faults};
use edu_tests::{Bench, bench::EVERYWHERE, for_each_seed, program::Run, timeline::calls_of};
use kmdf_host::{Interrupts, ntstatus::STATUS_IO_TIMEOUT};

fn broken(faults: Faults) -> Config {
    Config {
        faults,
        ..Config::default()
    }
}

#[test]
fn a_result_whose_interrupt_never_came_is_found_all_the_same() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        for_each_seed(3, |seed| {
            let mute = Faults {
                mute: true,
                ..Faults::default()
            };
            let lab = Bench::model(broken(mute))
                .interrupts(interrupts)
                .seed(seed)
                .boot();
            let file = lab.open();
            assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
            assert_eq!(lab.write(&file, 5, b"hello"), Ok(5));
            assert_eq!(lab.read(&file, 5, 5).as_deref(), Ok(&b"hello"[..]));
            let statistics = lab.statistics(&file);
            assert_eq!(statistics.interrupts_missed, 3);
            assert_eq!(statistics.isr_calls, 0);
            assert_eq!(statistics.timeouts, 0);
            lab.shut_down();
        });
    }
}

#[test]
fn a_factorial_that_never_ends_fails_and_the_driver_serves_on() {
    for_each_seed(3, |seed| {
        let hangs = Faults {
            factorial_hangs: true,
            ..Faults::default()
        };
        let lab = Bench::model(broken(hangs)).seed(seed).boot();
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 12), Err(STATUS_IO_TIMEOUT));
        assert_eq!(
            lab.factorial(&file, 5),
            Err(STATUS_IO_TIMEOUT),
            "it hangs still"
        );
        // The other engine and what needs none work.
        assert_eq!(lab.write(&file, 0, b"abc"), Ok(3));
        assert_eq!(lab.liveness(&file, 1), Ok(!1));
        assert_eq!(lab.statistics(&file).timeouts, 2);
        lab.shut_down();
    });
}

#[test]
fn a_transfer_that_never_ends_fails_and_the_driver_serves_on() {
    for_each_seed(3, |seed| {
        let hangs = Faults {
            dma_hangs: true,
            ..Faults::default()
        };
        let lab = Bench::model(broken(hangs)).seed(seed).boot();
        let file = lab.open();
        assert_eq!(lab.write(&file, 0, b"abc"), Err(STATUS_IO_TIMEOUT));
        assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
        assert_eq!(lab.statistics(&file).timeouts, 1);
        lab.shut_down();
    });
}

#[test]
fn the_watchdog_sleeps_while_nothing_is_asked_for() {
    for (kind, interrupts) in EVERYWHERE {
        let lab = Bench::of(kind).interrupts(interrupts).boot();
        let file = lab.open();
        for n in 3..13 {
            assert_eq!(lab.factorial(&file, n), Ok(edu_tests::bench::factorial(n)));
        }
        assert_eq!(lab.statistics(&file).interrupts_missed, 0);
        let records = lab.shut_down().records;
        // QEMU's time is real: a slow machine may let a second pass.
        let ticks = calls_of(&records, "EvtTimerFunc").len();
        assert!(ticks <= 2, "{kind:?}, {interrupts:?}: {ticks}");
    }
}

#[test]
fn eductl_tells_a_timeout_of_the_driver() {
    Run::on("model,factorial-hangs")
        .eductl(["--timeout", "60", "factorial", "12"])
        .end()
        .exits(1)
        .complains("STATUS_IO_TIMEOUT")
        .says("nothing left behind");
}
