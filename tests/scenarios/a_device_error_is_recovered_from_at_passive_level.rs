//! What should not happen: found at DISPATCH_LEVEL, told and made good by the work item.

use edu_model::{Config, Faults};
use edu_spec::registers::offset;
use edu_tests::{
    Bench, Lab,
    bench::{Kind, factorial, qemu},
    for_each_seed,
    lab::Ended,
    tamper::{Act, Moment, SharedModel, Tampered},
    timeline::{Call, calls_of},
};
use kmdf_host::{
    Irql, Operation,
    device::{PciFunction, Width},
    ntstatus::{STATUS_DEVICE_DOES_NOT_EXIST, STATUS_IO_TIMEOUT},
};

const STATUS: u64 = offset::STATUS as u64;

fn broken(faults: Faults, seed: u64) -> Lab {
    Bench::model(Config {
        faults,
        ..Config::default()
    })
    .seed(seed)
    .boot()
}

/// Every interrupt has the topmost cause, too.
fn with_unknown_cause() -> Faults {
    Faults {
        extra_causes: 1 << 31,
        ..Faults::default()
    }
}

/// A device of a kind that somebody else has a hand on, too.
fn tampered(kind: Kind, seed: u64, act: Act) -> Lab {
    let device: Box<dyn PciFunction> = match kind {
        Kind::Model => Box::new(edu_lab::EduModel::new(Config::default())),
        Kind::Qemu => qemu(),
    };
    Bench::with_device(Tampered::new(device, act))
        .seed(seed)
        .boot()
}

/// The runs of the work item, each of which was at PASSIVE_LEVEL.
fn runs(ended: &Ended) -> Vec<Call> {
    let runs = calls_of(&ended.records, "EvtWorkItemFunc");
    assert!(runs.iter().all(|run| run.irql == Irql::PASSIVE));
    runs
}

/// What the work item said, all runs together.
fn said(ended: &Ended) -> Vec<String> {
    runs(ended).into_iter().flat_map(|run| run.said).collect()
}

#[test]
fn a_cause_that_nobody_has_a_use_for_is_acknowledged_and_told() {
    for kind in [Kind::Model, Kind::Qemu] {
        for_each_seed(if kind == Kind::Model { 10 } else { 1 }, |seed| {
            let lab = tampered(
                kind,
                seed,
                Box::new(|moment, function, bus| match moment {
                    // Whatever the driver asks of liveness raises the topmost cause.
                    Moment::Written(at) if at == offset::LIVENESS as u64 => {
                        let raise = offset::INTERRUPT_RAISE as u64;
                        function.write(bus, 0, raise, Width::Dword, 1 << 31)
                    }
                    _ => Ok(()),
                }),
            );
            let file = lab.open();
            assert_eq!(lab.liveness(&file, 5), Ok(!5));
            lab.run_until(|| !calls_of(&lab.records(), "EvtWorkItemFunc").is_empty());
            assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
            let statistics = lab.statistics(&file);
            assert_eq!(statistics.interrupts, 2, "{kind:?}");
            assert_eq!(statistics.events, 0, "it is no event for apps");
            let ended = lab.shut_down();
            assert_eq!(said(&ended), ["traces UnknownCauses Causes=2147483648"]);
        });
    }
}

#[test]
fn many_unknown_causes_at_once_are_few_runs_of_the_work_item() {
    for_each_seed(10, |seed| {
        let lab = broken(with_unknown_cause(), seed);
        let file = lab.open();
        let irps: Vec<_> = (0..20).map(|n| lab.submit_factorial(&file, n)).collect();
        lab.wait_for(&irps);
        lab.run_until_quiet();
        let dpcs = calls_of(&lab.records(), "EvtInterruptDpc").len();
        let runs = runs(&lab.shut_down()).len();
        assert!((1..=dpcs).contains(&runs), "{runs} runs, {dpcs} DPCs");
    });
}

#[test]
fn a_device_that_forgot_to_interrupt_is_told_once_more() {
    for kind in [Kind::Model, Kind::Qemu] {
        let mut forgotten = false;
        let lab = tampered(
            kind,
            1,
            Box::new(move |moment, function, bus| match moment {
                // It is told first in EvtDeviceD0Entry not to, then to interrupt.
                Moment::Read(at) if at == STATUS && !forgotten => {
                    forgotten = true;
                    function.write(bus, 0, STATUS, Width::Dword, 0)
                }
                _ => Ok(()),
            }),
        );
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
        assert_eq!(lab.statistics(&file).interrupts_missed, 1, "{kind:?}");
        lab.run_until(|| {
            let runs = calls_of(&lab.records(), "EvtWorkItemFunc");
            runs.iter().any(|run| run.value.is_some())
        });
        for n in 3..8 {
            assert_eq!(lab.factorial(&file, n), Ok(factorial(n)), "{kind:?}");
        }
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.interrupts_missed, 1, "{kind:?}");
        assert_eq!(statistics.factorial_causes, 5, "{kind:?}");
        let ended = lab.shut_down();
        assert_eq!(
            said(&ended),
            ["traces InterruptMissed Engine=0"],
            "{kind:?}"
        );
        assert_eq!(runs(&ended)[0].writes, [STATUS], "{kind:?}");
    }
}

#[test]
fn an_engine_that_does_not_end_is_told_by_its_number() {
    for (engine, name) in [(0, "factorial"), (1, "DMA")] {
        for_each_seed(3, |seed| {
            let lab = broken(
                Faults {
                    factorial_hangs: engine == 0,
                    dma_hangs: engine == 1,
                    ..Faults::default()
                },
                seed,
            );
            let file = lab.open();
            let status = if engine == 0 {
                lab.factorial(&file, 12).map(drop)
            } else {
                lab.write(&file, 0, b"abc").map(drop)
            };
            assert_eq!(status, Err(STATUS_IO_TIMEOUT), "{name}");
            lab.run_until_quiet();
            let ended = lab.shut_down();
            assert_eq!(
                said(&ended),
                [format!("traces EngineStuck Engine={engine}")]
            );
        });
    }
}

#[test]
fn requests_in_both_engines_of_a_removed_device_end_and_it_is_traced() {
    let mut told = 0;
    for_each_seed(10, |seed| {
        let model = SharedModel::new(Config {
            // It would take longer than the device lives.
            factorial_start_ns: 1_000_000_000,
            ..Config::default()
        });
        let lab = Bench::with_device(model.clone()).seed(seed).boot();
        let file = lab.open();
        let data = b"abc".to_vec();
        let write = Operation::Write { offset: 0, data };
        let irps = [lab.submit_factorial(&file, 12), lab.submit(&file, write)];
        model.with(|edu| {
            let at = edu.now() + 50_000_000;
            edu.faults_mut().removed_at_ns = Some(at);
        });
        lab.wait_for(&irps);
        for irp in &irps {
            let status = irp.outcome().map(|outcome| outcome.status);
            assert_eq!(status, Some(STATUS_DEVICE_DOES_NOT_EXIST));
        }
        lab.run_until_quiet();
        // A device removed before both engines started is reported by their requests alone.
        let said = said(&lab.shut_down());
        if !said.is_empty() {
            assert_eq!(said, ["traces DeviceSurpriseRemoved"]);
            told += 1;
        }
    });
    assert!(told > 0);
}

#[test]
fn the_work_item_is_waited_for_before_the_registers_go() {
    for_each_seed(5, |seed| {
        let lab = broken(with_unknown_cause(), seed);
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 5), Ok(120));
        let records = lab.shut_down().records;
        let release = &calls_of(&records, "EvtDeviceReleaseHardware")[0].services;
        let position = |name| {
            let at = release.iter().position(|&service| service == name);
            at.unwrap_or_else(|| panic!("{name} is not called: {release:?}"))
        };
        assert!(position("WdfWorkItemFlush") < position("MmUnmapIoSpace"));
    });
}
