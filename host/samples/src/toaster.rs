//! The sample toaster: a PCI function with four registers. `toaster/toaster.h` describes it.

use std::time::Duration;

use kmdf_host::{
    device::{Assignment, Bar, Bus, Clock, DeviceError, Identity, PciFunction, Signal, Width},
    time::VirtualTime,
};

const MAGIC: u64 = 0x5453_4F54;
const ID: u64 = 0x00;
const DARKNESS: u64 = 0x04;
const POPPED: u64 = 0x08;
const EMPTY: u64 = 0x0C;
/// How long one degree of darkness takes.
const DEGREE: Duration = Duration::from_millis(100);

/// The device in software. Time is virtual: it toasts while somebody waits for it.
#[derive(Debug)]
pub struct ToasterDevice {
    now: VirtualTime,
    /// When the slice that is in pops up.
    done: Option<VirtualTime>,
    popped: bool,
}

impl ToasterDevice {
    /// One without a slice in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: VirtualTime::START,
            done: None,
            popped: false,
        }
    }

    /// The pin is asserted while a slice that has popped up is not taken out.
    fn set_popped(&mut self, bus: &mut dyn Bus, popped: bool) {
        if self.popped != popped {
            self.popped = popped;
            bus.signal(Signal::Line(popped));
        }
    }
}

impl Default for ToasterDevice {
    fn default() -> Self {
        Self::new()
    }
}

impl PciFunction for ToasterDevice {
    fn identity(&self) -> Identity {
        Identity {
            vendor: 0x1DED,
            device: 0x0010,
            subsystem_vendor: 0x1DED,
            subsystem: 0x0001,
            revision: 1,
            class: 0xFF_0000,
            bars: vec![Bar {
                index: 0,
                bytes: 4096,
                ..Bar::default()
            }],
            interrupt_pin: true,
            ..Identity::default()
        }
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn start(&mut self, _: &mut dyn Bus, _: &Assignment) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Without power nothing toasts.
    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.done = None;
        self.set_popped(bus, false);
        Ok(())
    }

    fn read(
        &mut self,
        _: &mut dyn Bus,
        _: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        Ok(match (offset, width) {
            (ID, Width::Dword) => MAGIC,
            (POPPED, Width::Dword) => self.popped.into(),
            _ => width.all_ones(),
        })
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        _: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        match (offset, width) {
            (DARKNESS, Width::Dword) => {
                let degrees = u32::try_from(value).unwrap_or(u32::MAX);
                self.done = (degrees > 0).then(|| self.now + DEGREE * degrees);
                self.set_popped(bus, false);
            }
            (EMPTY, Width::Dword) => self.set_popped(bus, false),
            _ => {}
        }
        Ok(())
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        self.now = now;
        if self.done.is_some_and(|done| done <= now) {
            self.done = None;
            self.set_popped(bus, true);
        }
        Ok(())
    }

    fn next_event(&self) -> Option<VirtualTime> {
        self.done
    }

    fn wait(&mut self, _: &mut dyn Bus, _: Duration) -> Result<(), DeviceError> {
        Ok(())
    }
}
