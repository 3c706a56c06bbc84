//! What an exploration asks of a host, and what it finds: nothing, where nobody explores.

use std::{cell::RefCell, rc::Rc};

use super::{coverage::Coverage, failing::Failing, moment::Moments, stepping::Stepping};
use crate::{File, Irp, host::Host};

/// Makes the device interrupt for a reason of its own.
pub(crate) type Raise = Rc<dyn Fn(&Host)>;

/// A host's part in an exploration.
#[derive(Default)]
pub(crate) struct Explorer {
    pub(crate) stepping: Stepping,
    pub(crate) failing: Failing,
    pub(crate) coverage: Coverage,
    pub(crate) moments: Moments,
    /// The requests that the scenario has sent and that may not have ended.
    pub(crate) pending: RefCell<Vec<Rc<Irp>>>,
    /// All requests that it has sent.
    pub(crate) sent: RefCell<Vec<Rc<Irp>>>,
    /// The files that the scenario has opened.
    pub(crate) files: RefCell<Vec<Rc<File>>>,
    pub(crate) raise: RefCell<Option<Raise>>,
}

impl Explorer {
    /// A scenario has sent a request.
    pub(crate) fn note(&self, irp: &Rc<Irp>) {
        let mut pending = self.pending.borrow_mut();
        pending.retain(|other| !other.is_finished());
        pending.push(Rc::clone(irp));
        self.sent.borrow_mut().push(Rc::clone(irp));
    }
}
