//! Scripts: what an app does with a driver, as text.
//!
//! A line is a step; `#` begins a comment. Words are separated by blanks:
//!
//! | step | what it does |
//! | --- | --- |
//! | `open FILE {GUID} [INSTANCE] [read\|write\|read-write\|none]` | opens a device interface; the first instance, to read and write, if nothing else is said |
//! | `close FILE` | closes it |
//! | `control FILE CODE [in BYTES] [out LENGTH]` | sends a control request and waits for its end |
//! | `read FILE LENGTH [at OFFSET]` | sends a read request and waits |
//! | `write FILE BYTES [at OFFSET]` | sends a write request and waits |
//! | `start NAME control …`, `read …` or `write …` | sends a request and goes on |
//! | `wait NAME` | waits for the end of a request that was started |
//! | `cancel NAME` | cancels one |
//! | `expect STATUS[\|STATUS…] [BYTES]` | checks how the last request that was waited for ended |
//! | `sleep TIME` | lets time pass: `10us`, `5ms`, `1s` |
//! | `device ACTION [SLOT]` | `stop`, `start`, `sleep`, `wake`, `remove` or `surprise-remove`, where PnP can be played |
//!
//! BYTES are hexadecimal digits in pairs (`01020304`), a text in quotes (`"abc"`), or a number of zeros
//! (`zero:16`); pieces are joined by `+`. Numbers are decimal, or hexadecimal behind `0x`. A STATUS is a
//! number or `success`.

mod parse;

use std::time::Duration;

use crate::protocol::{Access, InterfaceId};

pub use crate::protocol::NtStatus;
pub use parse::Parser;

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// A step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of its line, from 1 on.
    pub line: usize,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens a device interface.
    Open {
        /// What the script calls it.
        file: String,
        /// The interface's class.
        interface: InterfaceId,
        /// Which of its devices.
        instance: u32,
        /// The access asked for.
        access: Access,
    },
    /// Closes a file.
    Close {
        /// Which.
        file: String,
    },
    /// Sends a request.
    Send {
        /// What the script calls it; without a name it is waited for at once.
        name: Option<String>,
        /// Through which file.
        file: String,
        /// What is asked for.
        operation: Operation,
    },
    /// Waits for the end of a request.
    Wait {
        /// Which.
        name: String,
    },
    /// Cancels a request.
    Cancel {
        /// Which.
        name: String,
    },
    /// Checks how the last request ended.
    Expect {
        /// With one of which statuses.
        statuses: Vec<NtStatus>,
        /// With which output, if that matters.
        output: Option<Vec<u8>>,
    },
    /// Lets time pass.
    Sleep(Duration),
    /// Something happens to a device.
    Device {
        /// What.
        event: DeviceEvent,
        /// The device's place in the machine.
        slot: usize,
    },
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `DeviceIoControl`
    Control {
        /// The control code.
        code: u32,
        /// The bytes it takes in.
        input: Vec<u8>,
        /// How many bytes it can give.
        output_length: u32,
    },
    /// `ReadFile`
    Read {
        /// How many bytes.
        length: u32,
        /// File offset in bytes.
        offset: u64,
    },
    /// `WriteFile`
    Write {
        /// The bytes.
        data: Vec<u8>,
        /// File offset in bytes.
        offset: u64,
    },
}

/// What PnP and the power manager do to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// It is stopped, as for a rebalance.
    Stop,
    /// It is started again.
    Start,
    /// It goes to sleep.
    Sleep,
    /// It wakes up.
    Wake,
    /// It is removed in order.
    Remove,
    /// It is pulled out.
    SurpriseRemove,
}

/// A line that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// Its number, from 1 on.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that is no step, or that names a file or request which no line before it made.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut parser = Parser::default();
        let steps = text.lines().map(|line| parser.line(line));
        let steps: Result<Vec<_>, _> = steps.filter_map(Result::transpose).collect();
        Ok(Self { steps: steps? })
    }
}
