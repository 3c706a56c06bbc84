//! `eductl stress`

mod agreement;
mod found;
mod run;
mod tally;

use crate::number::parse_u32;

pub use found::Found;
pub use run::run;

/// Arguments of `eductl stress`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How many requests to send
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,

    /// How many requests each thread keeps in flight
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    depth: u16,

    /// How many threads send requests
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,

    /// Chooses the operands: the same seed gives the same ones
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The largest operand; decimal, or hexadecimal after 0x
    #[arg(long, default_value = "40", value_parser = parse_u32)]
    max_n: u32,

    /// Others use the device meanwhile: do not compare the driver's counters with the requests
    #[arg(long)]
    shared: bool,
}

impl Args {
    /// The operand of request `index`: the same whichever thread sends it.
    fn operand(&self, index: u64) -> u32 {
        // Neighbouring seeds give unrelated numbers.
        fastrand::Rng::with_seed(self.seed.rotate_left(32) ^ index).u32(0..=self.max_n)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn args(seed: u64, max_n: u32) -> Args {
        Args {
            count: 1,
            depth: 1,
            threads: 1,
            seed,
            max_n,
            shared: false,
        }
    }

    #[test]
    fn operands_are_chosen_by_the_seed_and_reach_every_value() {
        let operands = |seed| -> Vec<u32> {
            let args = args(seed, 40);
            (0..1000).map(|index| args.operand(index)).collect()
        };
        assert_eq!(operands(1), operands(1));
        assert_ne!(operands(1), operands(2));
        let seen: HashSet<u32> = operands(1).into_iter().collect();
        assert_eq!(seen, (0..=40).collect());
    }

    #[test]
    fn the_largest_operand_may_be_any_number() {
        assert_eq!(args(1, 0).operand(5), 0);
        args(1, u32::MAX).operand(5);
    }
}
