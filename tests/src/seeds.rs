//! Seeds, and how a failure says which run it was.

use std::{env, thread};

/// Names the only seed to run, instead of those a scenario chooses.
pub const VARIABLE: &str = "EDU_SEED";

/// Runs `body` with the seeds 0 to `count - 1`, or with the one that [`VARIABLE`] names. A failure
/// prints the command that runs its seed alone.
///
/// # Panics
/// `body` does, or the variable is no number.
pub fn for_each_seed(count: u64, mut body: impl FnMut(u64)) {
    let chosen = env::var(VARIABLE).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{VARIABLE} is a number, not {text:?}"))
    });
    let seeds = match chosen {
        Some(seed) => seed..=seed,
        None => 0..=count - 1,
    };
    for seed in seeds {
        let _replay = Replay { seed: Some(seed) };
        body(seed);
    }
}

/// Prints, when it is dropped by a panic, how to run this test again.
#[derive(Debug)]
pub struct Replay {
    /// The seed, where there is one.
    pub seed: Option<u64>,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            let seed = self
                .seed
                .map_or_else(String::new, |seed| format!("{VARIABLE}={seed} "));
            // libtest names a test's thread after the test, unless it runs one at a time.
            let current = thread::current();
            let test = current.name().filter(|&name| name != "main");
            let filter = test.map_or_else(String::new, |test| format!(" {test} -- --exact"));
            eprintln!("to replay: {seed}cargo test -p edu-tests --test scenarios{filter}");
        }
    }
}
