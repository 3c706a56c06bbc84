//! The sample bus and what is in its slots: children that come, go, are ejected and fail.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use kmdf_host::{
    BootError, Event, File, Interrupts, Machine, Operation, Outcome, Record, Session, Stop,
    device::{PciFunction, RootDevice},
    explore::{Cause, Runs, Scenario, Stage, Target, Wrong, explore},
    install::RegistryValue,
    ntstatus::{
        NtStatus, STATUS_CANCELLED, STATUS_NO_SUCH_DEVICE, STATUS_OBJECT_NAME_EXISTS,
        STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
    },
};
use kmdf_samples::{READ_WRITE, control_code, driver, guid};

const BUS: [u8; 16] = guid(
    0x3b0e_1f0a,
    0x52c3,
    0x4a7e,
    [0x9f, 0x1e, 0x5d, 0x0f, 0x6f, 0x0a, 0x2b, 0x11],
);
const SLOT: [u8; 16] = guid(
    0xa8d9_c6e4,
    0x0d3c,
    0x4d5b,
    [0x8b, 0x1f, 0x7a, 0x1c, 0x2e, 0x3d, 0x4f, 0x50],
);
/// IOCTL_BUS_PLUG and the others of bus.h.
const PLUG: u32 = control_code(0x800, 0, 0);
const UNPLUG: u32 = control_code(0x801, 0, 0);
const EJECT: u32 = control_code(0x802, 0, 0);
const SCAN: u32 = control_code(0x803, 0, 0);
const COUNT: u32 = control_code(0x804, 0, 0);
const SOLDER: u32 = control_code(0x805, 0, 0);
const UNSOLDER: u32 = control_code(0x806, 0, 0);
const POSITION_OF: u32 = control_code(0x807, 0, 0);
const NUMBER: u32 = control_code(0x810, 0, 0);
const POSITION: u32 = control_code(0x811, 0, 0);
const ASK_BUS: u32 = control_code(0x812, 0, 0);
const FAIL: u32 = control_code(0x813, 0, 0);
const MISSING: u32 = control_code(0x814, 0, 0);
/// What driver.h calls the rules that the driver breaks where it is told so.
const SAME_IDS: u32 = 1;
const LIST_IN_COMPARE: u32 = 2;
const FORWARD_WITHOUT_LEAVE: u32 = 3;
const NO_DEVICE: u32 = 4;
const KEPT_NAME: u32 = 5;
const FAIL_CREATION: u32 = 6;
const RETRY_CREATION: u32 = 7;
const QUERY_REFUSED: u32 = 8;
const FAIL_D0_ENTRY: u32 = 9;

fn devices() -> Vec<Box<dyn PciFunction>> {
    vec![Box::new(RootDevice::new(r"ROOT\SAMPLE_BUS"))]
}

/// A bus, its driver loaded, and what the driver has said.
struct Bench {
    session: Session,
    bus: Rc<File>,
    said: Rc<RefCell<Vec<String>>>,
}

impl Bench {
    fn new() -> Self {
        Self::with_bug(0)
    }

    fn with_bug(bug: u32) -> Self {
        let said = Rc::new(RefCell::new(Vec::new()));
        let recorder = Rc::clone(&said);
        let machine = Machine {
            functions: devices(),
            observer: Some(Box::new(move |record: &Record| {
                if let Event::DebugPrint { text } = &record.event {
                    recorder.borrow_mut().push(text.trim_end().to_owned());
                }
            })),
            ..Machine::default()
        };
        let bug = [("Bug".to_owned(), RegistryValue::Dword(bug))];
        let session =
            Session::boot_with_registry(&driver("bus"), machine, Interrupts::default(), &bug);
        let session = session.unwrap_or_else(|error: BootError| panic!("{error}"));
        let bus = session.open(BUS, READ_WRITE).expect("the bus opens");
        Self { session, bus, said }
    }

    /// A request, and all that PnP does because of it.
    fn try_ask(&self, file: &File, code: u32, input: &[u32]) -> Result<Outcome, Stop> {
        let input = input.iter().flat_map(|value| value.to_le_bytes());
        let outcome = self.session.request(
            file,
            Operation::Control {
                code,
                input: input.collect(),
                output_length: 12,
            },
        )?;
        self.settle()?;
        Ok(outcome)
    }

    fn settle(&self) -> Result<(), Stop> {
        self.session.host().run_until(kmdf_host::Host::is_at_rest)
    }

    fn ask(&self, file: &File, code: u32, input: &[u32]) -> Result<Vec<u32>, NtStatus> {
        let outcome = self.try_ask(file, code, input);
        let outcome = outcome.unwrap_or_else(|stop| panic!("{stop}"));
        if outcome.status != STATUS_SUCCESS {
            return Err(outcome.status);
        }
        let (values, _) = outcome.output.as_chunks();
        Ok(values
            .iter()
            .map(|&bytes| u32::from_le_bytes(bytes))
            .collect())
    }

    fn bus(&self, code: u32, input: &[u32]) -> Result<Vec<u32>, NtStatus> {
        self.ask(&self.bus, code, input)
    }

    fn plug(&self, slot: u32) {
        assert_eq!(self.bus(PLUG, &[slot, slot + 10]), Ok(vec![]));
    }

    /// Opens what is in a slot: the interfaces are in the order in which the slots were plugged.
    fn open(&self, instance: u32) -> Result<Rc<File>, NtStatus> {
        self.session.host().open(SLOT, instance, READ_WRITE)
    }

    /// How many children are present, missing and pending.
    fn count(&self) -> Vec<u32> {
        self.bus(COUNT, &[]).expect("the bus counts")
    }

    /// What the driver has said since it was asked last.
    fn said(&self) -> Vec<String> {
        self.said.take()
    }

    fn end(self) {
        let summary = self.session.shut_down();
        summary.unwrap_or_else(|stop| panic!("{stop}"));
    }
}

#[test]
fn a_child_is_enumerated_started_and_opened() {
    let bench = Bench::new();
    bench.plug(3);
    assert_eq!(
        bench.said(),
        ["slot 3 prepares, 0 resources", "slot 3 enters D0"]
    );
    assert_eq!(bench.count(), [1, 0, 0]);
    let slot = bench.open(0).expect("it opens");
    assert_eq!(bench.ask(&slot, NUMBER, &[]), Ok(vec![3]));
    assert_eq!(bench.ask(&slot, POSITION, &[]), Ok(vec![13]));
    bench.session.host().close(&slot);
    bench.end();
}

#[test]
fn a_child_is_updated_where_it_is() {
    let bench = Bench::new();
    bench.plug(3);
    let slot = bench.open(0).expect("it opens");
    assert_eq!(
        bench.bus(PLUG, &[3, 99]),
        Err(STATUS_OBJECT_NAME_EXISTS),
        "one that is there"
    );
    assert_eq!(bench.ask(&slot, POSITION, &[]), Ok(vec![99]));
    assert_eq!(bench.bus(POSITION_OF, &[3]), Ok(vec![99]));
    assert_eq!(bench.bus(POSITION_OF, &[4]), Err(STATUS_NO_SUCH_DEVICE));
    assert_eq!(bench.count(), [1, 0, 0]);
}

#[test]
fn a_request_is_forwarded_to_the_parent() {
    let bench = Bench::new();
    bench.plug(5);
    let slot = bench.open(0).expect("it opens");
    assert_eq!(bench.ask(&slot, ASK_BUS, &[0]), Ok(vec![15]));
    bench.session.host().close(&slot);
    bench.end();
}

#[test]
fn a_child_that_is_missing_is_surprise_removed() {
    let bench = Bench::new();
    bench.plug(1);
    bench.plug(2);
    let slot = bench.open(0).expect("it opens");
    let read = bench.session.host().submit(
        &slot,
        Operation::Read {
            offset: 0,
            length: 4,
        },
    );
    bench.said();
    assert_eq!(bench.bus(UNPLUG, &[1]), Ok(vec![]));
    // What waits in its queue is canceled, and it stays until its handle is closed.
    let status = read.outcome().map(|outcome| outcome.status);
    assert_eq!(status, Some(STATUS_CANCELLED));
    assert_eq!(
        bench.said(),
        [
            "slot 1 is reported missing",
            "slot 1 is surprised",
            "slot 1 leaves D0",
            "slot 1 releases"
        ]
    );
    assert_eq!(bench.count(), [1, 1, 0]);
    bench.session.host().close(&slot);
    bench.settle().expect("it goes");
    assert_eq!(bench.said(), ["slot 1 is cleaned up"]);
    assert_eq!(bench.count(), [1, 0, 0]);
    assert_eq!(bench.bus(UNPLUG, &[1]), Err(STATUS_NO_SUCH_DEVICE));
    // It comes again, as another device.
    bench.plug(1);
    assert_eq!(bench.count(), [2, 0, 0]);
    bench.end();
}

#[test]
fn a_scan_misses_what_it_does_not_name() {
    let bench = Bench::new();
    bench.plug(1);
    bench.plug(2);
    bench.said();
    assert_eq!(bench.bus(SCAN, &[2, 3]), Ok(vec![]));
    let said = bench.said();
    assert!(
        said.contains(&"slot 1 is cleaned up".to_owned()),
        "{said:?}"
    );
    assert!(said.contains(&"slot 3 enters D0".to_owned()), "{said:?}");
    assert!(
        !said.iter().any(|text| text.starts_with("slot 2")),
        "{said:?}"
    );
    assert_eq!(bench.count(), [2, 0, 0]);
    assert_eq!(bench.bus(SCAN, &[]), Ok(vec![]));
    assert_eq!(bench.count(), [0, 0, 0]);
    bench.end();
}

#[test]
fn a_child_is_ejected() {
    let bench = Bench::new();
    bench.plug(1);
    bench.said();
    assert_eq!(bench.bus(EJECT, &[2]), Err(STATUS_NO_SUCH_DEVICE));
    assert_eq!(bench.bus(EJECT, &[1]), Ok(vec![]));
    assert_eq!(
        bench.said(),
        [
            "slot 1 leaves D0",
            "slot 1 releases",
            "slot 1 lets go",
            "slot 1 is reported missing",
            "slot 1 is cleaned up"
        ]
    );
    assert_eq!(bench.count(), [0, 0, 0]);
    bench.end();
}

#[test]
fn a_driver_that_refuses_the_query_keeps_its_child() {
    let bench = Bench::with_bug(QUERY_REFUSED);
    bench.plug(1);
    bench.said();
    assert_eq!(bench.bus(EJECT, &[1]), Ok(vec![]));
    assert!(bench.said().is_empty());
    let slot = bench.open(0).expect("it is there");
    assert_eq!(bench.ask(&slot, NUMBER, &[]), Ok(vec![1]));
}

#[test]
fn static_children_come_and_go() {
    let bench = Bench::new();
    for slot in [7, 8] {
        assert_eq!(bench.bus(SOLDER, &[slot]), Ok(vec![]));
    }
    let slot = bench.open(1).expect("it opens");
    assert_eq!(bench.ask(&slot, NUMBER, &[]), Ok(vec![8]));
    bench.session.host().close(&slot);
    bench.said();
    assert_eq!(bench.bus(UNSOLDER, &[]), Ok(vec![]));
    let said = bench.said();
    for slot in [7, 8] {
        assert!(
            said.contains(&format!("slot {slot} is surprised")),
            "{said:?}"
        );
        assert!(
            said.contains(&format!("slot {slot} is cleaned up")),
            "{said:?}"
        );
    }
    assert!(matches!(bench.open(0), Err(STATUS_OBJECT_NAME_NOT_FOUND)));
    // One that stays goes with the bus.
    assert_eq!(bench.bus(SOLDER, &[9]), Ok(vec![]));
    bench.end();
}

#[test]
fn a_child_is_in_d0_only_while_its_parent_is() {
    let bench = Bench::new();
    bench.plug(1);
    bench.plug(2);
    bench.said();
    bench.session.host().sleep(0).expect("it sleeps");
    assert_eq!(bench.said(), ["slot 2 leaves D0", "slot 1 leaves D0"]);
    // What is plugged in meanwhile is looked at when the bus is awake.
    let input = [9_u32, 0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let plug = Operation::Control {
        code: PLUG,
        input,
        output_length: 0,
    };
    let plugged = bench.session.host().submit(&bench.bus, plug);
    bench.settle().expect("it waits");
    assert!(!plugged.is_finished(), "the bus's queue is power-managed");
    bench.session.host().resume(0).expect("it wakes");
    bench.settle().expect("it goes on");
    assert_eq!(
        bench.said(),
        [
            "slot 1 enters D0",
            "slot 2 enters D0",
            "slot 9 prepares, 0 resources",
            "slot 9 enters D0"
        ]
    );
    bench.end();
}

#[test]
fn children_go_before_their_parent() {
    let bench = Bench::new();
    bench.plug(1);
    let slot = bench.open(0).expect("it opens");
    bench.said();
    let host = bench.session.host();
    host.surprise_remove(0).expect("it is pulled out");
    assert_eq!(
        bench.said(),
        ["slot 1 is surprised", "slot 1 leaves D0", "slot 1 releases"]
    );
    // The bus waits for the handle of its child.
    assert!(matches!(
        host.open(BUS, 0, READ_WRITE),
        Err(STATUS_OBJECT_NAME_NOT_FOUND)
    ));
    host.close(&slot);
    host.close(&bench.bus);
    bench.settle().expect("they go");
    assert_eq!(bench.said(), ["slot 1 is cleaned up"]);
    bench.end();
}

#[test]
fn a_rebalance_of_the_bus_stops_its_children() {
    let bench = Bench::new();
    bench.plug(1);
    bench.said();
    let grant = bench.session.installed()[0].grant;
    let host = bench.session.host();
    assert_eq!(host.rebalance(0, grant).ok(), Some(STATUS_SUCCESS));
    bench.settle().expect("it goes on");
    assert_eq!(
        bench.said(),
        [
            "slot 1 leaves D0",
            "slot 1 releases",
            "slot 1 prepares, 0 resources",
            "slot 1 enters D0"
        ]
    );
    bench.end();
}

#[test]
fn a_child_that_failed_is_enumerated_anew() {
    let bench = Bench::new();
    bench.plug(1);
    let slot = bench.open(0).expect("it opens");
    bench.said();
    assert_eq!(bench.ask(&slot, FAIL, &[]), Ok(vec![]));
    bench.session.host().close(&slot);
    bench.settle().expect("it goes on");
    let said = bench.said();
    assert!(said.contains(&"slot 1 comes again".to_owned()), "{said:?}");
    assert!(
        said.contains(&"slot 1 is cleaned up".to_owned()),
        "{said:?}"
    );
    let slot = bench.open(0).expect("it is there again");
    assert_eq!(bench.ask(&slot, POSITION, &[]), Ok(vec![111]));
    assert_eq!(bench.ask(&slot, MISSING, &[]), Ok(vec![]));
    bench.session.host().close(&slot);
    bench.settle().expect("it goes");
    assert_eq!(bench.count(), [0, 0, 0]);
    bench.end();
}

#[test]
fn a_child_that_does_not_wake_is_enumerated_anew() {
    let bench = Bench::with_bug(FAIL_D0_ENTRY);
    bench.plug(1);
    let host = bench.session.host();
    host.sleep(0).expect("it sleeps");
    host.resume(0).expect("it wakes");
    bench.settle().expect("it goes on");
    let said = bench.said();
    assert!(said.contains(&"slot 1 comes again".to_owned()), "{said:?}");
    assert_eq!(bench.count(), [1, 0, 0]);
    bench.end();
}

#[test]
fn a_child_whose_device_is_not_made_is_none() {
    let bench = Bench::with_bug(FAIL_CREATION);
    bench.plug(1);
    assert_eq!(bench.said(), ["slot 1 is cleaned up"]);
    assert_eq!(bench.count(), [0, 0, 0]);
    bench.end();
    let bench = Bench::with_bug(RETRY_CREATION);
    bench.plug(1);
    assert_eq!(
        bench.said(),
        [
            "slot 1 is cleaned up",
            "slot 1 prepares, 0 resources",
            "slot 1 enters D0"
        ]
    );
    assert_eq!(bench.count(), [1, 0, 0]);
    bench.end();
}

/// The rule that a driver breaks when two things are plugged in and one is asked to ask the bus.
fn broken(bug: u32) -> String {
    let bench = Bench::with_bug(bug);
    let run = || {
        for slot in [1, 2] {
            bench.try_ask(&bench.bus, PLUG, &[slot, 0])?;
        }
        let slot = bench.open(0).expect("it opens");
        bench.try_ask(&slot, ASK_BUS, &[0])?;
        bench.session.host().close(&slot);
        bench.settle()
    };
    let stop = match run() {
        Err(stop) => stop,
        Ok(()) => match bench.session.shut_down() {
            Err(stop) => stop,
            Ok(_) => panic!("{bug}: nothing is broken"),
        },
    };
    match stop {
        Stop::BugCheck(report) => report.rule,
        stop => panic!("{bug}: {stop}"),
    }
}

#[test]
fn broken_rules_are_found() {
    assert_eq!(broken(SAME_IDS), "PnpFatalError");
    assert_eq!(broken(LIST_IN_COMPARE), "ChildListLock");
    assert_eq!(broken(FORWARD_WITHOUT_LEAVE), "InvalidOperation");
    assert_eq!(broken(NO_DEVICE), "DeviceCreateFail");
    assert_eq!(broken(KEPT_NAME), "PoolLeak");
}

/// Things are plugged in and out while apps use them.
struct Traffic;

impl Traffic {
    fn control(code: u32, input: &[u32], output_length: usize) -> Operation {
        Operation::Control {
            code,
            input: input.iter().flat_map(|value| value.to_le_bytes()).collect(),
            output_length,
        }
    }
}

impl Scenario for Traffic {
    fn name(&self) -> &'static str {
        "traffic"
    }

    fn about(&self) -> &'static str {
        "children come, are used, sleep, are unplugged, ejected and removed with their bus"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        devices()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let bus = stage.open(BUS, 0, READ_WRITE)?;
        let mut irps = vec![
            stage.submit(&bus, Self::control(PLUG, &[1, 11], 0)),
            stage.submit(&bus, Self::control(SOLDER, &[5], 0)),
            stage.submit(&bus, Self::control(PLUG, &[2, 12], 0)),
        ];
        stage.run_for(5)?;
        // What is there by now, if anything.
        let slot = stage.host().begin_open(SLOT, 0, READ_WRITE).ok();
        if let Some(slot) = &slot {
            stage.host().run_until(|_| slot.opened().is_some())?;
            irps.push(stage.submit(
                slot,
                Operation::Read {
                    offset: 0,
                    length: 4,
                },
            ));
            irps.push(stage.submit(slot, Self::control(ASK_BUS, &[0], 4)));
        }
        irps.push(stage.submit(&bus, Self::control(COUNT, &[], 12)));
        stage.host().sleep(0)?;
        irps.push(stage.submit(&bus, Self::control(UNPLUG, &[1], 0)));
        stage.host().resume(0)?;
        irps.push(stage.submit(&bus, Self::control(EJECT, &[2], 0)));
        irps.push(stage.submit(&bus, Self::control(SCAN, &[3], 0)));
        stage.run_for(5)?;
        irps.push(stage.submit(&bus, Self::control(UNSOLDER, &[], 0)));
        stage.remove(0)?;
        for irp in &irps {
            if irp.major != kmdf_host::Major::Read {
                stage.wait(irp)?;
            }
        }
        if let Some(slot) = &slot {
            stage.host().abandon(slot);
        }
        stage.host().close(&bus);
        Ok(())
    }
}

#[test]
fn three_hundred_days_of_traffic_leave_nothing_behind() {
    let target = Target::read(driver("bus"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..300,
        fail_calls: true,
        causes: vec![Cause::SurpriseRemove],
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Traffic)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
    assert!(explored.schedules >= 300);
}
