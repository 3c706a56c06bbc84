//! Exploration: the same scenario run in many ways, each of which can be replayed.

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
mod stage;
mod stepping;
mod sum;
mod target;
mod thread;
mod visit;
mod way;

pub use coverage::CoverageReport;
pub use explorer::{Progress, Runs, explore};
pub(crate) use hooks::Explorer;
pub use run::Replayed;
pub use scenario::{Scenario, Wrong};
pub use stage::{GONE, Stage};
pub(crate) use stepping::Walk;
pub use sum::{Explored, Finding, MOST_FINDINGS};
pub use target::Target;
pub use thread::AppThread;
pub use visit::{Called, Cause, Point};
pub use way::{Fails, Way, When};
