//! Alarms: what happens at a moment of the clock. Timers and waits with a limit are made of them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use kmdf_bus::time::VirtualTime;

use crate::machine::Machine;

/// Identifies an alarm that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alarm {
    time: VirtualTime,
    /// In the order they were set in.
    number: u64,
}

type Action = Rc<dyn Fn(&Machine)>;

/// The alarms that are set.
#[derive(Default)]
pub(crate) struct Alarms {
    set: RefCell<BTreeMap<Alarm, Action>>,
    next: Cell<u64>,
}

impl Machine {
    /// Sets an alarm. Its action runs outside of every flow: it may queue DPCs and start flows.
    pub fn at(&self, time: VirtualTime, action: impl Fn(&Self) + 'static) -> Alarm {
        let alarms = &self.alarms;
        let number = alarms.next.get();
        alarms.next.set(number + 1);
        let alarm = Alarm { time, number };
        alarms.set.borrow_mut().insert(alarm, Rc::new(action));
        alarm
    }

    /// Takes an alarm back; `false` when it has gone off.
    pub fn cancel_alarm(&self, alarm: Alarm) -> bool {
        self.alarms.set.borrow_mut().remove(&alarm).is_some()
    }

    /// When the next alarm goes off.
    pub(crate) fn next_alarm(&self) -> Option<VirtualTime> {
        let set = self.alarms.set.borrow();
        set.keys().next().map(|alarm| alarm.time)
    }

    /// How long it is until the next alarm goes off.
    pub(crate) fn until_next_alarm(&self) -> Option<Duration> {
        self.next_alarm().map(|time| time - self.now())
    }

    /// Lets every alarm go off that is due.
    pub(crate) fn ring(&self, now: VirtualTime) {
        loop {
            let due = {
                let mut set = self.alarms.set.borrow_mut();
                match set.first_entry() {
                    Some(first) if first.key().time <= now => first.remove(),
                    _ => return,
                }
            };
            due(self);
        }
    }

    /// Gives up the processor until `condition` holds or the moment has come.
    pub fn block_until_or(
        &self,
        deadline: VirtualTime,
        condition: impl Fn(&Self) -> bool + 'static,
    ) {
        let alarm = self.at(deadline, |_| {});
        self.block_until(move |machine| condition(machine) || machine.now() >= deadline);
        self.cancel_alarm(alarm);
    }
}
