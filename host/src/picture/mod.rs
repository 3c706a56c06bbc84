//! Pictures of a run, made from its events: a timeline for people and a trace for Perfetto.
//!
//! Driver code takes no virtual time, so the order of events is what both show; where the clock
//! moved is marked.

mod svg;
mod trace;

pub use svg::svg;
pub use trace::trace;

use kmdf_devices::trace::RegisterNames;
use kmdf_machine::{Event, Record};

/// What kind of work a callback is: its color, and its category in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Isr,
    Dpc,
    Passive,
    Request,
    Power,
    Synchronized,
}

impl Work {
    const ALL: [Self; 6] = [
        Self::Isr,
        Self::Dpc,
        Self::Passive,
        Self::Request,
        Self::Power,
        Self::Synchronized,
    ];

    fn of(callback: &str) -> Self {
        match callback {
            "EvtInterruptIsr" => Self::Isr,
            "EvtInterruptDpc" | "EvtDpcFunc" | "EvtTimerFunc" => Self::Dpc,
            "EvtInterruptWorkItem" | "EvtWorkItem" => Self::Passive,
            "EvtInterruptSynchronize" | "EvtInterruptEnable" | "EvtInterruptDisable" => {
                Self::Synchronized
            }
            name if name.starts_with("EvtIo") || name.starts_with("EvtRequest") => Self::Request,
            _ => Self::Power,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Isr => "ISR",
            Self::Dpc => "DPC, timer",
            Self::Passive => "work item",
            Self::Request => "request",
            Self::Power => "load, PnP, power",
            Self::Synchronized => "with the interrupt lock",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Self::Isr => "#c0392b",
            Self::Dpc => "#e08e0b",
            Self::Passive => "#8e44ad",
            Self::Request => "#2471a3",
            Self::Power => "#7f8c8d",
            Self::Synchronized => "#b9770e",
        }
    }
}

/// The name of the register at a physical address, or the address. Pages are aligned, and so are
/// BARs: the low bits are the offset for every BAR of up to 1 MiB.
fn register(address: u64, names: RegisterNames) -> String {
    const OFFSET: u64 = 0xF_FFFF;
    names(0, address & OFFSET).map_or_else(|| format!("{address:#x}"), ToOwned::to_owned)
}

/// Whether a picture shows it: calls of services would drown the rest.
const fn is_shown(record: &Record) -> bool {
    matches!(
        record.event,
        Event::Interrupt { .. }
            | Event::Enter { .. }
            | Event::Leave { .. }
            | Event::Read { .. }
            | Event::Write { .. }
            | Event::Complete { .. }
    )
}
