//! The device knows no reset: what was raised before the driver came is still there.

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::registers::offset;
use edu_tests::{
    Bench,
    bench::{EVERYWHERE, Kind, qemu},
    for_each_seed,
    tamper::{Act, Moment, Tampered},
    timeline::calls_of,
};
use kmdf_host::{
    Interrupts,
    device::{Bus, DeviceError, PciFunction, Signal, Width, trace::Event},
};

fn device(kind: Kind) -> Box<dyn PciFunction> {
    match kind {
        Kind::Model => Box::new(EduModel::new(Config::default())),
        Kind::Qemu => qemu(),
    }
}

/// Raises causes behind the driver's back.
fn raise(
    causes: u32,
    function: &mut dyn PciFunction,
    bus: &mut dyn Bus,
) -> Result<(), DeviceError> {
    let raise = offset::INTERRUPT_RAISE as u64;
    function.write(bus, 0, raise, Width::Dword, causes.into())
}

/// Raises causes as soon as the device has its BAR, before the driver is told of it.
fn raising(causes: u32) -> Act {
    Box::new(move |moment, function, bus| match moment {
        Moment::Started => raise(causes, function, bus),
        _ => Ok(()),
    })
}

#[test]
fn what_was_raised_before_the_start_never_reaches_the_isr_as_work() {
    for (kind, interrupts) in EVERYWHERE {
        for causes in [0x1, 0x100, 0x2, 0x7FFF_FFFF] {
            for_each_seed(2, |seed| {
                let run = format!("{kind:?}, {interrupts:?}, {causes:#x}");
                let device = Tampered::new(device(kind), raising(causes));
                let lab = Bench::with_device(device)
                    .interrupts(interrupts)
                    .seed(seed)
                    .boot();
                let enable = calls_of(&lab.records(), "EvtInterruptEnable");
                assert_eq!(
                    enable[0].writes,
                    [offset::INTERRUPT_ACKNOWLEDGE as u64],
                    "{run}"
                );
                let file = lab.open();
                let statistics = lab.statistics(&file);
                assert_eq!(statistics.interrupts, 0, "{run}");
                assert_eq!(statistics.stray_factorials, 0, "{run}");
                assert_eq!(lab.factorial(&file, 12), Ok(479_001_600), "{run}");
                assert_eq!(lab.statistics(&file).interrupts, 1, "{run}");
                lab.shut_down();
            });
        }
    }
}

#[test]
fn nothing_is_acknowledged_where_nothing_was_raised() {
    for (kind, interrupts) in EVERYWHERE {
        let lab = Bench::of(kind).interrupts(interrupts).boot();
        for call in calls_of(&lab.records(), "EvtInterruptEnable") {
            assert!(call.writes.is_empty(), "{kind:?}, {interrupts:?}");
        }
        lab.shut_down();
    }
}

#[test]
fn what_is_raised_while_the_device_stops_does_not_leave_the_line_asserted() {
    /// The status register is written at D0 entry (do not interrupt), when the interrupts are
    /// enabled (interrupt) and before they are disabled (do not).
    const LAST_WRITE: u32 = 3;
    for_each_seed(4, |seed| {
        let mut writes = 0;
        let act: Act = Box::new(move |moment, function, bus| {
            if moment == Moment::Written(offset::STATUS as u64) {
                writes += 1;
                if writes == LAST_WRITE {
                    return raise(0x40, function, bus);
                }
            }
            Ok(())
        });
        let device = Tampered::new(device(Kind::Model), act);
        let lab = Bench::with_device(device)
            .interrupts(Interrupts::Line)
            .seed(seed)
            .boot();
        let trace = &lab.shut_down().traces[0];
        let levels: Vec<bool> = trace
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Signal(Signal::Line(level)) => Some(*level),
                _ => None,
            })
            .collect();
        assert_eq!(levels, [true, false], "{trace}");
    });
}
