//! `hostile`: see `edu_fuzz`. The fuzzer is told where the driver came, beside where the host did.
#![no_main]

use std::sync::atomic::{AtomicU8, Ordering};

/// One for each place in the driver's image, as far as there is room.
const PLACES: usize = 1 << 15;

/// What libFuzzer takes for coverage of its own.
// SAFETY: the section holds counters of a byte each, and libFuzzer reads and clears them between runs.
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; PLACES] = [const { AtomicU8::new(0) }; PLACES];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for site in edu_fuzz::hostile(bytes) {
        REACHED[site as usize % PLACES].store(1, Ordering::Relaxed);
    }
});
