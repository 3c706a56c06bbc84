//! Devices that are not left alone: what a scenario does to a device behind its driver's back.

use std::{cell::RefCell, rc::Rc, time::Duration};

use edu_lab::EduModel;
use kmdf_host::{
    device::{
        Assignment, Bus, Clock, DeviceError, Identity, PciFunction, Width, memory::SharedMemory,
    },
    time::VirtualTime,
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

impl PciFunction for Tampered {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn clock(&self) -> Clock {
        self.function.clock()
    }

    fn memory(&self) -> Option<Rc<SharedMemory>> {
        self.function.memory()
    }

    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        self.function.start(bus, assignment)?;
        self.act(Moment::Started, bus)
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.act(Moment::Stopping, bus)?;
        self.function.stop(bus)
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        let value = self.function.read(bus, bar, offset, width)?;
        self.act(Moment::Read(offset), bus)?;
        Ok(value)
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        self.function.write(bus, bar, offset, width, value)?;
        self.act(Moment::Written(offset), bus)
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        self.function.advance(bus, now)
    }

    fn next_event(&self) -> Option<VirtualTime> {
        self.function.next_event()
    }

    fn wait(&mut self, bus: &mut dyn Bus, limit: Duration) -> Result<(), DeviceError> {
        self.function.wait(bus, limit)
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

impl PciFunction for SharedModel {
    fn identity(&self) -> Identity {
        self.0.borrow().identity()
    }

    fn clock(&self) -> Clock {
        self.0.borrow().clock()
    }

    fn memory(&self) -> Option<Rc<SharedMemory>> {
        self.0.borrow().memory()
    }

    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        self.0.borrow_mut().start(bus, assignment)
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.0.borrow_mut().stop(bus)
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        self.0.borrow_mut().read(bus, bar, offset, width)
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        self.0.borrow_mut().write(bus, bar, offset, width, value)
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        self.0.borrow_mut().advance(bus, now)
    }

    fn next_event(&self) -> Option<VirtualTime> {
        self.0.borrow().next_event()
    }

    fn wait(&mut self, bus: &mut dyn Bus, limit: Duration) -> Result<(), DeviceError> {
        self.0.borrow_mut().wait(bus, limit)
    }
}
