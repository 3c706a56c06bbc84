//! Apps that wait for events: the inverted call.

use kmdf_host::{
    explore::{Stage, Wrong},
    ntstatus::{STATUS_CANCELLED, STATUS_QUOTA_EXCEEDED},
};

use super::{
    Edu,
    requests::{event_after, finish_event, open, raise_event},
};

pub(super) fn all() -> impl Iterator<Item = Edu> {
    [
        Edu::new("events", "two apps wait for events that are raised", waited),
        Edu::new(
            "events-cancel",
            "a wait canceled, a handle with a wait closed, and a wait that gets its event",
            canceled,
        ),
        Edu::new(
            "events-close",
            "a handle closed while other threads are sending waits through it",
            closed,
        ),
        Edu::new(
            "events-order",
            "a wait that comes to the queue after one that has seen a later event",
            ordered,
        ),
        Edu::new(
            "events-quota",
            "more waits than a handle may have, and the end of its process",
            too_many,
        ),
    ]
    .into_iter()
}

fn waited(stage: &Stage<'_>) -> Result<(), Wrong> {
    let first = open(stage, 0)?;
    let second = open(stage, 0)?;
    let waits = [
        stage.submit(&first, event_after(0)),
        stage.submit(&second, event_after(0)),
    ];
    if !raise_event(stage, &first, &waits[0])? {
        // Nothing was raised, so nothing comes.
        return Ok(());
    }
    let mut newest = None;
    for irp in &waits {
        newest = finish_event(stage, irp, 1, &[])?.max(newest);
    }
    let Some(newest) = newest else {
        return Ok(());
    };
    let next = stage.submit(&second, event_after(newest));
    if raise_event(stage, &first, &next)? {
        finish_event(stage, &next, newest + 1, &[])?;
    }
    Ok(())
}

fn canceled(stage: &Stage<'_>) -> Result<(), Wrong> {
    let stays = open(stage, 0)?;
    let goes = open(stage, 0)?;
    let canceled = stage.submit(&stays, event_after(0));
    let left = stage.submit(&goes, event_after(0));
    let kept = stage.submit(&stays, event_after(0));
    stage.run_for(3)?;
    stage.host().cancel(&canceled);
    finish_event(stage, &canceled, 1, &[STATUS_CANCELLED])?;
    stage.host().close(&goes);
    finish_event(stage, &left, 1, &[STATUS_CANCELLED])?;
    if raise_event(stage, &stays, &kept)? {
        finish_event(stage, &kept, 1, &[])?;
    }
    Ok(())
}

fn closed(stage: &Stage<'_>) -> Result<(), Wrong> {
    let stays = open(stage, 0)?;
    let goes = open(stage, 0)?;
    let kept = stage.submit(&stays, event_after(0));
    let left = [(); 3].map(|()| stage.submit(&goes, event_after(0)));
    stage.host().close(&goes);
    // With no event, and although their app goes on.
    for irp in &left {
        finish_event(stage, irp, 1, &[STATUS_CANCELLED])?;
    }
    if raise_event(stage, &stays, &kept)? {
        finish_event(stage, &kept, 1, &[])?;
    }
    Ok(())
}

fn ordered(stage: &Stage<'_>) -> Result<(), Wrong> {
    let slow = open(stage, 0)?;
    let fast = open(stage, 0)?;
    let late = stage.submit(&slow, event_after(0));
    let seen = stage.submit(&fast, event_after(0));
    if !raise_event(stage, &fast, &seen)? {
        return Ok(());
    }
    let Some(newest) = finish_event(stage, &seen, 1, &[])? else {
        return Ok(());
    };
    let next = stage.submit(&fast, event_after(newest));
    // By the event that has come, whatever waits before it.
    finish_event(stage, &late, 1, &[])?;
    if raise_event(stage, &fast, &next)? {
        finish_event(stage, &next, newest + 1, &[])?;
    }
    Ok(())
}

fn too_many(stage: &Stage<'_>) -> Result<(), Wrong> {
    /// One more than a handle may have.
    const WAITS: u32 = edu_spec::wire::MAX_WAITING + 1;
    let file = open(stage, 0)?;
    let waits: Vec<_> = (0..WAITS)
        .map(|_| stage.submit(&file, event_after(0)))
        .collect();
    stage
        .host()
        .run_until(|_| waits.iter().any(|irp| irp.is_finished()))?;
    stage.host().abandon(&file);
    for irp in &waits {
        finish_event(stage, irp, 1, &[STATUS_CANCELLED, STATUS_QUOTA_EXCEEDED])?;
    }
    Ok(())
}
