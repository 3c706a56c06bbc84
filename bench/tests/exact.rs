//! The exact counts. Need both drivers: `sh scripts/bench.sh` builds them.

use edu_bench::{drivers, exact};

#[test]
fn a_request_costs_the_same_in_every_run() {
    for subject in drivers::all() {
        let first = exact::per_request(&subject).unwrap();
        let second = exact::per_request(&subject).unwrap();
        assert_eq!(first, second, "{}", subject.name);
    }
}

#[test]
fn a_factorial_takes_one_interrupt_and_one_dpc() {
    for subject in drivers::all() {
        let exact = exact::per_request(&subject).unwrap();
        assert_eq!((exact.isr_calls, exact.dpcs), (1, 1), "{}", subject.name);
    }
}
