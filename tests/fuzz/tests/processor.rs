//! The instruction emulator against the processor itself, on random instructions. After a change
//! to the emulation `sh scripts/fuzz.sh processor SECONDS` tries many more.
#![cfg(unix)]

use std::collections::BTreeMap;

use edu_fuzz::random;

#[test]
fn every_emulated_instruction_does_what_the_processor_does() {
    let mut compared = BTreeMap::new();
    for code in random(0x5eed, 120_000) {
        *compared.entry(code as usize).or_insert(0) += 1;
    }
    let total: usize = compared.values().sum();
    assert!(total > 30_000, "only {total} instructions were compared");
    assert!(compared.len() > 500, "only {} forms", compared.len());
}
