//! What an app that waits for events gets.

use edu_driver_core::events::{Events, FutureCursor, REMEMBERED};
use edu_driver_core::ring::Snapshot;
use edu_spec::registers::Causes;
use edu_spec::wire::EventCursor;
use proptest::prelude::*;

fn raised(sequence: u64) -> Snapshot {
    Snapshot {
        sequence,
        causes: Causes::from_bits_retain(0x2),
        message: 0,
    }
}

fn after_pushing(count: u64) -> Events {
    let mut events = Events::new();
    for sequence in 1..=count {
        assert!(events.push(raised(sequence)));
    }
    events
}

proptest! {
    #[test]
    fn following_the_cursor_gives_every_event_or_tells_how_many_were_missed(
        bursts in prop::collection::vec((0_u64..80, 0_u64..80), 1..20)
    ) {
        let mut events = Events::new();
        let mut cursor = EventCursor(0);
        let mut pushed = 0;
        let mut accounted = 0;
        for (pushes, reads) in bursts {
            for _ in 0..pushes {
                pushed += 1;
                events.push(raised(pushed));
            }
            for _ in 0..reads {
                let Some(event) = events.after(cursor).expect("the cursor is the app's last event")
                else {
                    prop_assert_eq!(accounted, pushed);
                    break;
                };
                prop_assert_eq!(event.number, cursor.0 + event.missed + 1);
                prop_assert_eq!(event.interrupt, event.number);
                prop_assert!(event.missed == 0 || event.number + REMEMBERED as u64 == pushed + 1);
                accounted += event.missed + 1;
                cursor = EventCursor(event.number);
            }
        }
        prop_assert_eq!(accounted, cursor.0);
    }
}

#[test]
fn a_cursor_at_the_newest_event_waits_for_what_comes() {
    let events = after_pushing(3);
    assert_eq!(events.after(EventCursor(3)), Ok(None));
}

#[test]
fn a_cursor_after_the_newest_event_is_refused() {
    assert_eq!(after_pushing(3).after(EventCursor(4)), Err(FutureCursor));
}

#[test]
fn an_interrupt_of_an_engine_is_no_event() {
    let mut events = Events::new();
    let engine = Snapshot {
        causes: Causes::FACTORIAL,
        ..raised(1)
    };
    assert!(!events.push(engine));
    assert_eq!(events.newest(), 0);
}

#[test]
fn an_event_tells_only_what_software_raised() {
    let mut events = Events::new();
    let both = Snapshot {
        causes: Causes::FACTORIAL | Causes::from_bits_retain(0x40),
        ..raised(1)
    };
    assert!(events.push(both));
    let event = events
        .after(EventCursor(0))
        .expect("in range")
        .expect("there");
    assert_eq!(event.causes.bits(), 0x40);
}
