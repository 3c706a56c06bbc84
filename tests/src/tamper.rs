//! Devices that are not left alone: what a scenario does to a device behind its driver's back.

use std::{cell::RefCell, rc::Rc};

use edu_lab::EduModel;
use kmdf_host::device::{
    Bus, DeviceError, Identity, PciFunction,
    wrapper::{Request, Wrapper},
};

/// A moment at which a scenario may act on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has just been started: BARs are on, the driver has not touched it yet.
    Started,
    /// It is about to be stopped.
    Stopping,
    /// The driver has just read this offset of BAR 0.
    Read(u64),
    /// The driver has just written this offset of BAR 0.
    Written(u64),
}

/// What a scenario does at a moment. It accesses the device as another owner of the bus would; the
/// accesses are not the driver's and not in its trace.
pub type Act =
    Box<dyn FnMut(Moment, &mut dyn PciFunction, &mut dyn Bus) -> Result<(), DeviceError>>;

/// A function to which something is done now and then.
pub struct Tampered {
    function: Box<dyn PciFunction>,
    identity: Identity,
    act: Act,
}

impl Tampered {
    /// Wraps a function.
    #[must_use]
    pub fn new(function: Box<dyn PciFunction>, act: Act) -> Self {
        Self {
            identity: function.identity(),
            function,
            act,
        }
    }

    /// Shows enumeration something else than the function's own identity.
    #[must_use]
    pub fn with_identity(mut self, change: impl FnOnce(&mut Identity)) -> Self {
        change(&mut self.identity);
        self
    }

    fn act(&mut self, moment: Moment, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        (self.act)(moment, self.function.as_mut(), bus)
    }
}

/// Does nothing, at any moment.
#[must_use]
pub fn nothing() -> Act {
    Box::new(|_, _, _| Ok(()))
}

impl Wrapper for Tampered {
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R {
        body(self.function.as_ref())
    }

    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        let moment = match request {
            Request::Start(_) => Some(Moment::Started),
            Request::Read { offset, .. } => Some(Moment::Read(offset)),
            Request::Write { offset, .. } => Some(Moment::Written(offset)),
            Request::Stop => {
                self.act(Moment::Stopping, bus)?;
                None
            }
            Request::ReadConfig { .. }
            | Request::WriteConfig { .. }
            | Request::SetMessage { .. }
            | Request::Advance(_)
            | Request::Wait(_) => None,
        };
        let value = request.perform(self.function.as_mut(), bus)?;
        if let Some(moment) = moment {
            self.act(moment, bus)?;
        }
        Ok(value)
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }
}

/// A model that the scenario keeps a hand on.
#[derive(Clone, Debug)]
pub struct SharedModel(Rc<RefCell<EduModel>>);

impl SharedModel {
    /// A device just switched on.
    #[must_use]
    pub fn new(config: edu_model::Config) -> Self {
        Self(Rc::new(RefCell::new(EduModel::new(config))))
    }

    /// Looks at the model, or changes it.
    ///
    /// # Panics
    /// It is in the middle of an access.
    pub fn with<R>(&self, body: impl FnOnce(&mut edu_model::Edu) -> R) -> R {
        body(self.0.borrow_mut().edu_mut())
    }
}

impl Wrapper for SharedModel {
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R {
        body(&*self.0.borrow())
    }

    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        request.perform(&mut *self.0.borrow_mut(), bus)
    }
}
