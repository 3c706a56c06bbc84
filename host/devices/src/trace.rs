//! The trace of a device: every access and every signal, to look at and to compare.
//!
//! [`Recorded`] wraps a function and records what passes. A [`Trace`] is written as text, one
//! event on each line, and read back:
//!
//! ```text
//! start messages 1
//! write bar0+0x20 dword 0x80 # status
//! write bar0+0x8 dword 0xc # factorial
//! message 0
//! read bar0+0x24 dword 0x1 # interrupt_status
//! stop
//! ```
//!
//! What follows a `#` is for people. There are no times: when something happened is no part of
//! what happened. For the same reason [`compare`] holds accesses against accesses and signals
//! against signals: a device that is faster signals between other accesses, and does the same.

use std::fmt;

use thiserror::Error;

pub use crate::recorded::{Recorded, Recording};
use kmdf_bus::{InterruptMode, Signal, Width};

/// Something that passed between a device and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The function was started, to interrupt that way.
    Start(InterruptMode),
    /// The function was stopped.
    Stop,
    /// A register was read.
    Read(Access),
    /// A register was written.
    Write(Access),
    /// The device sent something.
    Signal(Signal),
}

/// An access of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Index of the BAR.
    pub bar: u8,
    /// Offset in it.
    pub offset: u64,
    /// Width.
    pub width: Width,
    /// What was read or written.
    pub value: u64,
}

const fn width_name(width: Width) -> &'static str {
    match width {
        Width::Byte => "byte",
        Width::Word => "word",
        Width::Dword => "dword",
        Width::Qword => "qword",
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bar,
            offset,
            width,
            value,
        } = self;
        write!(f, "bar{bar}+{offset:#x} {} {value:#x}", width_name(*width))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(InterruptMode::None) => write!(f, "start without interrupts"),
            Self::Start(InterruptMode::Line) => write!(f, "start line"),
            Self::Start(InterruptMode::Messages(count)) => write!(f, "start messages {count}"),
            Self::Stop => write!(f, "stop"),
            Self::Read(access) => write!(f, "read {access}"),
            Self::Write(access) => write!(f, "write {access}"),
            Self::Signal(Signal::Message(number)) => write!(f, "message {number}"),
            Self::Signal(Signal::Line(true)) => write!(f, "line asserted"),
            Self::Signal(Signal::Line(false)) => write!(f, "line deasserted"),
        }
    }
}

/// Everything that passed between a device and the machine, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The events.
    pub events: Vec<Event>,
}

/// The name of the register at an offset of a BAR, if it has one. The host knows no device; who
/// does says the names.
pub type RegisterNames = fn(bar: u8, offset: u64) -> Option<&'static str>;

impl Trace {
    /// The trace as text, with the registers' names behind the accesses.
    #[must_use]
    pub const fn with_names(&self, names: RegisterNames) -> Named<'_> {
        Named { trace: self, names }
    }

    /// Reads a trace from text. Empty lines and comments are skipped.
    ///
    /// # Errors
    /// A line is no event.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut events = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let event = line.split('#').next().unwrap_or_default().trim();
            if !event.is_empty() {
                events.push(parse(event).ok_or_else(|| TraceError {
                    line: number,
                    text: line.to_owned(),
                })?);
            }
        }
        Ok(Self { events })
    }
}

/// A trace with its registers' names: see [`Trace::with_names`].
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    trace: &'a Trace,
    names: RegisterNames,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.trace.events {
            write!(f, "{event}")?;
            if let Event::Read(access) | Event::Write(access) = event
                && let Some(name) = (self.names)(access.bar, access.offset)
            {
                write!(f, " # {name}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Trace {
    /// One event on each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_names(|_, _| None).fmt(f)
    }
}

/// A line that is no event of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} is not an event of a register trace: {text:?}")]
pub struct TraceError {
    /// Which line, counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

fn parse(event: &str) -> Option<Event> {
    let words: Vec<&str> = event.split_ascii_whitespace().collect();
    Some(match words[..] {
        ["start", "without", "interrupts"] => Event::Start(InterruptMode::None),
        ["start", "line"] => Event::Start(InterruptMode::Line),
        ["start", "messages", count] => Event::Start(InterruptMode::Messages(count.parse().ok()?)),
        ["stop"] => Event::Stop,
        ["read", register, width, value] => Event::Read(access(register, width, value)?),
        ["write", register, width, value] => Event::Write(access(register, width, value)?),
        ["message", number] => Event::Signal(Signal::Message(number.parse().ok()?)),
        ["line", "asserted"] => Event::Signal(Signal::Line(true)),
        ["line", "deasserted"] => Event::Signal(Signal::Line(false)),
        _ => return None,
    })
}

fn access(register: &str, width: &str, value: &str) -> Option<Access> {
    let (bar, offset) = register.strip_prefix("bar")?.split_once('+')?;
    let widths = [Width::Byte, Width::Word, Width::Dword, Width::Qword];
    Some(Access {
        bar: bar.parse().ok()?,
        offset: number(offset)?,
        width: widths
            .into_iter()
            .find(|&candidate| width_name(candidate) == width)?,
        value: number(value)?,
    })
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The first thing that two traces do not have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whether it is among the accesses (with starts and stops) or among the signals.
    pub stream: Stream,
    /// Which of them, counted from 0.
    pub index: usize,
    /// What the first trace has there.
    pub first: Option<Event>,
    /// What the second trace has there.
    pub second: Option<Event>,
}

/// A part of a trace that has an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What the machine does: accesses, starts and stops.
    Accesses,
    /// What the device sends.
    Signals,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = match self.stream {
            Stream::Accesses => "access",
            Stream::Signals => "signal",
        };
        write!(f, "{stream} {}: ", self.index)?;
        let side = |event: &Option<Event>| match event {
            Some(event) => format!("{event}"),
            None => "nothing".to_owned(),
        };
        write!(f, "{} <> {}", side(&self.first), side(&self.second))
    }
}

/// The first difference of two traces: in what the machine did, else in what the device sent.
/// None when the same happened. See [the module](self) for what is not compared.
#[must_use]
pub fn compare(first: &Trace, second: &Trace) -> Option<Difference> {
    [Stream::Accesses, Stream::Signals]
        .into_iter()
        .find_map(|stream| {
            let of = |trace: &Trace| -> Vec<Event> {
                let mut events = trace.events.clone();
                events.retain(|event| {
                    matches!(event, Event::Signal(_)) == (stream == Stream::Signals)
                });
                events
            };
            let (first, second) = (of(first), of(second));
            (0..first.len().max(second.len())).find_map(|index| {
                let (first, second) = (first.get(index).copied(), second.get(index).copied());
                (first != second).then_some(Difference {
                    stream,
                    index,
                    first,
                    second,
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
start messages 1
read bar0+0x24 dword 0x1 # status
message 0
write bar5+0xffff8 qword 0xffffffffffffffff
line asserted
line deasserted
stop
start line
start without interrupts
";

    fn name(bar: u8, offset: u64) -> Option<&'static str> {
        (bar == 0 && offset == 0x24).then_some("status")
    }

    fn trace(text: &str) -> Trace {
        Trace::parse(text).expect("it is a trace")
    }

    #[test]
    fn a_trace_reads_back_as_it_was_written() {
        let trace = trace(TEXT);
        assert_eq!(trace.events.len(), 9);
        assert_eq!(trace.with_names(name).to_string(), TEXT);
        assert_eq!(Trace::parse(&trace.to_string()), Ok(trace));
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        for text in [
            "read bar0+0x24 dword",
            "read bar0+24 dword 0x0",
            "read bar0 dword 0x0",
            "read bar0+0x24 tbyte 0x0",
            "read bar0+0x24 dword 0x0 twice",
            "message first",
            "jump",
        ] {
            let error = Trace::parse(&format!("\n# a comment\n{text}\n")).expect_err(text);
            assert_eq!((error.line, error.text.as_str()), (3, text));
        }
    }

    #[test]
    fn when_a_signal_came_is_no_difference() {
        let first = trace("write bar0+0x8 dword 0x5\nmessage 0\nread bar0+0x24 dword 0x1\n");
        let second = trace("write bar0+0x8 dword 0x5\nread bar0+0x24 dword 0x1\nmessage 0\n");
        assert_eq!(compare(&first, &second), None);
    }

    #[test]
    fn another_value_is_a_difference() {
        let first = trace("message 0\nread bar0+0x8 dword 0x78\n");
        let second = trace("read bar0+0x8 dword 0x79\n");
        let difference = compare(&first, &second).expect("120 is not 121");
        assert_eq!(
            difference.to_string(),
            "access 0: read bar0+0x8 dword 0x78 <> read bar0+0x8 dword 0x79"
        );
    }

    #[test]
    fn a_missing_signal_is_a_difference() {
        let first = trace("message 0\nread bar0+0x8 dword 0x78\nmessage 0\n");
        let second = trace("message 0\nread bar0+0x8 dword 0x78\n");
        let difference = compare(&first, &second).expect("1 is not 2");
        assert_eq!(difference.stream, Stream::Signals);
        assert_eq!(difference.to_string(), "signal 1: message 0 <> nothing");
    }
}
