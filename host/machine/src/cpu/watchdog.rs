//! The watchdog: driver code that runs on and on without calling anything.
//!
//! Everything else that a driver does passes through the host, which counts it. A loop of plain
//! instructions does not, so a thread of its own looks, four times a second, whether a thread that
//! runs a driver has used its processor for [`BUDGET`] without once coming back to the machine. If so
//! it sends that thread a signal, which [`super::trap`] turns into a trap of the driver's
//! instruction. A run in which no driver hangs never gets one, so nothing that decides anything
//! depends on a clock.

use std::{
    cell::{Cell, OnceCell},
    ptr,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Processor time that driver code may use without coming back to the machine. A callback that takes
/// a thousandth of it is far too slow for any driver; what is slower by as much again hangs.
pub(crate) const BUDGET: Duration = Duration::from_secs(3);
/// How often the watchdog looks.
const PERIOD: Duration = Duration::from_millis(250);
/// What it sends.
pub(super) const SIGNAL: i32 = libc::SIGVTALRM;
/// [`Watched::suspect`] while nothing is suspected.
const NOBODY: u64 = u64::MAX;

/// A thread that runs drivers.
struct Watched {
    thread: libc::pthread_t,
    /// The clock of its processor time.
    clock: libc::clockid_t,
    /// How often it came from the driver to the machine.
    crossings: AtomicU64,
    /// The number of crossings at which the signal was sent.
    suspect: AtomicU64,
}

thread_local! {
    static REGISTERED: OnceCell<Registration> = const { OnceCell::new() };
    /// For the signal handler and for every crossing: no destructor, so always there.
    static PULSE: Cell<*const Watched> = const { Cell::new(ptr::null()) };
}

/// Takes its thread off the list when the thread ends.
struct Registration(Arc<Watched>);

impl Drop for Registration {
    fn drop(&mut self) {
        PULSE.set(ptr::null());
        threads().retain(|thread| !Arc::ptr_eq(thread, &self.0));
    }
}

fn threads() -> std::sync::MutexGuard<'static, Vec<Arc<Watched>>> {
    static THREADS: LazyLock<Mutex<Vec<Arc<Watched>>>> = LazyLock::new(|| {
        thread::Builder::new()
            .name("driver watchdog".to_owned())
            .spawn(watch)
            .expect("the machine has room for one more thread");
        Mutex::default()
    });
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches this thread from now on.
pub(super) fn install() {
    REGISTERED.with(|registered| {
        registered.get_or_init(|| {
            // SAFETY: a thread may always ask for its own name.
            let thread = unsafe { libc::pthread_self() };
            let mut clock = 0;
            // SAFETY: the thread is this one, so it exists, and `clock` can be written.
            let result = unsafe { libc::pthread_getcpuclockid(thread, &raw mut clock) };
            assert_eq!(result, 0, "a thread has a clock of its processor time");
            let watched = Arc::new(Watched {
                thread,
                clock,
                crossings: AtomicU64::new(0),
                suspect: AtomicU64::new(NOBODY),
            });
            PULSE.set(Arc::as_ptr(&watched));
            threads().push(Arc::clone(&watched));
            Registration(watched)
        });
    });
}

fn with_pulse<R>(body: impl FnOnce(&Watched) -> R) -> Option<R> {
    let pulse = PULSE.get();
    // SAFETY: it is null, or `REGISTERED` of this thread keeps what it points at until it sets it
    // to null.
    unsafe { pulse.as_ref() }.map(body)
}

/// Driver code came to the machine.
pub(crate) fn crossed() {
    with_pulse(|watched| watched.crossings.fetch_add(1, Ordering::Relaxed));
}

/// Whether the signal that came is still right: the driver has not come to the host since it was
/// sent. Async-signal-safe.
pub(super) fn is_due() -> bool {
    with_pulse(|watched| {
        watched.suspect.load(Ordering::Relaxed) == watched.crossings.load(Ordering::Relaxed)
    })
    .unwrap_or(false)
}

/// What the watchdog has seen of a thread.
#[derive(Clone, Copy)]
struct Seen {
    thread: *const Watched,
    crossings: u64,
    /// Its processor time when that number of crossings was first seen.
    since: Duration,
}

/// The watchdog's thread. It ends with the process.
fn watch() {
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        thread::sleep(PERIOD);
        // A thread leaves the list before it ends, so all that are on it while the list is locked
        // are alive.
        let threads = threads();
        seen = threads
            .iter()
            .map(|thread| look(thread, &seen, BUDGET))
            .collect();
    }
}

fn look(thread: &Arc<Watched>, seen: &[Seen], budget: Duration) -> Seen {
    let now = Seen {
        thread: Arc::as_ptr(thread),
        crossings: thread.crossings.load(Ordering::Relaxed),
        since: processor_time(thread.clock),
    };
    let before = seen
        .iter()
        .find(|before| before.thread == now.thread && before.crossings == now.crossings);
    let Some(&before) = before else {
        return now;
    };
    if now.since.saturating_sub(before.since) >= budget {
        thread.suspect.store(now.crossings, Ordering::Relaxed);
        // SAFETY: the thread is alive: it is on the list, and the list is locked.
        unsafe { libc::pthread_kill(thread.thread, SIGNAL) };
    }
    before
}

fn processor_time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` can be written; a clock of a thread that has ended is an error, not undefined.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::trap;

    /// This thread, as the watchdog knows it.
    fn this_thread() -> Arc<Watched> {
        let this = PULSE.get();
        let threads = threads();
        let found = threads.iter().find(|thread| Arc::as_ptr(thread) == this);
        Arc::clone(found.expect("installed"))
    }

    /// What the watchdog saw of a thread that had run for no time yet.
    fn seen(thread: &Arc<Watched>, crossings: u64) -> Seen {
        Seen {
            thread: Arc::as_ptr(thread),
            crossings,
            since: Duration::ZERO,
        }
    }

    #[test]
    fn only_a_thread_that_does_not_come_to_the_host_is_suspected() {
        trap::install();
        let thread = this_thread();
        crossed();
        let now = thread.crossings.load(Ordering::Relaxed);
        let before = [seen(&thread, now)];
        look(&thread, &before, Duration::from_hours(1));
        assert!(!is_due(), "it has not used its budget");

        look(&thread, &before, Duration::ZERO);
        assert!(is_due(), "it has");
        crossed();
        assert!(!is_due(), "it came to the host since");
        look(&thread, &before, Duration::ZERO);
        assert!(!is_due(), "it did before the watchdog looked");
    }
}
