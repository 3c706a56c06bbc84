//! What happens in a run: the record that transcripts, reports and pictures are made from.

mod digest;
mod returned;

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use digest::Digest;
use kmdf_bus::{Width, time::VirtualTime};
use returned::Returned;
pub(crate) use returned::is_failure;

use crate::{cpu::Irql, machine::Machine};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A processor took an interrupt.
    Interrupt {
        /// Its vector.
        vector: u32,
    },
    /// A callback or routine of the driver was called.
    Enter {
        /// Its name: the type of the callback without the prefix.
        callback: &'static str,
        /// The object it is for, or 0.
        object: u64,
    },
    /// A callback or routine of the driver returned.
    Leave {
        /// Its name.
        callback: &'static str,
        /// What was in RAX then: what it returned, in as many of the low bytes as its type has.
        value: u64,
    },
    /// The driver read a register.
    Read {
        /// Physical address.
        address: u64,
        /// Width of the access.
        width: Width,
        /// What it read.
        value: u64,
    },
    /// The driver wrote a register.
    Write {
        /// Physical address.
        address: u64,
        /// Width of the access.
        width: Width,
        /// What it wrote.
        value: u64,
    },
    /// The driver called the framework or the kernel.
    Service {
        /// Its name.
        name: &'static str,
    },
    /// The driver completed a request.
    Complete {
        /// Which one.
        request: u64,
        /// With which NTSTATUS.
        status: i32,
        /// With how many bytes.
        information: u64,
    },
    /// The driver said something to the debugger.
    DebugPrint {
        /// What it said.
        text: String,
    },
    /// The host did something of its own that explains what follows.
    Host {
        /// What it did.
        text: String,
    },
}

/// An event with its circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub time: VirtualTime,
    /// On which processor; `None` where the host itself acted.
    pub processor: Option<u32>,
    /// At which IRQL.
    pub irql: Irql,
    /// On which flow; `None` where the host itself acted.
    pub flow: Option<u32>,
    /// What.
    pub event: Event,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Interrupts that processors took.
    pub interrupts: u64,
    /// Calls of EvtInterruptIsr.
    pub isr_calls: u64,
    /// Calls of EvtInterruptIsr that returned TRUE.
    pub isr_claims: u64,
    /// Calls of EvtInterruptDpc.
    pub dpc_calls: u64,
    /// Calls of EvtInterruptWorkItem.
    pub work_item_calls: u64,
    /// Requests presented to the driver.
    pub requests: u64,
    /// Requests completed.
    pub completions: u64,
    /// Register reads.
    pub register_reads: u64,
    /// Register writes.
    pub register_writes: u64,
    /// Calls of the framework and of the kernel.
    pub services: u64,
    /// Pool allocations by the driver itself.
    pub pool_allocations: u64,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.interrupts += other.interrupts;
        self.isr_calls += other.isr_calls;
        self.isr_claims += other.isr_claims;
        self.dpc_calls += other.dpc_calls;
        self.work_item_calls += other.work_item_calls;
        self.requests += other.requests;
        self.completions += other.completions;
        self.register_reads += other.register_reads;
        self.register_writes += other.register_writes;
        self.services += other.services;
        self.pool_allocations += other.pool_allocations;
    }
}

/// The events of a run, or its last ones, and their counts.
#[derive(Default)]
pub(crate) struct EventLog {
    records: RefCell<std::collections::VecDeque<Record>>,
    limit: Cell<usize>,
    pub(crate) counts: Cell<Counts>,
    observer: RefCell<Option<Observer>>,
    digest: Cell<Digest>,
}

/// Called with every record as it is made.
pub type Observer = Box<dyn FnMut(&Record)>;

impl EventLog {
    pub(crate) fn new(limit: usize, observer: Option<Observer>) -> Self {
        Self {
            limit: Cell::new(limit),
            observer: RefCell::new(observer),
            ..Self::default()
        }
    }

    /// The digest of all events so far.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.get().value()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.records.borrow().iter().cloned().collect()
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
}

impl Machine {
    /// Changes the counts of the run.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.events.count(change);
    }

    /// Takes an event down.
    pub fn record(&self, event: Event) {
        self.events.count(|counts| match event {
            Event::Interrupt { .. } => counts.interrupts += 1,
            Event::Read { .. } => counts.register_reads += 1,
            Event::Write { .. } => counts.register_writes += 1,
            Event::Service { .. } => counts.services += 1,
            Event::Complete { .. } => counts.completions += 1,
            _ => {}
        });
        let current = self.scheduler.current();
        let record = Record {
            time: self.now(),
            processor: current.as_ref().map(|(processor, _)| processor.number),
            irql: self.irql(),
            flow: current.as_ref().map(|(_, flow)| flow.id),
            event,
        };
        if let Some(observer) = self.events.observer.borrow_mut().as_mut() {
            observer(&record);
        }
        let mut digest = self.events.digest.get();
        digest.record(&record, |value| self.relative(value));
        self.events.digest.set(digest);
        let limit = self.events.limit.get();
        if limit == 0 {
            return;
        }
        let mut records = self.events.records.borrow_mut();
        if records.len() >= limit {
            records.pop_front();
        }
        records.push_back(record);
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>14}  ", self.time.to_string())?;
        match self.processor {
            Some(processor) => write!(f, "cpu {processor}  {:<14}  ", self.irql.to_string())?,
            None => write!(f, "{:<22}", "")?,
        }
        write!(f, "{}", self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupt { vector } => write!(f, "interrupt, vector {vector}"),
            Self::Enter { callback, .. } => write!(f, "> {callback}"),
            Self::Leave { callback, value } => {
                let value = *value;
                write!(f, "< {callback}{}", Returned { callback, value })
            }
            Self::Read {
                address,
                width,
                value,
            } => {
                write!(
                    f,
                    "read  {address:#x} ({} bytes) = {value:#x}",
                    width.bytes()
                )
            }
            Self::Write {
                address,
                width,
                value,
            } => {
                write!(
                    f,
                    "write {address:#x} ({} bytes) = {value:#x}",
                    width.bytes()
                )
            }
            Self::Service { name } => f.write_str(name),
            Self::Complete {
                request,
                status,
                information,
            } => {
                write!(
                    f,
                    "request {request:#x} completed: {status:#010x}, {information} bytes"
                )
            }
            Self::DebugPrint { text } => write!(f, "driver: {text}"),
            Self::Host { text } => f.write_str(text),
        }
    }
}
