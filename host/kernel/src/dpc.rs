//! DPCs that can be taken back.

use std::{cell::Cell, rc::Rc};

use kmdf_machine::{Dpc, Layer, Machine};

/// A DPC that can be taken back before it runs.
pub struct Deferred {
    armed: Rc<Cell<bool>>,
    dpc: Rc<Dpc>,
}

impl Deferred {
    /// A DPC that runs `routine` at DISPATCH_LEVEL.
    #[must_use]
    pub fn new<L: Layer>(name: String, routine: impl Fn(&L) + 'static) -> Self {
        let armed = Rc::new(Cell::new(false));
        let flag = Rc::clone(&armed);
        let dpc = Dpc::new(name, move |layer: &L| {
            if flag.replace(false) {
                routine(layer);
            }
        });
        Self { armed, dpc }
    }

    /// Queues it; `false` when it is queued already.
    pub fn enqueue(&self, machine: &Machine) -> bool {
        if self.armed.replace(true) {
            self.follows(machine);
            return false;
        }
        machine.queue_dpc(&self.dpc);
        true
    }

    /// What is done before this comes before its next run, though something else queues it: a timer that
    /// is set here.
    pub fn follows(&self, machine: &Machine) {
        self.dpc.follows(machine);
    }

    /// Whether it is queued.
    pub(crate) fn is_queued(&self) -> bool {
        self.armed.get()
    }

    /// Takes it back; `false` when it was not queued.
    #[must_use]
    pub fn cancel(&self) -> bool {
        self.armed.replace(false)
    }

    /// Waits until it runs nowhere.
    pub fn flush(&self, machine: &Machine) {
        self.dpc.flush(machine);
    }
}
