//! Ways: everything that decides how one run of a scenario goes.

use std::fmt;

use kmdf_machine::Schedule;

use super::visit::{Cause, Point};

/// How one run goes: the same way each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Scheduling decisions drawn from this seed, instead of the simplest order.
    pub seed: Option<u64>,
    /// How the seed draws them.
    pub schedule: Schedule,
    /// Whether the seed decides at every instruction, too.
    pub instructions: bool,
    /// Whether it is stepped through, to find accesses of memory that nothing orders.
    pub races: bool,
    /// What happens, and when.
    pub visit: Option<(Cause, When)>,
    /// Which calls fail.
    pub failing: Fails,
}

/// When a cause happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At one instruction boundary.
    Boundary(Point),
    /// At every instruction boundary.
    EveryBoundary,
    /// At the preemption point with that number: before or after a call or a register access.
    Moment(u32),
}

/// Which calls of a run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fails {
    /// None.
    #[default]
    None,
    /// The one with this number among those that can.
    Call(u32),
    /// Those that this seed draws.
    Drawn(u64),
}

impl fmt::Display for Way {
    /// The options of the command line that say the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = Vec::new();
        if let Some(seed) = self.seed {
            options.push(format!("--seed {seed}"));
            if self.schedule != Schedule::default() {
                options.push(format!("--schedule {}", self.schedule));
            }
        }
        if self.instructions {
            options.push("--instructions".to_owned());
        }
        if self.races {
            options.push("--races".to_owned());
        }
        if let Some((cause, when)) = self.visit {
            options.push(format!("--cause {}", cause.name()));
            options.push(match when {
                When::Boundary(at) => {
                    format!("--boundary {}:{}:{:#x}", at.activation, at.index, at.rva)
                }
                When::EveryBoundary => "--every-boundary".to_owned(),
                When::Moment(moment) => format!("--moment {moment}"),
            });
        }
        match self.failing {
            Fails::None => {}
            Fails::Call(number) => options.push(format!("--fail-call {number}")),
            Fails::Drawn(seed) => options.push(format!("--fail-seed {seed}")),
        }
        f.write_str(&options.join(" "))
    }
}
