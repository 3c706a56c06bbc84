//! A Windows VM in one command: `sh scripts/vm.sh` builds this program and runs it.
//!
//! **Not run with Windows yet.** It installs Windows in QEMU unattended, with the driver packages on
//! a second medium, and runs the driver there. The guest's part, PowerShell in `scripts/windows/guest`, is as
//! small as it can be: it runs the commands that it gets, and reports their results. This program decides which
//! commands run in which order, and what the results must be, so that this can be tested:
//!
//! | module | contents |
//! | --- | --- |
//! | `stage`, `work` | the stages, and what is done in each |
//! | `session`, `commands`, `answers` | one stage: requests, checks, time limits |
//! | `guest`, `line` | the protocol on the serial port |
//! | `config`, `disk`, `qemu`, `qmp`, `machine` | the machine; removing its device and adding it again |
//! | `answer_file`, `medium`, `iso` | what Windows Setup gets |
//! | `progress`, `table`, `results` | what is finished; the results |
//! | `recorded`, `dry_run` | the host's part without Windows |
#![forbid(unsafe_code)]

pub mod answer_file;
pub mod answers;
pub mod cli;
pub mod commands;
pub mod config;
pub mod disk;
pub mod dry_run;
mod error;
pub mod guest;
pub mod iso;
pub mod line;
pub mod machine;
pub mod medium;
pub mod progress;
pub mod qemu;
mod qmp;
pub mod recorded;
pub mod results;
pub mod run;
pub mod session;
pub mod stage;
pub mod table;
mod work;

pub use error::{EXIT_CODES, Error};
