//! `symbols`: see `edu_fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| edu_fuzz::symbols(bytes));
