//! Runs probes.

use std::{cell::RefCell, rc::Rc, time::Duration};

use kmdf_host::{
    Event, Interrupts, Machine, Operation, Record, Session,
    device::{Answer, PciFunction, RootDevice, Sent, SentKind},
    install::RegistryValue,
    ntstatus::STATUS_SUCCESS,
};
use kmdf_samples::{READ_WRITE, control_code, driver, guid};

pub const INTERFACE: [u8; 16] = guid(
    0x0b8d_4a61,
    0x6c1d,
    0x4d5e,
    [0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15],
);
/// IOCTL_PROBE, IOCTL_PROBE_ALL
const PROBE: u32 = control_code(0x800, 0, 0);
const PROBE_ALL: u32 = control_code(0x801, 0, 0);
/// IOCTL_BELOW_REVERSE, IOCTL_BELOW_SLOW
const REVERSE: u32 = control_code(0x900, 0, 0);
const SLOW: u32 = control_code(0x901, 0, 0);
/// PROBE_NOT_RUN
const NOT_RUN: u32 = u32::MAX;

/// The driver below, as probe.h describes it.
fn below(sent: &Sent) -> Answer {
    match sent.kind {
        SentKind::Read => {
            let bytes = (sent.offset..).take(sent.output_length);
            Answer::of(bytes.map(|byte| byte.to_le_bytes()[0]).collect())
        }
        SentKind::Write => Answer {
            information: sent.input.len() as u64,
            ..Answer::with(STATUS_SUCCESS)
        },
        SentKind::Control if sent.code == REVERSE => {
            Answer::of(sent.input.iter().rev().copied().collect())
        }
        SentKind::Control if sent.code == SLOW => {
            Answer::with(STATUS_SUCCESS).after(Duration::from_secs(1))
        }
        _ => Answer::unknown(),
    }
}

pub fn devices() -> Vec<Box<dyn PciFunction>> {
    vec![Box::new(RootDevice::new(r"ROOT\SAMPLE_PROBE").above(below))]
}

fn control(code: u32, input: &[u8], output_length: usize) -> Operation {
    Operation::Control {
        code,
        input: input.to_vec(),
        output_length,
    }
}

pub fn probe(name: &str) -> Operation {
    control(PROBE, name.as_bytes(), 4)
}

/// What the driver prints.
type Lines = Rc<RefCell<Vec<String>>>;

/// A started device, with values in its hardware key, and what its driver prints.
fn session(values: &[(String, RegistryValue)]) -> Result<(Session, Lines), String> {
    let lines = Lines::default();
    let printed = lines.clone();
    let machine = Machine {
        functions: devices(),
        observer: Some(Box::new(move |record: &Record| {
            if let Event::DebugPrint { text } = &record.event {
                printed.borrow_mut().push(text.clone());
            }
        })),
        ..Machine::default()
    };
    let interrupts = Interrupts::default();
    let session = Session::boot_with_registry(&driver("probe"), machine, interrupts, values);
    Ok((session.map_err(|error| error.to_string())?, lines))
}

/// What came of one request.
struct Ran {
    output: Vec<u8>,
    /// What the driver has printed when all is over.
    lines: Vec<String>,
    /// Whether all ended well.
    end: Result<(), String>,
}

fn request(operation: Operation) -> Result<Ran, String> {
    let (session, lines) = session(&[])?;
    let file = session.open(INTERFACE, READ_WRITE);
    let file = file.map_err(|status| status.to_string())?;
    let outcome = session.request(&file, operation);
    let outcome = outcome.map_err(|stop| stop.to_string())?;
    if outcome.status != STATUS_SUCCESS {
        return Err(outcome.status.to_string());
    }
    session.host().close(&file);
    let end = session.shut_down();
    Ok(Ran {
        output: outcome.output,
        lines: lines.take(),
        end: end.map(drop).map_err(|stop| stop.to_string()),
    })
}

/// Runs one probe on a device of its own.
pub fn run_one(group: &str, name: &str) -> Result<(), String> {
    let ran = request(probe(name))?;
    match u32::from_le_bytes(ran.output.try_into().expect("an ULONG")) {
        0 => ran.end,
        NOT_RUN => Err("was not run: what it needs is not there".into()),
        line => Err(format!("host/samples/probe/{group}.c:{line}")),
    }
}

/// Runs all probes: what the driver prints, and how many held, were run and were not.
pub fn run_all(input: &[u8]) -> (Vec<String>, [usize; 3]) {
    let ran = request(control(PROBE_ALL, input, 12));
    let ran = ran.unwrap_or_else(|error| panic!("{error}"));
    if let Err(error) = ran.end {
        panic!("{:#?}\n{error}", ran.lines);
    }
    let (counts, _) = ran.output.as_chunks::<4>();
    let counts: Vec<_> = counts
        .iter()
        .map(|count| u32::from_le_bytes(*count) as usize)
        .collect();
    (ran.lines, counts.try_into().expect("PROBE_COUNTS"))
}

/// Has the registry ask for all probes, and waits until they were run: what the driver prints.
pub fn run_at_start() -> Vec<String> {
    let values = [("ProbeAtStart".to_owned(), RegistryValue::Dword(1))];
    let started = session(&values);
    let (session, lines) = started.unwrap_or_else(|error| panic!("{error}"));
    let has_ended = || {
        let lines = lines.borrow();
        lines.last().is_some_and(|line| line.contains(" hold"))
    };
    let ran = session.host().run_until(|_| has_ended());
    ran.unwrap_or_else(|stop| panic!("{stop}"));
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
    lines.take()
}

/// The numbers of a last line: how many hold, of how many, and how many were not run.
pub fn counted(line: &str) -> [usize; 3] {
    let mut numbers = line
        .split_ascii_whitespace()
        .filter_map(|word| word.parse().ok());
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}
