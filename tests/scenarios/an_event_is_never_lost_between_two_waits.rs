//! The inverted call: an app says what it has seen and gets what comes next.

use std::collections::BTreeSet;

use edu_spec::wire::{Event, MAX_WAITING};
use edu_tests::{Bench, bench::EVERYWHERE, for_each_seed, lab::event_of};
use kmdf_host::{
    Interrupts,
    ntstatus::{STATUS_CANCELLED, STATUS_INVALID_PARAMETER, STATUS_QUOTA_EXCEEDED},
};

#[test]
fn a_wait_ends_when_the_event_comes_and_tells_its_causes() {
    for (kind, interrupts) in EVERYWHERE {
        for_each_seed(2, |seed| {
            let run = format!("{kind:?}, {interrupts:?}");
            let lab = Bench::of(kind).interrupts(interrupts).seed(seed).boot();
            let file = lab.open();
            for (number, causes) in (1..).zip([0x2, 0x4000_0000, 0x7FFF_FEFE]) {
                let irp = lab.submit_wait(&file, number - 1);
                // Enough for the request to be in its queue.
                assert_eq!(lab.statistics(&file).events, number - 1, "{run}");
                assert!(!irp.is_finished(), "{run}");
                assert_eq!(lab.raise(&file, causes), Ok(()), "{run}");
                lab.wait_for(std::slice::from_ref(&irp));
                let event = event_of(&irp).expect("it succeeds");
                assert_eq!(event.number, number, "{run}");
                assert_eq!(event.causes.bits(), causes, "{run}");
                assert_eq!(event.missed, 0, "{run}");
            }
            lab.shut_down();
        });
    }
}

#[test]
fn an_event_that_came_before_the_wait_is_given_at_once() {
    let lab = Bench::model(edu_model::Config::default()).boot();
    let file = lab.open();
    for cause in [0x2, 0x4, 0x8] {
        assert_eq!(lab.raise(&file, cause), Ok(()));
        lab.run_until_quiet();
    }
    let mut cursor = 0;
    for cause in [0x2, 0x4, 0x8] {
        let event = lab.wait_event(&file, cursor).expect("it is there");
        assert_eq!(event.causes.bits(), cause);
        cursor = event.number;
    }
    lab.shut_down();
}

#[test]
fn an_app_that_waits_again_and_again_sees_every_event_whatever_the_schedule() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        for processors in [1, 2, 4] {
            for_each_seed(15, |seed| {
                let lab = Bench::model(edu_model::Config::default())
                    .interrupts(interrupts)
                    .processors(processors)
                    .seed(seed)
                    .boot();
                let (app, raiser) = (lab.open(), lab.open());
                let mut cursor = 0;
                let mut wait = lab.submit_wait(&app, cursor);
                let mut seen = BTreeSet::new();
                let mut causes = 0;
                let take = |event: Event, seen: &mut BTreeSet<u64>, causes: &mut u32| {
                    assert!(seen.insert(event.number), "{event:?} came twice");
                    assert_eq!(event.missed, 0);
                    *causes |= event.causes.bits();
                    event.number
                };
                for bit in 1..8 {
                    assert_eq!(lab.raise(&raiser, 1 << bit), Ok(()));
                    if wait.is_finished() {
                        cursor = take(
                            event_of(&wait).expect("it succeeds"),
                            &mut seen,
                            &mut causes,
                        );
                        wait = lab.submit_wait(&app, cursor);
                    }
                }
                lab.run_until_quiet();
                while wait.is_finished() {
                    cursor = take(
                        event_of(&wait).expect("it succeeds"),
                        &mut seen,
                        &mut causes,
                    );
                    wait = lab.submit_wait(&app, cursor);
                    lab.run_until_quiet();
                }
                // Raises that met in the device are one interrupt, and one event: no cause is lost,
                // and no number.
                assert_eq!(causes, 0xFE);
                assert_eq!(seen, (1..=lab.statistics(&app).events).collect());
                lab.session().host().cancel(&wait);
                lab.wait_for(std::slice::from_ref(&wait));
                lab.shut_down();
            });
        }
    }
}

#[test]
fn two_apps_see_the_same_events() {
    for_each_seed(10, |seed| {
        let lab = Bench::model(edu_model::Config::default()).seed(seed).boot();
        let apps = [lab.open(), lab.open()];
        let waits = apps.each_ref().map(|app| lab.submit_wait(app, 0));
        assert_eq!(lab.raise(&apps[0], 0x10), Ok(()));
        lab.wait_for(&waits);
        let events = waits
            .each_ref()
            .map(|wait| event_of(wait).expect("it succeeds"));
        assert_eq!(events[0], events[1]);
        assert_eq!(events[0].number, 1);
        lab.shut_down();
    });
}

#[test]
fn an_app_that_is_late_is_told_how_many_events_were_forgotten() {
    const RAISED: u64 = 50;
    let lab = Bench::model(edu_model::Config::default()).boot();
    let file = lab.open();
    for _ in 0..RAISED {
        assert_eq!(lab.raise(&file, 0x10), Ok(()));
        lab.run_until_quiet();
    }
    assert_eq!(lab.statistics(&file).events, RAISED);
    let first = lab.wait_event(&file, 0).expect("it is there");
    assert!(first.missed > 0, "nobody remembers 50 events");
    assert_eq!(first.number, first.missed + 1, "counted from the cursor");
    let next = lab.wait_event(&file, first.number).expect("it is there");
    assert_eq!((next.number, next.missed), (first.number + 1, 0));
    let last = lab.wait_event(&file, RAISED - 1).expect("it is there");
    assert_eq!((last.number, last.missed), (RAISED, 0));
    lab.shut_down();
}

#[test]
fn a_cursor_beyond_the_newest_event_is_an_invalid_parameter() {
    let lab = Bench::model(edu_model::Config::default()).boot();
    let file = lab.open();
    for cursor in [1, u64::MAX] {
        assert_eq!(
            lab.wait_event(&file, cursor).map(|event| event.number),
            Err(STATUS_INVALID_PARAMETER)
        );
    }
    lab.shut_down();
}

#[test]
fn a_handle_has_a_bounded_number_of_waiting_requests_and_another_its_own() {
    for_each_seed(5, |seed| {
        let lab = Bench::model(edu_model::Config::default()).seed(seed).boot();
        let (first, second) = (lab.open(), lab.open());
        let waits: Vec<_> = (0..MAX_WAITING)
            .map(|_| lab.submit_wait(&first, 0))
            .collect();
        lab.run_until_quiet();
        assert!(waits.iter().all(|wait| !wait.is_finished()));
        assert_eq!(
            lab.wait_event(&first, 0).map(|event| event.number),
            Err(STATUS_QUOTA_EXCEEDED)
        );
        let other = lab.submit_wait(&second, 0);
        // One that leaves makes room for one.
        lab.session().host().cancel(&waits[3]);
        lab.wait_for(&waits[3..4]);
        assert_eq!(
            event_of(&waits[3]).map(|event| event.number),
            Err(STATUS_CANCELLED)
        );
        let replacement = lab.submit_wait(&first, 0);
        lab.run_until_quiet();
        assert!(!replacement.is_finished());

        assert_eq!(lab.raise(&second, 0x10), Ok(()));
        lab.run_until_quiet();
        for wait in waits.iter().chain([&other, &replacement]) {
            if !std::rc::Rc::ptr_eq(wait, &waits[3]) {
                assert_eq!(event_of(wait).map(|event| event.number), Ok(1));
            }
        }
        lab.shut_down();
    });
}

#[test]
fn closing_a_handle_cancels_its_waits_and_no_others() {
    for_each_seed(10, |seed| {
        let lab = Bench::model(edu_model::Config::default()).seed(seed).boot();
        let (closed, kept) = (lab.open(), lab.open());
        let doomed: Vec<_> = (0..4).map(|_| lab.submit_wait(&closed, 0)).collect();
        let wait = lab.submit_wait(&kept, 0);
        lab.run_until_quiet();
        lab.session().host().close(&closed);
        lab.wait_for(&doomed);
        for irp in &doomed {
            assert_eq!(
                event_of(irp).map(|event| event.number),
                Err(STATUS_CANCELLED)
            );
        }
        assert!(!wait.is_finished());
        assert_eq!(lab.raise(&kept, 0x10), Ok(()));
        lab.wait_for(std::slice::from_ref(&wait));
        assert_eq!(event_of(&wait).map(|event| event.number), Ok(1));
        lab.shut_down();
    });
}

#[test]
fn a_wait_is_answered_whatever_waits_before_it() {
    for_each_seed(400, |seed| {
        let lab = Bench::model(edu_model::Config::default())
            .processors(2)
            .seed(seed)
            .boot();
        let (slow, fast) = (lab.open(), lab.open());
        // It may look for events before the first one is there, and be in the queue after the next wait.
        let late = lab.submit_wait(&slow, 0);
        assert_eq!(lab.raise(&fast, 0x10), Ok(()));
        let newest = lab.wait_event(&fast, 0).expect("it comes").number;
        let next = lab.submit_wait(&fast, newest);
        lab.run_until_quiet();
        assert!(late.is_finished(), "its event is there");
        assert_eq!(event_of(&late).map(|event| event.number), Ok(1));
        assert!(!next.is_finished(), "its event is not");
        lab.session().host().abandon(&fast);
        lab.wait_for(&[next]);
        lab.shut_down();
    });
}

#[test]
fn a_wait_ends_if_its_handle_is_closed_while_another_thread_sends_it() {
    for_each_seed(150, |seed| {
        let lab = Bench::model(edu_model::Config::default())
            .processors(2)
            .seed(seed)
            .boot();
        let (closed, kept) = (lab.open(), lab.open());
        let wait = lab.submit_wait(&kept, 0);
        let doomed: Vec<_> = (0..3).map(|_| lab.submit_wait(&closed, 0)).collect();
        // Before, while or after each of them reaches the driver.
        for _ in 0..seed % 8 {
            lab.turn();
        }
        lab.session().host().close(&closed);
        lab.run_until_quiet();
        for irp in &doomed {
            assert!(irp.is_finished(), "no event and no end of an app is needed");
            assert_eq!(
                event_of(irp).map(|event| event.number),
                Err(STATUS_CANCELLED)
            );
        }
        assert!(closed.is_closed());
        assert!(!wait.is_finished());
        lab.session().host().abandon(&kept);
        lab.wait_for(&[wait]);
        lab.shut_down();
    });
}
