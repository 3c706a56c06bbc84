//! The trace for Perfetto and chrome://tracing: the Trace Event Format, in JSON.

use kmdf_devices::trace::RegisterNames;
use kmdf_machine::{Event, Record};
use serde_json::{Value, json};

use super::{Work, register};

/// The records of a run as a trace. Each event takes one microsecond of the trace's time, since
/// driver code takes none of the machine's: the machine's time is among each event's arguments.
#[must_use]
pub fn trace(records: &[Record], names: RegisterNames) -> Value {
    let mut events: Vec<Value> = processors(records)
        .into_iter()
        .map(|processor| {
            json!({
                "ph": "M", "name": "thread_name", "pid": 0, "tid": processor,
                "args": { "name": format!("CPU {processor}") },
            })
        })
        .collect();
    events.extend(
        records
            .iter()
            .zip(0_u64..)
            .filter_map(|(record, at)| Some(event(record, at, record.processor?, names))),
    );
    json!({ "displayTimeUnit": "ns", "traceEvents": events })
}

fn processors(records: &[Record]) -> std::collections::BTreeSet<u32> {
    records
        .iter()
        .filter_map(|record| record.processor)
        .collect()
}

fn event(record: &Record, at: u64, processor: u32, names: RegisterNames) -> Value {
    let (phase, name, category) = match &record.event {
        Event::Enter { callback, .. } => ("B", (*callback).to_owned(), Work::of(callback).name()),
        Event::Leave { callback, .. } => ("E", (*callback).to_owned(), Work::of(callback).name()),
        Event::Interrupt { vector } => ("i", format!("interrupt {vector}"), "interrupt"),
        Event::Read { address, value, .. } => (
            "i",
            format!("{} = {value:#x}", register(*address, names)),
            "register",
        ),
        Event::Write { address, value, .. } => (
            "i",
            format!("{} := {value:#x}", register(*address, names)),
            "register",
        ),
        Event::Complete { .. } => ("i", record.event.to_string(), "completion"),
        other => ("i", other.to_string(), "call"),
    };
    json!({
        "ph": phase, "s": "t", "name": name, "cat": category, "pid": 0, "tid": processor, "ts": at,
        "args": {
            "irql": record.irql.to_string(),
            "time_ns": record.time.as_nanos(),
            "flow": record.flow,
        },
    })
}
