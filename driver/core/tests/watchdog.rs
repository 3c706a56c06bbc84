//! When the watchdog acts.

use edu_driver_core::watchdog::{PATIENCE_TICKS, Verdict, Watchdog};

#[test]
fn the_watchdog_rests_when_the_engine_is_free() {
    assert_eq!(Watchdog::new().tick(None), Verdict::Rest);
}

#[test]
fn a_job_that_lasts_is_looked_at_every_tick_and_given_up_in_the_end() {
    let mut watchdog = Watchdog::new();
    assert_eq!(watchdog.tick(Some(1)), Verdict::Wait);
    for _ in 1..PATIENCE_TICKS {
        assert_eq!(watchdog.tick(Some(1)), Verdict::Look);
    }
    assert_eq!(watchdog.tick(Some(1)), Verdict::GiveUp);
}

#[test]
fn a_new_job_has_all_its_time() {
    let mut watchdog = Watchdog::new();
    watchdog.tick(Some(1));
    for _ in 2..PATIENCE_TICKS {
        watchdog.tick(Some(1));
    }
    assert_eq!(watchdog.tick(Some(2)), Verdict::Wait);
    assert_eq!(watchdog.tick(Some(2)), Verdict::Look);
}
