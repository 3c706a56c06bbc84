//! The stages: each is one run of QEMU, on a disk of its own over that of the stage before.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::commands::Variant;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub work: Work,
    /// How long it may take on KVM, in minutes.
    pub minutes: u64,
}

/// What is done in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Install Windows.
    Windows,
    /// Install a package, and use it.
    Install(Variant),
    /// Turn the verifiers on, and use it again.
    Verify(Variant),
    /// Take the device away, and give it back.
    Remove(Variant),
}

/// All stages, in their order.
pub const STAGES: [Stage; 7] = [
    stage("windows", Work::Windows, 120),
    stage("normal", Work::Install(Variant::Normal), 30),
    stage("normal-verified", Work::Verify(Variant::Normal), 45),
    stage("normal-removed", Work::Remove(Variant::Normal), 45),
    stage("passive", Work::Install(Variant::Passive), 30),
    stage("passive-verified", Work::Verify(Variant::Passive), 45),
    stage("passive-removed", Work::Remove(Variant::Passive), 45),
];

const fn stage(name: &'static str, work: Work, minutes: u64) -> Stage {
    Stage {
        name,
        work,
        minutes,
    }
}

impl Stage {
    /// The stage of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        STAGES.into_iter().find(|stage| stage.name == name)
    }

    /// Where it stands among them.
    #[must_use]
    pub fn index(self) -> usize {
        STAGES.iter().position(|stage| *stage == self).unwrap_or(0)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A check that was made in Windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// What is wrong, if anything.
    pub wrong: Option<String>,
    /// What was seen, where that says more than that it passed.
    #[serde(default)]
    pub seen: String,
    /// How long it took.
    pub seconds: f64,
}
