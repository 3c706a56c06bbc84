//! PnP and power with requests of all kinds pending.

use std::rc::Rc;

use kmdf_host::{
    File, Irp,
    explore::{REMOVAL_STATUSES, Stage, Wrong},
};

use super::{
    Edu,
    requests::{
        event_after, factorial_of, factorials, finish, finish_as, finish_event, open, raise_event,
        read, write,
    },
};

pub(super) fn all() -> impl Iterator<Item = Edu> {
    [
        Edu::new("restart", "stop and start with requests pending", restarted),
        Edu::new(
            "rebalance",
            "stop with requests pending; start with the line",
            rebalanced,
        ),
        Edu::new(
            "sleep",
            "sleep with requests pending, more while it sleeps; all end after it wakes",
            slept,
        ),
        Edu::new(
            "sleep-line",
            "sleep and wake with a line-based interrupt",
            slept,
        )
        .line(),
        Edu::new("remove", "removed with requests pending", removed),
        Edu::new(
            "surprise-removal",
            "surprise removal with requests pending",
            pulled_out,
        ),
    ]
    .into_iter()
}

/// Requests of all kinds, on their way.
struct Pending {
    file: Rc<File>,
    factorials: [(u32, Rc<Irp>); 2],
    write: Rc<Irp>,
    read: Rc<Irp>,
    wait: Rc<Irp>,
}

impl Pending {
    fn send(stage: &Stage<'_>) -> Result<Self, Wrong> {
        let file = open(stage, 0)?;
        let pending = Self {
            factorials: [11, 12].map(|n| (n, stage.submit(&file, factorial_of(n)))),
            write: stage.submit(&file, write(0, b"pending")),
            read: stage.submit(&file, read(64, 8)),
            wait: stage.submit(&file, event_after(0)),
            file,
        };
        stage.run_for(2)?;
        Ok(pending)
    }

    /// All of them end, as they do on a device that works, or `removed` as on one that does not.
    fn finish(&self, stage: &Stage<'_>, removed: bool) -> Result<(), Wrong> {
        let errors = if removed { &REMOVAL_STATUSES[..] } else { &[] };
        for (n, irp) in &self.factorials {
            finish(stage, *n, irp, errors)?;
        }
        finish_as(stage, "a write", &self.write, &[], errors)?;
        finish_as(stage, "a read", &self.read, &[0; 8], errors)?;
        if !removed && !raise_event(stage, &self.file, &self.wait)? {
            return Ok(());
        }
        finish_event(stage, &self.wait, 1, errors)?;
        Ok(())
    }
}

fn restarted(stage: &Stage<'_>) -> Result<(), Wrong> {
    let pending = Pending::send(stage)?;
    stage.stop(0)?;
    stage.restart(0, false)?;
    pending.finish(stage, false)?;
    factorials(stage, 0, &[5])
}

fn rebalanced(stage: &Stage<'_>) -> Result<(), Wrong> {
    let pending = Pending::send(stage)?;
    stage.stop(0)?;
    stage.restart(0, true)?;
    pending.finish(stage, false)?;
    factorials(stage, 0, &[5])
}

fn slept(stage: &Stage<'_>) -> Result<(), Wrong> {
    let pending = Pending::send(stage)?;
    stage.sleep(0)?;
    let late = stage.submit(&pending.file, factorial_of(7));
    stage.run_for(2)?;
    stage.wake(0)?;
    pending.finish(stage, false)?;
    finish(stage, 7, &late, &[])
}

fn removed(stage: &Stage<'_>) -> Result<(), Wrong> {
    let pending = Pending::send(stage)?;
    stage.remove(0)?;
    pending.finish(stage, true)
}

fn pulled_out(stage: &Stage<'_>) -> Result<(), Wrong> {
    let pending = Pending::send(stage)?;
    stage.surprise_remove(0)?;
    pending.finish(stage, true)
}
