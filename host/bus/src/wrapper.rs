//! Functions around other functions: to record what passes, or to meddle with it.

use std::{rc::Rc, time::Duration};

use super::{
    Answer, Assignment, Bus, Clock, DeviceError, Identity, PciFunction, Sent, Width,
    memory::SharedMemory,
};
use crate::time::VirtualTime;

/// Something that a function is told to do: the methods of [`PciFunction`] that change it.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// [`PciFunction::start`]
    Start(&'a Assignment),
    /// [`PciFunction::stop`]
    Stop,
    /// [`PciFunction::read`]
    Read {
        /// Index of the BAR.
        bar: u8,
        /// Offset in it.
        offset: u64,
        /// Width of the access.
        width: Width,
    },
    /// [`PciFunction::write`]
    Write {
        /// Index of the BAR.
        bar: u8,
        /// Offset in it.
        offset: u64,
        /// Width of the access.
        width: Width,
        /// What is written.
        value: u64,
    },
    /// [`PciFunction::read_config`]
    ReadConfig {
        /// Offset in configuration space.
        offset: u16,
        /// Width of the access.
        width: Width,
    },
    /// [`PciFunction::write_config`]
    WriteConfig {
        /// Offset in configuration space.
        offset: u16,
        /// Width of the access.
        width: Width,
        /// What is written.
        value: u64,
    },
    /// [`PciFunction::set_message`]
    SetMessage {
        /// The entry of the table.
        entry: u32,
        /// The message it sends.
        message: u32,
        /// Whether it holds it back.
        masked: bool,
    },
    /// [`PciFunction::advance`]
    Advance(VirtualTime),
    /// [`PciFunction::wait`]
    Wait(Duration),
}

impl Request<'_> {
    /// Has a function do it. Gives what was read, 0 where nothing is.
    ///
    /// # Errors
    /// The device failed.
    pub fn perform(
        self,
        function: &mut dyn PciFunction,
        bus: &mut dyn Bus,
    ) -> Result<u64, DeviceError> {
        match self {
            Self::Start(assignment) => function.start(bus, assignment)?,
            Self::Stop => function.stop(bus)?,
            Self::Read { bar, offset, width } => return function.read(bus, bar, offset, width),
            Self::Write {
                bar,
                offset,
                width,
                value,
            } => function.write(bus, bar, offset, width, value)?,
            Self::ReadConfig { offset, width } => return function.read_config(bus, offset, width),
            Self::WriteConfig {
                offset,
                width,
                value,
            } => function.write_config(bus, offset, width, value)?,
            Self::SetMessage {
                entry,
                message,
                masked,
            } => function.set_message(bus, entry, message, masked)?,
            Self::Advance(now) => function.advance(bus, now)?,
            Self::Wait(limit) => function.wait(bus, limit)?,
        }
        Ok(0)
    }
}

/// A function around another: a [`PciFunction`] that says only what it does otherwise.
pub trait Wrapper {
    /// Looks at the function inside.
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R;

    /// Does what it is told, as a rule by [`Request::perform`] with the function inside. Gives what was
    /// read, 0 where nothing is.
    ///
    /// # Errors
    /// The device failed.
    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError>;

    /// What enumeration finds.
    fn identity(&self) -> Identity {
        self.look(|function| function.identity())
    }
}

impl<W: Wrapper> PciFunction for W {
    fn identity(&self) -> Identity {
        Wrapper::identity(self)
    }

    fn root_id(&self) -> Option<String> {
        self.look(|function| function.root_id())
    }

    fn answer(&self, sent: &Sent) -> Answer {
        self.look(|function| function.answer(sent))
    }

    fn clock(&self) -> Clock {
        self.look(|function| function.clock())
    }

    fn memory(&self) -> Option<Rc<SharedMemory>> {
        self.look(|function| function.memory())
    }

    fn has_config_space(&self) -> bool {
        self.look(|function| function.has_config_space())
    }

    fn is_translated(&self) -> bool {
        self.look(|function| function.is_translated())
    }

    fn read_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
    ) -> Result<u64, DeviceError> {
        self.perform(bus, Request::ReadConfig { offset, width })
    }

    fn write_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        let request = Request::WriteConfig {
            offset,
            width,
            value,
        };
        self.perform(bus, request).map(drop)
    }

    fn set_message(
        &mut self,
        bus: &mut dyn Bus,
        entry: u32,
        message: u32,
        masked: bool,
    ) -> Result<(), DeviceError> {
        let request = Request::SetMessage {
            entry,
            message,
            masked,
        };
        self.perform(bus, request).map(drop)
    }

    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        self.perform(bus, Request::Start(assignment)).map(drop)
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.perform(bus, Request::Stop).map(drop)
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        self.perform(bus, Request::Read { bar, offset, width })
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        let request = Request::Write {
            bar,
            offset,
            width,
            value,
        };
        self.perform(bus, request).map(drop)
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        self.perform(bus, Request::Advance(now)).map(drop)
    }

    fn next_event(&self) -> Option<VirtualTime> {
        self.look(|function| function.next_event())
    }

    fn wait(&mut self, bus: &mut dyn Bus, limit: Duration) -> Result<(), DeviceError> {
        self.perform(bus, Request::Wait(limit)).map(drop)
    }
}
