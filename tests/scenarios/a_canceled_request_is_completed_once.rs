//! Cancellation at any moment: each request ends once, with its result or with STATUS_CANCELLED,
//! and the next one gets its own result.

use std::rc::Rc;

use edu_model::Config;
use edu_tests::{Bench, bench::factorial, for_each_seed};
use kmdf_host::{
    Interrupts, Irp,
    ntstatus::{NtStatus, STATUS_CANCELLED},
};

/// What became of a request for n!: true if it was computed, false if it was canceled.
fn judge(irp: &Rc<Irp>, n: u32) -> bool {
    let outcome = irp.outcome().expect("it has ended");
    if outcome.status == STATUS_CANCELLED {
        assert_eq!(outcome.information, 0, "{n}!");
        return false;
    }
    assert!(outcome.status.is_success(), "{n}!: {:?}", outcome.status);
    assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
    true
}

#[test]
fn a_request_canceled_at_any_moment_ends_once_and_the_next_result_is_right() {
    // How many scheduling turns of the machine pass before the request is canceled: from before
    // it is presented to after it has been completed.
    let mut computed = 0;
    let mut canceled = 0;
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        for turns in (0..120).step_by(3) {
            for_each_seed(2, |seed| {
                let lab = Bench::model(Config::default())
                    .interrupts(interrupts)
                    .seed(seed)
                    .boot();
                let file = lab.open();
                let irp = lab.submit_factorial(&file, 12);
                for _ in 0..turns {
                    lab.turn();
                }
                lab.session().host().cancel(&irp);
                lab.wait_for(std::slice::from_ref(&irp));
                if judge(&irp, 12) {
                    computed += 1;
                } else {
                    canceled += 1;
                }
                for n in 3..8 {
                    assert_eq!(lab.factorial(&file, n), Ok(factorial(n)));
                }
                lab.shut_down();
            });
        }
    }
    assert!(
        computed > 0 && canceled > 0,
        "{computed} computed, {canceled} canceled"
    );
}

#[test]
fn of_many_requests_each_third_canceled_none_is_lost_and_none_completed_twice() {
    for processors in [1, 2, 4] {
        for_each_seed(20, |seed| {
            // One of the last three.
            let back = usize::try_from(seed % 3).expect("it is below 3");
            let lab = Bench::model(Config::default())
                .processors(processors)
                .seed(seed)
                .boot();
            let file = lab.open();
            let mut irps = Vec::new();
            for n in 0..30 {
                irps.push(lab.submit_factorial(&file, n));
                if n % 3 == 2 {
                    let victim = &irps[irps.len() - 1 - back];
                    lab.session().host().cancel(victim);
                }
                if n % 4 == 0 {
                    lab.turn();
                }
            }
            lab.wait_for(&irps);
            let computed = irps
                .iter()
                .zip(0..)
                .filter(|(irp, n)| judge(irp, *n))
                .count() as u64;
            assert!(computed >= 20, "only every third was canceled");
            let statistics = lab.statistics(&file);
            assert_eq!(statistics.factorials_completed, computed);
            // Completions equal requests: `shut_down` sees to that.
            lab.shut_down();
        });
    }
}

#[test]
fn a_request_canceled_on_qemu_ends_once_and_the_next_result_is_right() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        let lab = Bench::qemu().interrupts(interrupts).seed(1).boot();
        let file = lab.open();
        let mut canceled = 0;
        for _ in 0..20 {
            // QEMU loops that often: some milliseconds.
            let irp = lab.submit_factorial(&file, 3_000_000);
            for _ in 0..3 {
                lab.turn();
            }
            lab.session().host().cancel(&irp);
            lab.wait_for(std::slice::from_ref(&irp));
            canceled += u32::from(!judge(&irp, 3_000_000));
            assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
        }
        assert!(
            canceled > 0,
            "not one of 20 was canceled before it was done"
        );
        lab.shut_down();
    }
}

#[test]
fn canceling_a_request_that_has_ended_changes_nothing() {
    let lab = Bench::model(Config::default()).boot();
    let file = lab.open();
    let irp = lab.submit_factorial(&file, 12);
    lab.wait_for(std::slice::from_ref(&irp));
    lab.session().host().cancel(&irp);
    assert_eq!(lab.factorial(&file, 5), Ok(120));
    assert!(judge(&irp, 12));
    let status: NtStatus = irp.outcome().expect("it has ended").status;
    assert!(status.is_success());
    lab.shut_down();
}
