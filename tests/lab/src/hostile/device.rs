//! A device that may do anything that hardware can do to a driver.
//!
//! It is the model, and between the model and the bus somebody who lies. What it cannot do is what no
//! driver survives: keep its line asserted for ever (the host ends such a run as a storm, by the rules
//! IsrUnacked and InterruptStorm, as the machine would hang), and write to memory that was not given
//! to it, against which only an IOMMU helps.

use edu_model::Config;
use edu_spec::registers::{WIDE_REGISTERS, offset};
use kmdf_host::device::{
    Bus, DeviceError, InterruptMode, Misuse, PciFunction, Signal, Width,
    wrapper::{Request, Wrapper},
};

use super::bytes::Bytes;
use crate::EduModel;

/// The register that starts a transfer.
const DMA_COMMAND: u64 = offset::DMA_COMMAND as u64;
/// What a driver must not do, whatever a device has told it.
const NEVER: [&str; 3] = ["DmaOutOfMask", "DmaOutOfBounds", "RegisterWidth"];
/// How many times an access finds the line still asserted before it is let go.
const LINE_PATIENCE: u32 = 200;
/// How many interrupts a storm has.
const STORM: usize = 40;
/// One access in this many is lied about.
const LIES: usize = 6;

/// The device.
#[derive(Debug)]
pub(super) struct HostileDevice {
    model: EduModel,
    bytes: Bytes,
    mode: InterruptMode,
    /// Whether it has pulled itself out.
    removed: bool,
    /// Whether what the model sends is swallowed.
    mute: bool,
    /// Bits of a register that read 1: its offset, and the bits.
    stuck: Option<(u64, u64)>,
    /// For how many accesses its line stays asserted without a cause.
    asserted: u32,
}

/// The bus, as the model sees it.
struct Filter<'a> {
    bus: &'a mut dyn Bus,
    mute: bool,
    asserted: bool,
}

impl Bus for Filter<'_> {
    fn signal(&mut self, signal: Signal) {
        // A line that is asserted for its own reasons stays so; one that is muted can still fall.
        let swallowed = match signal {
            Signal::Line(false) => self.asserted,
            _ => self.mute,
        };
        if !swallowed {
            self.bus.signal(signal);
        }
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        self.bus.read_memory(address, bytes);
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        self.bus.write_memory(address, bytes);
    }

    /// A driver that is lied to does what would be wrong if it were not.
    fn misuse(&mut self, misuse: Misuse) {
        if NEVER.contains(&misuse.rule.name) {
            self.bus.misuse(misuse);
        }
    }
}

impl HostileDevice {
    pub(super) fn new(config: Config, bytes: Bytes) -> Self {
        Self {
            model: EduModel::new(config),
            bytes,
            mode: InterruptMode::None,
            removed: false,
            mute: false,
            stuck: None,
            asserted: 0,
        }
    }

    /// Has the model do it.
    fn pass(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        let mut filter = Filter {
            bus,
            mute: self.mute || self.removed,
            asserted: self.asserted > 0,
        };
        request.perform(&mut self.model, &mut filter)
    }

    /// An interrupt without a cause.
    fn interrupt(&mut self, bus: &mut dyn Bus) {
        match self.mode {
            _ if self.removed => {}
            InterruptMode::None => {}
            InterruptMode::Line => {
                self.asserted = 1 + u32::from(self.bytes.byte()) % LINE_PATIENCE;
                bus.signal(Signal::Line(true));
            }
            InterruptMode::Messages(count) => {
                let message = u32::from(self.bytes.byte()) % count.max(1);
                bus.signal(Signal::Message(message));
            }
        }
    }

    /// Causes that nothing has brought about: of an engine, of software, of nobody.
    fn raise(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        let causes = match self.bytes.below(4) {
            0 => 0x1,
            1 => 0x100,
            2 => 0x101,
            _ => self.bytes.word(),
        };
        let request = Request::Write {
            bar: 0,
            offset: offset::INTERRUPT_RAISE as u64,
            width: Width::Dword,
            value: causes.into(),
        };
        self.pass(bus, request).map(drop)
    }

    /// Something that happens beside an access, if something does.
    fn misbehave(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.let_go(bus);
        if self.bytes.is_empty() || self.bytes.below(LIES) != 0 {
            return Ok(());
        }
        match self.bytes.below(8) {
            0 => self.interrupt(bus),
            1 | 2 => self.raise(bus)?,
            3 => {
                for _ in 0..STORM {
                    self.interrupt(bus);
                }
            }
            4 => self.mute = !self.mute,
            5 => {
                let register = [
                    offset::FACTORIAL,
                    offset::STATUS,
                    offset::INTERRUPT_STATUS,
                    offset::DMA_COMMAND,
                ][self.bytes.below(4)];
                // All ones on a line that is asserted would be a storm: nobody's, and for ever.
                let bits = self.bytes.word() & (u32::MAX >> 1);
                self.stuck = Some((register as u64, bits.into()));
            }
            6 => self.stuck = None,
            _ => {
                self.removed = true;
                self.asserted = 0;
                bus.signal(Signal::Line(false));
            }
        }
        Ok(())
    }

    /// The line is not asserted for ever, and a register not stuck for ever while it is.
    fn let_go(&mut self, bus: &mut dyn Bus) {
        if self.asserted > 0 {
            self.asserted -= 1;
            if self.asserted == 0 {
                bus.signal(Signal::Line(false));
            }
        }
    }

    /// A read, as it is answered.
    fn lie(&mut self, register: u64, width: Width, truth: u64) -> u64 {
        let truth = match self.stuck {
            Some((stuck, bits)) if stuck == register => truth | bits,
            _ => truth,
        };
        if self.bytes.is_empty() || self.bytes.below(LIES) != 0 {
            return truth;
        }
        match self.bytes.below(5) {
            0 => width.all_ones(),
            1 => 0,
            2 => truth ^ 1 << self.bytes.below(8 * width.bytes()),
            _ => self.bytes.wide() & width.all_ones(),
        }
    }
}

impl Wrapper for HostileDevice {
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R {
        body(&self.model)
    }

    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        match request {
            Request::Start(assignment) => {
                self.mode = assignment.interrupt;
                self.pass(bus, request)
            }
            Request::Stop => {
                self.asserted = 0;
                self.mode = InterruptMode::None;
                self.pass(bus, request)
            }
            Request::Read { offset, width, .. } => {
                self.misbehave(bus)?;
                if self.removed {
                    return Ok(width.all_ones());
                }
                let truth = self.pass(bus, request)?;
                Ok(self.lie(offset, width, truth))
            }
            Request::Write { offset, .. } => {
                self.misbehave(bus)?;
                // A write may be lost; not one that says where a transfer goes, for then the transfer
                // would be the device's idea.
                let program = (WIDE_REGISTERS as u64..DMA_COMMAND).contains(&offset);
                let lost = !program && !self.bytes.is_empty() && self.bytes.below(4 * LIES) == 1;
                if self.removed || lost {
                    return Ok(0);
                }
                self.pass(bus, request)
            }
            Request::Advance(now) => {
                let due = self.model.next_event().is_some_and(|due| due <= now);
                self.pass(bus, request)?;
                if due {
                    self.misbehave(bus)?;
                }
                Ok(0)
            }
            Request::ReadConfig { .. }
            | Request::WriteConfig { .. }
            | Request::SetMessage { .. } => self.pass(bus, request),
            // Its clock is virtual: nothing comes by waiting.
            Request::Wait(_) => Ok(0),
        }
    }
}
