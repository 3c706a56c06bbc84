//! A Windows VM in one command: `sh scripts/vm.sh` builds this program and runs it.
//!
//! **Not run with Windows yet.** It installs Windows in QEMU without a hand, with the driver packages on
//! a medium beside it, and runs the driver there. The guest's part, PowerShell in `scripts/windows/guest`, is as
//! small as it can be: it runs what it is asked to run, and says how that went. What is asked, in which
//! order, and what the answers must be is decided here, where it can be tested:
//!
//! | module | what |
//! | --- | --- |
//! | `stage`, `work` | the stages, and what is done in each |
//! | `session`, `commands`, `answers` | one stage: requests, checks, time limits |
//! | `guest`, `line` | the protocol on the serial port |
//! | `config`, `disk`, `qemu`, `qmp`, `machine` | the machine; taking its device away and giving it back |
//! | `answer_file`, `medium`, `iso` | what Windows Setup gets |
//! | `progress`, `table`, `results` | what is finished; the results |
//! | `recorded`, `dry_run` | the host's part, with no Windows |
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
