//! How much time passes, drawn.

use std::time::Duration;

use rand_chacha::{ChaCha8Rng, rand_core::RngCore};

use super::{Pass, Point};

/// In one opportunity of this many the device gets on.
const DEVICE: u32 = 16;
/// In one opportunity of this many, but for those, some time passes: up to 2 to the power of [`SHORT`]
/// nanoseconds, 8 µs, which is the way of a request through a driver.
const PASSING: u32 = 4;
const SHORT: u32 = 13;
/// And one of these in so many is longer, up to 2 to the power of [`LONG`] nanoseconds, 67 ms: the way of a
/// timer.
const LONGER: u32 = 64;
const LONG: u32 = 26;
/// Of instructions this many count as one opportunity for time to pass.
const INSTRUCTIONS: u32 = 32;

/// How much passes at a preemption point.
pub(super) fn passes(random: &mut ChaCha8Rng, point: Point) -> Pass {
    let mut drawn = random.next_u32();
    if point == Point::Instruction {
        if !drawn.is_multiple_of(INSTRUCTIONS) {
            return Pass::Nothing;
        }
        drawn /= INSTRUCTIONS;
    }
    if drawn.is_multiple_of(DEVICE) {
        Pass::ToDevice
    } else if drawn.is_multiple_of(PASSING) {
        Pass::Step(step(random))
    } else {
        Pass::Nothing
    }
}

/// A step: each order of magnitude as often as the others.
fn step(random: &mut ChaCha8Rng) -> Duration {
    let longer = random.next_u32().is_multiple_of(LONGER);
    let magnitude = random.next_u32() % if longer { LONG } else { SHORT };
    let below = 2_u64 << magnitude;
    Duration::from_nanos(1 + u64::from(random.next_u32()) % below)
}
