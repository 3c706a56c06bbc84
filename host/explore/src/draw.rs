//! What a seed decides beside the schedule.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Each thing that a seed decides has a stream of its own, so that one does not shift the others. The
/// schedule has the stream 0 ([`kmdf_machine::Walk`]).
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    /// Which calls fail.
    FailingCalls = 1,
    /// Which cause happens, and at which moment.
    Moment = 2,
    /// The bytes of a scenario that bytes shape.
    Input = 3,
}

impl Stream {
    /// The stream of a seed.
    pub(super) fn of(self, seed: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(self as u64);
        random
    }
}
