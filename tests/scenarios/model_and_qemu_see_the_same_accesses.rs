//! Every access of the driver is in the trace, and the trace of the same commands is the same on
//! the model and on QEMU's own device.

use edu_spec::registers::offset;
use edu_tests::{Bench, bench::Kind, lab::Ended, program::Run};
use kmdf_host::{
    Event as Happened, Interrupts,
    device::trace::{Event, Trace, compare},
};

/// The same requests, one at a time.
fn run(kind: Kind, interrupts: Interrupts) -> Ended {
    let lab = Bench::of(kind).interrupts(interrupts).boot();
    let file = lab.open();
    let _ = lab.information(&file);
    for value in [0, 1, 0x1234_5678, u32::MAX] {
        assert_eq!(lab.liveness(&file, value), Ok(!value));
    }
    for n in [0, 1, 2, 3, 12, 13, 33, 34, 40] {
        assert_eq!(lab.factorial(&file, n), Ok(edu_tests::bench::factorial(n)));
    }
    for (causes, so_far) in [0x2, 0x7FFF_FEFE].into_iter().zip(1..) {
        assert_eq!(lab.raise(&file, causes), Ok(()));
        // The statistics need no device: asking for them does not show in the trace.
        while lab.statistics(&file).software_causes < so_far {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    lab.shut_down()
}

#[test]
fn the_same_commands_make_the_same_trace_on_the_model_and_on_qemu() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        let model = run(Kind::Model, interrupts);
        let qemu = run(Kind::Qemu, interrupts);
        if let Some(difference) = compare(&model.traces[0], &qemu.traces[0]) {
            panic!(
                "{interrupts:?}, model <> QEMU: {difference}\nmodel:\n{}\nQEMU:\n{}",
                model.traces[0].with_names(edu_lab::register_name),
                qemu.traces[0].with_names(edu_lab::register_name)
            );
        }
        // 9 factorials and 2 raises, each at least read, acknowledged and started.
        assert!(model.traces[0].events.len() > 33, "{}", model.traces[0]);
    }
}

#[test]
fn every_access_of_the_driver_is_in_the_trace_in_its_order() {
    for kind in [Kind::Model, Kind::Qemu] {
        let ended = run(kind, Interrupts::AsInstalled);
        let mask = edu_spec::registers::BAR0_BYTES as u64 - 1;
        let done: Vec<_> = ended
            .records
            .iter()
            .filter_map(|record| match record.event {
                Happened::Read { address, value, .. } => Some(('r', address & mask, value)),
                Happened::Write { address, value, .. } => Some(('w', address & mask, value)),
                _ => None,
            })
            .collect();
        let traced: Vec<_> = ended.traces[0]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Read(access) => Some(('r', access.offset, access.value)),
                Event::Write(access) => Some(('w', access.offset, access.value)),
                _ => None,
            })
            .collect();
        assert_eq!(done, traced, "{kind:?}");
        let counts = ended.summary.counts;
        assert_eq!(
            counts.register_reads + counts.register_writes,
            traced.len() as u64
        );
        let first = traced.first().expect("the driver looks what it has");
        assert_eq!(first, &('r', offset::IDENTIFICATION as u64, 0x0100_00ED));
    }
}

#[test]
fn the_traces_that_edu_lab_writes_are_the_same_too() {
    for interrupts in ["auto", "line"] {
        let [model, qemu] = ["model", "qemu:edu"].map(|device| {
            let directory = tempfile::tempdir().expect("a directory can be made");
            let path = directory
                .path()
                .to_str()
                .expect("a temporary path is plain");
            let _ = Run::on(device)
                .arguments(["--interrupts", interrupts, "--register-trace", path])
                .eductl(["stress", "--count", "200", "--depth", "1"])
                .end()
                .exits(0);
            let text = std::fs::read_to_string(directory.path().join("0.trace"))
                .expect("edu-lab writes a trace");
            assert!(text.contains("# interrupt_acknowledge"), "{text}");
            Trace::parse(&text).expect("it is a trace")
        });
        assert_eq!(compare(&model, &qemu), None, "{interrupts}");
        let acknowledged = model
            .events
            .iter()
            .filter(|event| {
                matches!(event, Event::Write(access)
                    if access.offset == offset::INTERRUPT_ACKNOWLEDGE as u64)
            })
            .count();
        assert_eq!(acknowledged, 200);
    }
}
