//! Ctrl-C, for commands that run until they are ended.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often [`is_interrupted`] is asked by whoever waits: so late Ctrl-C is noticed at most.
pub const ASK_EVERY: Duration = Duration::from_millis(25);

/// From now on Ctrl-C no longer ends the program but is told by [`is_interrupted`].
pub fn listen() {
    // Without a handler Ctrl-C ends the program at once, and the system cancels what is pending:
    // that is no reason not to go on.
    drop(ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }));
}

/// Whether Ctrl-C was pressed since [`listen`].
#[must_use]
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Sleeps until `deadline` or Ctrl-C; tells whether it was slept through.
#[must_use]
pub fn sleep_until(deadline: Instant) -> bool {
    while !is_interrupted() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(ASK_EVERY));
    }
    false
}
