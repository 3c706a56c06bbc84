//! Devices without hardware: what `devcon install FILE.inf ROOT\NAME` makes.

use std::time::Duration;

use super::{Answer, Assignment, Bus, Clock, DeviceError, Identity, PciFunction, Sent, Width};
use crate::time::VirtualTime;

/// A device that no bus finds and that has no hardware: PnP's root enumerates it, and it gets no
/// resources. It takes a slot of the machine like any other.
#[derive(Clone, Debug)]
pub struct RootDevice {
    id: String,
    /// What the driver below answers.
    below: fn(&Sent) -> Answer,
}

impl RootDevice {
    /// A device with that hardware id, `ROOT\ECHO` for example.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            below: |_| Answer::unknown(),
        }
    }

    /// The same above a driver that answers so: what a filter, or a driver of an upper layer, sends to
    /// its local I/O target.
    #[must_use]
    pub fn above(self, below: fn(&Sent) -> Answer) -> Self {
        Self { below, ..self }
    }
}

impl PciFunction for RootDevice {
    /// Nothing: no bus enumerates it.
    fn identity(&self) -> Identity {
        Identity {
            vendor: 0xFFFF,
            device: 0xFFFF,
            ..Identity::default()
        }
    }

    fn root_id(&self) -> Option<String> {
        Some(self.id.clone())
    }

    fn answer(&self, sent: &Sent) -> Answer {
        (self.below)(sent)
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn start(&mut self, _: &mut dyn Bus, _: &Assignment) -> Result<(), DeviceError> {
        Ok(())
    }

    fn stop(&mut self, _: &mut dyn Bus) -> Result<(), DeviceError> {
        Ok(())
    }

    fn read(&mut self, _: &mut dyn Bus, _: u8, _: u64, width: Width) -> Result<u64, DeviceError> {
        Ok(width.all_ones())
    }

    fn write(
        &mut self,
        _: &mut dyn Bus,
        _: u8,
        _: u64,
        _: Width,
        _: u64,
    ) -> Result<(), DeviceError> {
        Ok(())
    }

    fn advance(&mut self, _: &mut dyn Bus, _: VirtualTime) -> Result<(), DeviceError> {
        Ok(())
    }

    fn next_event(&self) -> Option<VirtualTime> {
        None
    }

    fn wait(&mut self, _: &mut dyn Bus, _: Duration) -> Result<(), DeviceError> {
        Ok(())
    }
}
