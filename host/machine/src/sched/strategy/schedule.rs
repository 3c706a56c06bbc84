//! Schedules by name: how a seed draws the decisions of a run.

use std::{fmt, str::FromStr};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use thiserror::Error;

use super::{Priorities, Strategy, Walk};

/// How a seed draws the decisions of a run. Where there are `places`, they are how many preemption points the run
/// has; an estimate will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Each decision by itself.
    #[default]
    Walk,
    /// Drawn priorities, with one change less than the depth.
    Pct {
        /// The depth: how many operations have to come in one order.
        depth: u32,
        /// How many preemption points there are.
        places: u32,
    },
    /// The order in which threads began, with so many delays.
    Delays {
        /// How many.
        count: u32,
        /// How many preemption points there are.
        places: u32,
    },
    /// One of the others, with numbers that the seed draws.
    Swarm {
        /// How many preemption points there are.
        places: u32,
    },
}

/// A text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0} is no schedule: write walk, pct:DEPTH, delays:COUNT or swarm, or what a finding prints, as pct:3:250"
)]
pub struct ScheduleError(String);

/// Preemption points where nobody has counted them.
const PLACES: u32 = 500;

impl Schedule {
    /// The same for runs with so many preemption points.
    #[must_use]
    pub const fn with_places(self, places: u32) -> Self {
        match self {
            Self::Walk => Self::Walk,
            Self::Pct { depth, .. } => Self::Pct { depth, places },
            Self::Delays { count, .. } => Self::Delays { count, places },
            Self::Swarm { .. } => Self::Swarm { places },
        }
    }

    /// The strategy of a seed.
    pub(super) fn drawn(self, seed: u64) -> Box<dyn Strategy> {
        let random = ChaCha8Rng::seed_from_u64(seed);
        match self {
            Self::Walk => Box::new(Walk::new(seed)),
            Self::Pct { depth, places } => {
                let changes = depth.saturating_sub(1);
                Box::new(Priorities::with(seed, random, false, changes, places))
            }
            Self::Delays { count, places } => {
                Box::new(Priorities::with(seed, random, true, count, places))
            }
            Self::Swarm { places } => swarm(seed, random, places),
        }
    }
}

fn swarm(seed: u64, mut random: ChaCha8Rng, places: u32) -> Box<dyn Strategy> {
    const SELDOM: u32 = 32;
    const OFTEN: u32 = 2;
    let drawn = random.next_u32();
    let number = 1 + drawn / 8 % 3;
    match drawn % 8 {
        0 => Box::new(Walk::with(seed, random, OFTEN)),
        1 | 2 => Box::new(Walk::with(seed, random, Walk::PREEMPTION)),
        3 => Box::new(Walk::with(seed, random, SELDOM)),
        4 | 5 => Box::new(Priorities::with(seed, random, false, number, places)),
        _ => Box::new(Priorities::with(seed, random, true, number, places)),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Walk => f.write_str("walk"),
            Self::Pct { depth, places } => write!(f, "pct:{depth}:{places}"),
            Self::Delays { count, places } => write!(f, "delays:{count}:{places}"),
            Self::Swarm { places } => write!(f, "swarm:{places}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let wrong = || ScheduleError(text.to_owned());
        let mut parts = text.split(':');
        let name = parts.next().ok_or_else(wrong)?;
        let numbers: Result<Vec<u32>, _> = parts.map(str::parse).collect();
        let numbers = numbers.map_err(|_| wrong())?;
        let places = |index: usize| match numbers.len() {
            given if given == index => Some(PLACES),
            given if given == index + 1 => Some(numbers[index]),
            _ => None,
        };
        let schedule = match name {
            "walk" if numbers.is_empty() => Some(Self::Walk),
            "pct" => numbers
                .first()
                .filter(|&&depth| depth > 0)
                .zip(places(1))
                .map(|(&depth, places)| Self::Pct { depth, places }),
            "delays" => numbers
                .first()
                .zip(places(1))
                .map(|(&count, places)| Self::Delays { count, places }),
            "swarm" => places(0).map(|places| Self::Swarm { places }),
            _ => None,
        };
        schedule.ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_is_printed() {
        for text in ["walk", "pct:3:250", "delays:2:99", "swarm:7"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        assert_eq!(
            "pct:2".parse(),
            Ok(Schedule::Pct {
                depth: 2,
                places: PLACES
            })
        );
        assert_eq!("swarm".parse(), Ok(Schedule::Swarm { places: PLACES }));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "random",
            "walk:1",
            "pct",
            "pct:0",
            "pct:x",
            "pct:1:2:3",
            "delays",
        ] {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.to_string().contains("write walk"), "{text}");
        }
    }
}
