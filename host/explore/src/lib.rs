//! Exploration: the same scenario run in many ways, each of which can be replayed.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the host runs on x86-64 only, and registers hold narrower values of either sign"
)]

mod accesses;
mod boundary;
mod coverage;
mod draw;
mod explorer;
mod failing;
mod hooks;
mod moment;
mod pool;
mod run;
mod scenario;
mod script;
mod stage;
mod stepping;
mod sum;
mod target;
mod thread;
mod visit;
mod visiting;
mod way;

pub use coverage::CoverageReport;
pub use explorer::{Progress, Runs, explore};
pub use run::Replayed;
pub use scenario::{Scenario, Wrong};
pub use script::{MakeDevices, Scripted};
pub use stage::{REMOVAL_STATUSES, Stage};
pub use sum::{Explored, Finding, MOST_FINDINGS};
pub use target::Target;
pub use thread::AppThread;
pub use visit::{Called, Cause, Point};
pub use way::{Fails, Way, When};
