//! The exact counts. Need the drivers: `sh scripts/bench.sh` builds them.

use edu_bench::{
    callbacks::{self, Interrupt, Step},
    drivers::{self, Subject},
    exact,
};
use edu_spec::registers::offset;

/// Of the page that the registers are in, the part of an address that says which one.
const REGISTER: u64 = 0xFFF;

fn interrupts(subject: &Subject) -> [(&'static str, Interrupt); 2] {
    [
        ("factorial", callbacks::of_factorial(subject).unwrap()),
        ("software", callbacks::of_software(subject).unwrap()),
    ]
}

#[test]
fn a_request_and_an_interrupt_cost_the_same_in_every_run() {
    for subject in drivers::all() {
        let first = exact::per_request(&subject).unwrap();
        assert_eq!(first, exact::per_request(&subject).unwrap());
        assert_eq!(interrupts(&subject), interrupts(&subject));
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
    for (_, [isr, _]) in interrupts(&drivers::rust()) {
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

#[test]
fn the_twin_does_what_the_rust_driver_does_in_the_same_order() {
    let rust = interrupts(&drivers::rust());
    let twin = interrupts(&drivers::twin());
    for ((event, rust), (_, twin)) in rust.iter().zip(&twin) {
        for (rust, twin) in rust.iter().zip(twin) {
            assert_eq!(rust.steps, twin.steps, "{event}: {}", rust.callback);
        }
    }
}

/// How many is the compilers' to decide; that it is not many more is the driver's.
#[test]
fn a_callback_takes_at_most_half_as_many_instructions_more_than_its_twin_in_c() {
    let rust = interrupts(&drivers::rust());
    let twin = interrupts(&drivers::twin());
    for ((event, rust), (_, twin)) in rust.iter().zip(&twin) {
        for (rust, twin) in rust.iter().zip(twin) {
            let (rust_takes, twin_takes) = (rust.instructions, twin.instructions);
            assert!(
                rust_takes * 2 <= twin_takes * 3,
                "{event}: {} takes {rust_takes}, its twin {twin_takes}",
                rust.callback
            );
        }
    }
}
