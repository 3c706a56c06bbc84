//! Threads that make runs. Each has a target of its own: nothing of a run is shared.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use super::{
    run::{Look, Ran},
    scenario::{Scenario, Wrong},
    target::Target,
    way::Way,
};

/// A run to make.
pub(crate) struct Job {
    pub(crate) scenario: Arc<dyn Scenario>,
    pub(crate) way: Way,
    pub(crate) look: Look,
    /// A second time, too, to compare.
    pub(crate) twice: bool,
}

/// A run with its place among those that were asked for; `None` of a thread that died.
type Done = Option<(usize, Ran)>;

/// The threads, from the outside.
pub(crate) struct Pool {
    jobs: Sender<(usize, Job)>,
    done: Receiver<Done>,
}

impl Pool {
    /// Calls `body` with that many threads at its service.
    pub(crate) fn with<R>(target: &Target, threads: usize, body: impl FnOnce(&Self) -> R) -> R {
        thread::scope(|scope| {
            let (jobs, queue) = mpsc::channel();
            let (results, done) = mpsc::channel();
            let queue = Arc::new(Mutex::new(queue));
            for _ in 0..threads.max(1) {
                let worker = Worker {
                    queue: Arc::clone(&queue),
                    results: results.clone(),
                };
                let another = target.another();
                scope.spawn(move || worker.work(another));
            }
            body(&Self { jobs, done })
        })
    }

    /// Makes runs, and gives what came of each in the order of the jobs. `progress` is called as
    /// each is done.
    pub(crate) fn make(&self, jobs: Vec<Job>, mut progress: impl FnMut()) -> Vec<Ran> {
        let count = jobs.len();
        for job in jobs.into_iter().enumerate() {
            self.jobs.send((job.0, job.1)).expect("the threads wait");
        }
        let mut made: Vec<Option<Ran>> = (0..count).map(|_| None).collect();
        for _ in 0..count {
            let done = self.done.recv().expect("the threads send");
            let (index, ran) = done.expect("a thread of the exploration panicked");
            made[index] = Some(ran);
            progress();
        }
        made.into_iter().flatten().collect()
    }
}

struct Worker {
    queue: Arc<Mutex<Receiver<(usize, Job)>>>,
    results: Sender<Done>,
}

impl Worker {
    fn work(&self, read: impl Fn() -> Result<Target, kmdf_session::BootError>) {
        let mut target = None;
        while let Some((index, job)) = self.next() {
            if target.is_none() {
                target = Some(read());
            }
            let ran = match target.take() {
                Some(Ok(read)) => {
                    let ran = make(&read, &job);
                    target = Some(Ok(read));
                    ran
                }
                Some(Err(error)) => Ran::without_session(error),
                None => unreachable!("it was read above"),
            };
            if self.results.send(Some((index, ran))).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, Job)> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.recv().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            // Whoever waits is to wait no longer.
            let _ = self.results.send(None);
        }
    }
}

/// Makes one run, or two to compare.
fn make(target: &Target, job: &Job) -> Ran {
    let mut ran = target.run(&job.scenario, job.way, job.look, None);
    if job.twice {
        let again = target.run(&job.scenario, job.way, job.look, None);
        if again.digest != ran.digest {
            ran.result = Err(Wrong::Differs(ran.digest, again.digest));
        }
    }
    ran
}
