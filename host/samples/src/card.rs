//! The sample card: a PCI function with I/O ports, MSI-X and a capability of its own. `card/card.h` describes it.

use std::time::Duration;

use kmdf_host::{
    device::{
        Assignment, Bar, Bus, Clock, DeviceError, Identity, Msix, PciFunction, Signal, Width,
    },
    time::VirtualTime,
};

const ID: u64 = 0x00;
const RING: u64 = 0x04;
const WIDTH: u64 = 0x08;
const STREAM: u64 = 0x0C;
const SUM: u64 = 0x10;
const MAGIC: u64 = 0x4452_4143;
const PORTS: u8 = 0;
const MEMORY: u8 = 2;
/// How many messages it has.
const MESSAGES: u16 = 5;

/// The card in software. It does at once what it is told.
#[derive(Debug, Default)]
pub struct CardDevice {
    count: u64,
    sum: u64,
}

impl PciFunction for CardDevice {
    fn identity(&self) -> Identity {
        Identity {
            vendor: 0x1DED,
            device: 0x0020,
            subsystem_vendor: 0x1DED,
            subsystem: 0x0002,
            revision: 1,
            class: 0xFF_0000,
            bars: vec![
                Bar {
                    index: PORTS,
                    bytes: 32,
                    ports: true,
                    ..Bar::default()
                },
                Bar {
                    index: MEMORY,
                    bytes: 4096,
                    ..Bar::default()
                },
            ],
            msix: Some(Msix {
                messages: MESSAGES,
                table: (MEMORY, 0),
                pending: (MEMORY, 0x800),
            }),
            capabilities: vec![vec![0x09, 0, 4, 0x5A]],
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

    fn stop(&mut self, _: &mut dyn Bus) -> Result<(), DeviceError> {
        Ok(())
    }

    fn read(
        &mut self,
        _: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        Ok(match (bar, offset) {
            (PORTS, ID) => MAGIC,
            (PORTS, WIDTH) => width.bytes() as u64 * 0x0101_0101,
            (PORTS, STREAM) => {
                self.count += 1;
                self.count
            }
            (PORTS, SUM) => self.sum,
            _ => width.all_ones(),
        })
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        _: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        match (bar, offset) {
            (PORTS, RING) => bus.signal(Signal::Message(u32::try_from(value).unwrap_or(u32::MAX))),
            (PORTS, STREAM) => self.sum += value,
            _ => {}
        }
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
