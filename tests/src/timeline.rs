//! What a run's records say: who accessed which register, who called what.

use std::collections::BTreeMap;

use kmdf_host::{Event, Irql, Record};

/// What one call of a callback did itself; what interrupted it is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The callback.
    pub callback: &'static str,
    /// What it returned; `None` while it has not.
    pub value: Option<u64>,
    /// Offsets in BAR 0 that it read, in order.
    pub reads: Vec<u64>,
    /// Offsets in BAR 0 that it wrote, in order.
    pub writes: Vec<u64>,
    /// What it called.
    pub services: Vec<&'static str>,
    /// What it said: the events it traced, with their fields.
    pub said: Vec<String>,
    /// At which IRQL it was entered.
    pub irql: Irql,
}

impl Call {
    /// Of an EvtInterruptIsr that has returned: whether it returned TRUE. A BOOLEAN is the lowest byte of what is in RAX.
    #[must_use]
    pub fn claimed(&self) -> Option<bool> {
        self.value.map(|value| value & 0xFF != 0)
    }
}

/// The calls of all callbacks, in the order of their beginning.
///
/// The records name what ran by its flow, and on a flow callbacks nest: what is recorded belongs to
/// the innermost that has not returned. BARs are 1 MiB and aligned to it, so the low 20 bits of a
/// physical address are the offset.
#[must_use]
pub fn calls(records: &[Record]) -> Vec<Call> {
    const BAR_MASK: u64 = edu_spec::registers::BAR0_BYTES as u64 - 1;
    let mut calls: Vec<Call> = Vec::new();
    let mut running: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for record in records {
        let Some(flow) = record.flow else { continue };
        let stack = running.entry(flow).or_default();
        if let Event::Enter { callback, .. } = record.event {
            stack.push(calls.len());
            calls.push(Call {
                callback,
                irql: record.irql,
                ..Call::default()
            });
            continue;
        }
        let Some(&innermost) = stack.last() else {
            continue;
        };
        let call = &mut calls[innermost];
        match &record.event {
            Event::Leave { value, .. } => {
                call.value = Some(*value);
                stack.pop();
            }
            Event::Read { address, .. } => call.reads.push(address & BAR_MASK),
            Event::Write { address, .. } => call.writes.push(address & BAR_MASK),
            Event::Service { name } => call.services.push(name),
            Event::DebugPrint { text } => call.said.push(text.clone()),
            _ => {}
        }
    }
    calls
}

/// The calls of one callback.
#[must_use]
pub fn calls_of(records: &[Record], callback: &str) -> Vec<Call> {
    let mut calls = calls(records);
    calls.retain(|call| call.callback == callback);
    calls
}
