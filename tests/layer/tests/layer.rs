//! What `kmdf` has and no shipped driver uses, on the host. Needs the driver: `sh scripts/build-driver.sh --package
//! kmdf_layer`.
#![cfg(unix)]

use std::{cell::RefCell, rc::Rc};

use edu_lab::EduModel;
use kmdf_host::{
    BootError, Counts, Event, File, Interrupts, Irql, Machine, NtStatus, Record, Session, Turn,
    explore::{Cause, Runs, Target, explore},
    install::RegistryValue,
    ntstatus::{STATUS_DEVICE_BUSY, STATUS_INTERNAL_ERROR, STATUS_SUCCESS},
};
use kmdf_layer_tests::{
    Ask, Handling, INTERFACE, OTHER, READ_WRITE, SOFTWARE, Seen, Way, device, driver, scenarios,
};

/// The callbacks that are called: their names, where, and at which IRQL.
type Called = Rc<RefCell<Vec<(&'static str, Option<u32>, Irql)>>>;

/// The driver, started with one device or with two on one line.
struct Bench {
    session: Session,
    file: Rc<File>,
    called: Called,
}

impl Bench {
    fn new(way: Way) -> Self {
        Self::with(way, vec![device()], &[])
    }

    fn with(way: Way, devices: Vec<EduModel>, more: &[(&str, u32)]) -> Self {
        Self::boot(way, devices, more).unwrap_or_else(|error| panic!("{way:?}: {error}"))
    }

    fn boot(way: Way, devices: Vec<EduModel>, more: &[(&str, u32)]) -> Result<Self, BootError> {
        let called = Called::default();
        let recorder = Rc::clone(&called);
        let machine = Machine {
            shared_lines: Machine::lines(devices.len(), devices.len() > 1),
            functions: devices
                .into_iter()
                .map(|device| Box::new(device) as _)
                .collect(),
            observer: Some(Box::new(move |record: &Record| {
                if let Event::Enter { callback, .. } = record.event {
                    recorder
                        .borrow_mut()
                        .push((callback, record.processor, record.irql));
                }
            })),
            ..Machine::default()
        };
        let more = more
            .iter()
            .map(|&(name, value)| (name, RegistryValue::Dword(value)));
        let values: Vec<_> = way
            .values()
            .into_iter()
            .chain(more)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let session = Session::boot_with_registry(&driver(), machine, way.interrupts, &values)?;
        let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
        called.borrow_mut().clear();
        Ok(Self {
            session,
            file,
            called,
        })
    }

    fn ask(&self, ask: Ask) -> (NtStatus, Vec<u8>) {
        let outcome = self.session.request(&self.file, ask.request());
        let outcome = outcome.unwrap_or_else(|stop| panic!("{ask:?}: {stop}"));
        (outcome.status, outcome.output)
    }

    fn raise(&self, causes: u32) {
        let expected = (STATUS_SUCCESS, causes.to_le_bytes().to_vec());
        assert_eq!(self.ask(Ask::Raise(causes)), expected);
    }

    fn seen(&self) -> Seen {
        let (status, output) = self.ask(Ask::Seen);
        assert_eq!(status, STATUS_SUCCESS);
        Seen::read(&output)
    }

    /// Lets the machine run until nothing happens by itself.
    fn settle(&self) {
        while self.session.host().turn(std::time::Duration::ZERO).unwrap() != Turn::Quiet {}
    }

    fn calls(&self, callback: &str) -> usize {
        let called = self.called.borrow();
        called.iter().filter(|(name, ..)| *name == callback).count()
    }

    /// Stops the device and starts it again.
    fn rebalance(&self) {
        let [installed] = self.session.installed() else {
            panic!("one device");
        };
        let host = self.session.host();
        let status = host.rebalance(installed.slot, installed.grant);
        assert_eq!(status.unwrap(), STATUS_SUCCESS);
    }

    fn end(self) -> Counts {
        self.session.host().close(&self.file);
        self.session
            .shut_down()
            .unwrap_or_else(|stop| panic!("{stop}"))
            .counts
    }
}

fn way(handling: Handling, interrupts: Interrupts) -> Way {
    Way {
        handling,
        interrupts,
        late: false,
        soft: false,
    }
}

#[test]
fn interrupts_are_handled_in_every_way_that_the_framework_has() {
    for way in Way::all() {
        let bench = Bench::new(way);
        bench.raise(SOFTWARE);
        bench.raise(OTHER);
        bench.raise(SOFTWARE | OTHER);
        let deferred = way.handling.deferred();
        for &(callback, _, irql) in bench.called.borrow().iter() {
            let expected = match callback {
                "EvtInterruptIsr" if way.handling.is_passive() => irql == Irql::PASSIVE,
                "EvtInterruptIsr" => irql > Irql::DISPATCH,
                "EvtInterruptDpc" => irql == Irql::DISPATCH,
                "EvtInterruptWorkItem" => irql == Irql::PASSIVE,
                _ => true,
            };
            assert!(expected, "{way:?}: {callback} at {irql:?}");
        }
        let runs = usize::try_from(bench.seen().deferred).unwrap();
        assert!(runs >= 3, "{way:?}");
        assert_eq!(bench.calls(deferred), runs, "{way:?}");
        let all = ["EvtInterruptDpc", "EvtInterruptWorkItem"].map(|name| bench.calls(name));
        assert_eq!(all.iter().sum::<usize>(), runs, "{way:?}");
        bench.rebalance();
        let seen = bench.seen();
        let objects = if way.interrupts == Interrupts::AsInstalled {
            2
        } else {
            1
        };
        assert_eq!(seen.enabled, [objects; 2], "{way:?}");
        // What is raised by its register comes by the first.
        assert_eq!(seen.messages, 1, "{way:?}");
        bench.raise(SOFTWARE);
        bench.end();
    }
}

#[test]
fn a_policy_says_which_processor_takes_the_interrupts() {
    for processor in [0, 1] {
        let way = way(Handling::Dirql, Interrupts::AsInstalled);
        let bench = Bench::with(way, vec![device()], &[("Processors", 1 << processor)]);
        bench.raise(SOFTWARE);
        bench.raise(OTHER);
        let called = bench.called.take();
        let mut isrs = called
            .iter()
            .filter(|(name, ..)| *name == "EvtInterruptIsr");
        assert!(isrs.all(|(_, taken, _)| *taken == Some(processor)));
        bench.end();
    }
}

#[test]
fn a_line_that_is_reported_to_be_inactive_waits_until_it_is_active() {
    for handling in [
        Handling::Dirql,
        Handling::DirqlWorkItem,
        Handling::PassiveWorkItem,
    ] {
        let bench = Bench::new(way(handling, Interrupts::Line));
        let report = |active| assert_eq!(bench.ask(Ask::Report(active)).0, STATUS_SUCCESS);
        // It is active already.
        report(true);
        bench.raise(SOFTWARE);
        report(false);
        let host = bench.session.host();
        let waits = host.submit(&bench.file, Ask::Raise(SOFTWARE).request());
        bench.settle();
        assert!(!waits.is_finished(), "{handling:?}");
        report(true);
        bench.settle();
        assert!(waits.is_finished(), "{handling:?}");
        bench.end();
    }
}

/// How often the ISR of a device that sleeps is called for the other one on its line.
fn isr_calls_in_dx(soft: bool) -> usize {
    let way = Way {
        soft,
        ..way(Handling::Dirql, Interrupts::Line)
    };
    let bench = Bench::with(way, vec![device(), device()], &[]);
    let host = bench.session.host();
    host.sleep(0).unwrap();
    let other = host.open(INTERFACE, 1, READ_WRITE).expect("it opens");
    bench.called.borrow_mut().clear();
    let outcome = bench
        .session
        .request(&other, Ask::Raise(SOFTWARE).request())
        .unwrap();
    assert_eq!(outcome.output, SOFTWARE.to_le_bytes());
    let calls = bench.calls("EvtInterruptIsr");
    assert_eq!(host.resume(0).unwrap(), STATUS_SUCCESS);
    bench.raise(SOFTWARE);
    host.close(&other);
    bench.end();
    calls
}

#[test]
fn an_interrupt_that_is_only_reported_to_be_inactive_has_its_isr_called_in_dx() {
    assert_eq!(isr_calls_in_dx(false), 1);
    assert_eq!(isr_calls_in_dx(true), 2);
}

/// The driver on a device whose line can wake it, with interrupts that do.
fn waking(handling: Handling) -> Result<Bench, BootError> {
    let way = Way {
        late: true,
        ..way(handling, Interrupts::Line)
    };
    Bench::boot(way, vec![device().waking()], &[("Wake", 1)])
}

#[test]
fn an_interrupt_that_can_wake_its_device_is_one_like_others_while_that_is_not_armed() {
    for handling in [Handling::PassiveWorkItem, Handling::PassiveDpc] {
        let bench = waking(handling).unwrap_or_else(|error| panic!("{handling:?}: {error}"));
        assert_eq!(bench.seen().wake, 1, "{handling:?}");
        bench.raise(SOFTWARE);
        let host = bench.session.host();
        host.sleep(0).unwrap();
        assert_eq!(host.resume(0).unwrap(), STATUS_SUCCESS);
        bench.raise(SOFTWARE);
        bench.end();
    }
}

#[test]
fn an_interrupt_that_can_wake_its_device_is_not_handled_at_dirql() {
    for handling in [Handling::Dirql, Handling::DirqlWorkItem] {
        let refused = waking(handling).err();
        let refused = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            refused.contains("STATUS_INVALID_PARAMETER"),
            "{handling:?}: {refused}"
        );
    }
}

#[test]
fn a_proof_that_is_kept_too_long_gives_nothing() {
    for soft in [false, true] {
        let way = Way {
            soft,
            ..way(Handling::Dirql, Interrupts::AsInstalled)
        };
        // The host ends a run that locks what is not connected, or reports on it.
        let bench = Bench::with(way, vec![device()], &[("Keep", 1)]);
        bench.rebalance();
        let host = bench.session.host();
        host.sleep(0).unwrap();
        assert_eq!(host.resume(0).unwrap(), STATUS_SUCCESS);
        assert_eq!(bench.seen().kept, 0);
        bench.raise(SOFTWARE);
        bench.end();
    }
}

#[test]
fn a_timer_queues_a_dpc_and_that_a_work_item() {
    let bench = Bench::new(way(Handling::Dirql, Interrupts::AsInstalled));
    for runs in 1..=3 {
        let ended = bench.ask(Ask::Timer(20));
        assert_eq!(ended, (STATUS_SUCCESS, u32::to_le_bytes(runs).to_vec()));
        assert_eq!(bench.seen().ran, [runs; 3]);
    }
    bench.end();
}

#[test]
fn a_list_is_what_was_collected_and_no_resource_of_a_pci_function_wakes() {
    let bench = Bench::new(way(Handling::PassiveWorkItem, Interrupts::Line));
    let Seen { squares, wake, .. } = bench.seen();
    assert_eq!((squares, wake), (14, 0));
    bench.end();
}

#[test]
fn a_request_that_is_dropped_is_failed_once() {
    let bench = Bench::new(way(Handling::Dirql, Interrupts::AsInstalled));
    for dropped in [0, 1] {
        assert_eq!(bench.ask(Ask::Misuse(dropped)).0, STATUS_INTERNAL_ERROR);
    }
    bench.end();
}

#[test]
fn a_request_more_than_there_is_a_place_for_is_given_back() {
    let bench = Bench::new(way(Handling::Dirql, Interrupts::AsInstalled));
    let host = bench.session.host();
    let first = host.submit(&bench.file, Ask::Timer(1000).request());
    assert_eq!(bench.ask(Ask::Timer(1)).0, STATUS_DEVICE_BUSY);
    assert!(!first.is_finished());
    host.cancel(&first);
    bench.settle();
    assert!(first.is_finished());
    bench.end();
}

/// Explores these ways to interrupt, and panics with what is found. How many runs had something happening at a boundary.
fn explored(ways: impl Iterator<Item = Way>, runs: &Runs) -> u64 {
    let target = Target::read(driver(), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let explored = explore(&target, &scenarios(ways), runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!(
            "{}, with {}: {}",
            finding.scenario, finding.way, finding.wrong
        );
    }
    assert!(explored.schedules > 0);
    explored.boundary_runs
}

#[test]
fn nothing_is_found_in_schedules_with_calls_that_fail_and_with_what_disturbs() {
    let runs = Runs {
        seeds: 0..3,
        fail_calls: true,
        disturb: true,
        causes: vec![
            Cause::Raise,
            Cause::Cancel,
            Cause::Close,
            Cause::Sleep,
            Cause::Stop,
            Cause::Remove,
            Cause::SurpriseRemove,
        ],
        threads: 2,
        ..Runs::default()
    };
    explored(Way::all(), &runs);
}

#[test]
fn nothing_is_accessed_without_order() {
    let runs = Runs {
        seeds: 0..1,
        races: true,
        disturb: true,
        causes: vec![Cause::Raise, Cause::Sleep],
        threads: 2,
        ..Runs::default()
    };
    explored(Way::all(), &runs);
}

#[test]
#[ignore = "takes minutes: every boundary of the ways that no shipped driver uses"]
fn nothing_is_found_whatever_happens_at_any_instruction_of_a_work_item_at_dirql() {
    let ways = Way::all().filter(|way| way.handling == Handling::DirqlWorkItem);
    let runs = Runs {
        seeds: 0..1,
        causes: vec![Cause::Raise, Cause::Sleep, Cause::SurpriseRemove],
        every_boundary: true,
        threads: 2,
        ..Runs::default()
    };
    assert!(explored(ways, &runs) > 10_000);
}
