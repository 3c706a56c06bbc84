//! What a race is described by: who made the two accesses, where, and holding what.

use std::{fmt::Write, rc::Rc};

use super::Access;
use crate::{cpu::Irql, machine::Machine};

/// A call that is under way in a strand.
#[derive(Debug)]
pub(crate) struct Call {
    kind: CallKind,
    caller: Option<Rc<Self>>,
}

#[derive(Debug)]
enum CallKind {
    /// The framework or the kernel has called this callback.
    Callback(&'static str),
    /// The driver has called a function of its own from this RVA.
    Function(u32),
}

impl Call {
    pub(super) fn of_callback(name: &'static str, caller: Option<Rc<Self>>) -> Rc<Self> {
        let kind = CallKind::Callback(name);
        Rc::new(Self { kind, caller })
    }

    pub(super) fn of_function(site: u32, caller: Option<Rc<Self>>) -> Rc<Self> {
        let kind = CallKind::Function(site);
        Rc::new(Self { kind, caller })
    }

    /// What goes on when the innermost callback has returned.
    pub(super) fn behind_callback(mut call: Option<Rc<Self>>) -> Option<Rc<Self>> {
        loop {
            let inner = call?;
            let caller = inner.caller.clone();
            if let CallKind::Callback(_) = inner.kind {
                return caller;
            }
            call = caller;
        }
    }

    /// What goes on when the innermost function has returned. The callback itself returns to the host.
    pub(super) fn behind_function(call: Option<Rc<Self>>) -> Option<Rc<Self>> {
        match call {
            Some(inner) if matches!(inner.kind, CallKind::Function(_)) => inner.caller.clone(),
            other => other,
        }
    }
}

/// Who made an access.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) call: Option<Rc<Call>>,
    pub(super) rva: u32,
    pub(super) processor: u32,
    pub(super) irql: Irql,
    pub(super) locks: Vec<&'static str>,
}

impl Who {
    /// The innermost callback that it was in.
    fn callback(&self) -> &'static str {
        let mut call = self.call.as_ref();
        while let Some(inner) = call {
            if let CallKind::Callback(name) = inner.kind {
                return name;
            }
            call = inner.caller.as_ref();
        }
        "the driver"
    }

    /// The RVAs of its call stack, the innermost first.
    fn stack(&self) -> Vec<u32> {
        let mut stack = vec![self.rva];
        let mut call = self.call.as_ref();
        while let Some(inner) = call {
            match inner.kind {
                CallKind::Function(site) => stack.push(site),
                CallKind::Callback(_) => break,
            }
            call = inner.caller.as_ref();
        }
        stack
    }

    fn circumstances(&self) -> String {
        let locks = if self.locks.is_empty() {
            "no lock".to_owned()
        } else {
            self.locks.join(", ")
        };
        format!(
            "on processor {} at {}, with {locks} held",
            self.processor, self.irql
        )
    }
}

impl Machine {
    /// What a race is, for a report whose stack is that of the second access.
    pub(super) fn describe_race(
        &self,
        access: &Access,
        who: &Who,
        other: &Who,
        other_writes: bool,
    ) -> String {
        let verb = |writes| if writes { "writes" } else { "reads" };
        let place = self
            .image
            .get()
            .and_then(|image| image.rva(access.address))
            .map_or_else(
                || self.memory.describe(access.address),
                |rva| format!("a variable of the driver's at RVA {rva:#x}"),
            );
        let mut text = format!(
            "{} {} {} at {:#x}, {place}, which {} {}, and nothing orders the two\n  \
             the second access: {}\n  the first access: {}",
            who.callback(),
            verb(access.writes),
            if access.bytes == 1 {
                "1 byte".to_owned()
            } else {
                format!("{} bytes", access.bytes)
            },
            access.address,
            other.callback(),
            verb(other_writes),
            who.circumstances(),
            other.circumstances(),
        );
        for rva in other.stack() {
            for frame in self.frames_at(rva) {
                let _ = write!(text, "\n    {frame}");
            }
        }
        text
    }
}
