//! The exact counts. Need the drivers: `sh scripts/bench.sh` builds them.

use edu_bench::{
    callbacks::{self, CALLBACKS, KINDS, Step},
    drivers, exact,
};
use edu_spec::registers::offset;

/// Of the page that the registers are in, the part of an address that says which one.
const REGISTER: u64 = 0xFFF;

#[test]
fn a_request_and_an_interrupt_cost_the_same_in_every_run() {
    for subject in drivers::all() {
        let first = exact::per_request(&subject).unwrap();
        assert_eq!(first, exact::per_request(&subject).unwrap());
        assert_eq!(
            callbacks::all(&subject).unwrap(),
            callbacks::all(&subject).unwrap()
        );
    }
}

#[test]
fn a_factorial_takes_one_interrupt_and_one_dpc_and_no_memory() {
    for subject in drivers::all() {
        let exact = exact::per_request(&subject).unwrap();
        assert_eq!((exact.isr_calls, exact.dpcs), (1, 1), "{}", subject.name);
        assert_eq!(exact.allocations, 0, "{}", subject.name);
    }
}

#[test]
fn an_isr_reads_one_register_and_writes_one() {
    for [_, isr, _] in callbacks::all(&drivers::rust()).unwrap() {
        let accesses: Vec<_> = isr
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Read(address) => Some(("read", address & REGISTER)),
                Step::Write(address) => Some(("write", address & REGISTER)),
                Step::Call(_) => None,
            })
            .collect();
        let expected = [
            ("read", offset::INTERRUPT_STATUS as u64),
            ("write", offset::INTERRUPT_ACKNOWLEDGE as u64),
        ];
        assert_eq!(accesses, expected);
    }
}

/// What a callback does in the Rust driver, and the same in its twin.
fn beside_the_twin(compare: impl Fn(&str, &callbacks::Calls, &callbacks::Calls)) {
    let rust = callbacks::all(&drivers::rust()).unwrap();
    let twin = callbacks::all(&drivers::twin()).unwrap();
    for ((kind, _), (rust, twin)) in KINDS.iter().zip(rust.iter().zip(&twin)) {
        for (callback, (rust, twin)) in CALLBACKS.iter().zip(rust.iter().zip(twin)) {
            compare(&format!("{callback}, {kind}"), rust, twin);
        }
    }
}

#[test]
fn the_twin_does_what_the_rust_driver_does_in_the_same_order() {
    beside_the_twin(|what, rust, twin| assert_eq!(rust.steps, twin.steps, "{what}"));
}

#[test]
fn no_callback_takes_more_instructions_than_its_twin_in_c() {
    beside_the_twin(|what, rust, twin| {
        let (rust, twin) = (rust.instructions, twin.instructions);
        assert!(rust <= twin, "{what}: {rust} instructions, {twin} in C");
    });
}

#[test]
fn a_factorial_takes_no_more_instructions_than_in_c() {
    let [rust, twin] = [drivers::rust(), drivers::twin()]
        .map(|subject| exact::per_request(&subject).unwrap().instructions);
    assert!(rust <= twin, "{rust} instructions, {twin} in C");
}
