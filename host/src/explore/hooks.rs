//! What an exploration asks of a host, and what it finds: nothing, where nobody explores.

use std::{cell::RefCell, rc::Rc};

use super::{coverage::Coverage, failing::Failing, stepping::Stepping};
use crate::{Irp, host::Host};

/// Makes the device interrupt for a reason of its own.
pub(crate) type Raise = Rc<dyn Fn(&Host)>;

/// A host's part in an exploration.
#[derive(Default)]
pub(crate) struct Explorer {
    pub(crate) stepping: Stepping,
    pub(crate) failing: Failing,
    pub(crate) coverage: Coverage,
    /// The requests that the scenario has sent.
    pub(crate) pending: RefCell<Vec<Rc<Irp>>>,
    pub(crate) raise: RefCell<Option<Raise>>,
}
