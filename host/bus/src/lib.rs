//! The interface between devices and the host: the host uses every PCI function as a
//! [`PciFunction`].
//!
//! A function gets what PnP has assigned to it, is read and written through its BARs, and uses its
//! [`Bus`] for interrupts (a message, or a level of its pin) and DMA. A function whose clock is
//! [`Clock::Virtual`] changes by itself only in [`PciFunction::advance`], so a run replays exactly. A
//! function whose clock is [`Clock::Real`] is outside of this process.

#![cfg(unix)]

mod below;
mod config_space;
pub mod memory;
mod root;
pub mod time;
pub mod wrapper;

pub use below::{Answer, Sent, SentKind};
pub use config_space::ConfigSpace;
pub use root::RootDevice;

use std::{rc::Rc, time::Duration};

use kmdf_rules::Rule;
use thiserror::Error;

use self::memory::SharedMemory;
use crate::time::VirtualTime;

/// Width of one register access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// 1 byte
    Byte,
    /// 2 bytes
    Word,
    /// 4 bytes
    Dword,
    /// 8 bytes
    Qword,
}

impl Width {
    /// The width in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
            Self::Qword => 8,
        }
    }

    /// The width of that many bytes, if there is one.
    #[must_use]
    pub const fn of(bytes: usize) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Word),
            4 => Some(Self::Dword),
            8 => Some(Self::Qword),
            _ => None,
        }
    }

    /// All bits of a value of this width: what a read gives when nothing answers it.
    #[must_use]
    pub const fn all_ones(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// What enumeration reads from a function's configuration space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Subsystem vendor id.
    pub subsystem_vendor: u16,
    /// Subsystem id.
    pub subsystem: u16,
    /// Revision id.
    pub revision: u8,
    /// Base class, sub-class, programming interface: `0xBBSSPP`.
    pub class: u32,
    /// The BARs it decodes.
    pub bars: Vec<Bar>,
    /// How many messages its MSI capability offers; 0 without one.
    pub messages: u32,
    /// Its MSI-X capability, if it has one. It is preferred to MSI.
    pub msix: Option<Msix>,
    /// Its other capabilities, each from its id on. The second byte of each is its link, which is filled
    /// in.
    pub capabilities: Vec<Vec<u8>>,
    /// Whether it has an interrupt pin.
    pub interrupt_pin: bool,
    /// Whether the firmware says that its line can wake it (CM_RESOURCE_INTERRUPT_WAKE_HINT; in ACPI, SharedAndWake). No
    /// line of a PCI function can.
    pub wakes_by_line: bool,
}

impl Identity {
    /// How many messages it can send.
    #[must_use]
    pub fn most_messages(&self) -> u32 {
        self.msix.map_or(self.messages, |msix| msix.messages.into())
    }
}

/// An MSI-X capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msix {
    /// How many entries its table has: as many messages can be sent.
    pub messages: u16,
    /// Where the table is: the index of a BAR, and the offset in it.
    pub table: (u8, u32),
    /// Where the pending bits are.
    pub pending: (u8, u32),
}

/// A BAR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Index, 0 to 5.
    pub index: u8,
    /// Length in bytes, a power of two.
    pub bytes: u64,
    /// Whether it takes a 64-bit address.
    pub wide: bool,
    /// Whether reads have no side effect.
    pub prefetchable: bool,
    /// Whether it is of I/O ports, and not of memory.
    pub ports: bool,
}

/// What PnP assigned to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Base address for each BAR of [`Identity::bars`], in its order.
    pub bars: Vec<u64>,
    /// How it may interrupt.
    pub interrupt: InterruptMode,
}

/// How a started function may interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptMode {
    /// Not at all.
    None,
    /// By the level of its interrupt pin.
    Line,
    /// By that many messages, at most [`Identity::most_messages`].
    Messages(u32),
}

/// What a function sends without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The message with that number, counted from 0; with MSI-X, that of this entry of the table.
    Message(u32),
    /// Its interrupt pin has that level now: asserted or not.
    Line(bool),
}

/// The rest of the machine, as a function sees it.
pub trait Bus {
    /// Takes a signal. It is delivered when a processor can take it, never inside this call.
    fn signal(&mut self, signal: Signal);

    /// Reads memory by DMA. Bytes at addresses without memory read all ones.
    fn read_memory(&mut self, address: u64, bytes: &mut [u8]);

    /// Writes memory by DMA. Bytes at addresses without memory are dropped.
    fn write_memory(&mut self, address: u64, bytes: &[u8]);

    /// Takes note that the driver misused the device. Only a model can tell; hardware answers a
    /// misuse with whatever it does. A bus that checks nothing ignores it.
    fn misuse(&mut self, misuse: Misuse) {
        drop(misuse);
    }
}

/// Something a driver must not do to a device, whatever the device makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// The rule that was broken: of the families *registers* and *dma*,
    /// or the device's own.
    pub rule: &'static Rule,
    /// What was done: register, value.
    pub detail: String,
}

/// Whose clock a function runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The host's: the function changes only when it is accessed or advanced.
    Virtual,
    /// The machine's: the function lives outside this process and answers when it does.
    Real,
}

/// Why a function could not do what it was asked. The device as such has failed, not the driver.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// A program or file that the device is made of is missing.
    #[error("{what} is not there: {hint}")]
    Missing {
        /// What was looked for.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// It is described by what there is not.
    #[error("{what}: {problem}")]
    Refused {
        /// What describes it.
        what: String,
        /// What is wrong with that.
        problem: String,
    },
    /// The device ended in the middle of a run.
    #[error("the device died while {during}: {how}")]
    Died {
        /// What it was asked for.
        during: String,
        /// What is known of its end: exit status, last words.
        how: String,
    },
    /// The device answered what its protocol does not allow.
    #[error("the device answered {answer:?} while {during}")]
    Protocol {
        /// What it was asked for.
        during: String,
        /// What it said.
        answer: String,
    },
    /// The device did not answer in time.
    #[error("the device did not answer within {limit:?} while {during}")]
    Silent {
        /// What it was asked for.
        during: String,
        /// How long it was waited for.
        limit: Duration,
    },
}

/// One PCI function.
pub trait PciFunction {
    /// What enumeration finds. The same for the life of the function.
    fn identity(&self) -> Identity;

    /// The hardware id that it is found by, where no bus enumerates it: see [`RootDevice`].
    fn root_id(&self) -> Option<String> {
        None
    }

    /// What the driver below the tested one answers to a request that is sent down to it: a bus driver
    /// knows none.
    fn answer(&self, sent: &Sent) -> Answer {
        let _ = sent;
        Answer::unknown()
    }

    /// Whose clock it runs by.
    fn clock(&self) -> Clock;

    /// The physical memory that its DMA goes to, where it brings its own. One without does its DMA
    /// through [`Bus::read_memory`] and [`Bus::write_memory`].
    fn memory(&self) -> Option<Rc<SharedMemory>> {
        None
    }

    /// Whether configuration space and MSI-X table are its own, as hardware has them. For a function that
    /// has none of its own there are those that its [`Identity`] describes: see [`ConfigSpace`].
    fn has_config_space(&self) -> bool {
        false
    }

    /// Whether the processors see its memory at other addresses than its bus does, as behind a bridge that
    /// translates.
    fn is_translated(&self) -> bool {
        true
    }

    /// Reads its own configuration space.
    ///
    /// # Errors
    /// The device failed.
    fn read_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
    ) -> Result<u64, DeviceError> {
        let _ = (bus, offset);
        Ok(width.all_ones())
    }

    /// Writes its own configuration space.
    ///
    /// # Errors
    /// The device failed.
    fn write_config(
        &mut self,
        bus: &mut dyn Bus,
        offset: u16,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        let _ = (bus, offset, width, value);
        Ok(())
    }

    /// Writes an entry of its own MSI-X table, so that it sends the message with that number, or holds it
    /// back as pending while the entry is masked. [`PciFunction::start`] leaves all entries masked.
    ///
    /// # Errors
    /// The device failed.
    fn set_message(
        &mut self,
        bus: &mut dyn Bus,
        entry: u32,
        message: u32,
        masked: bool,
    ) -> Result<(), DeviceError> {
        let _ = (bus, entry, message, masked);
        Ok(())
    }

    /// Enters D0 with these resources: BARs decoded, bus mastering on, interrupts of this mode.
    ///
    /// # Errors
    /// The device failed.
    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError>;

    /// Leaves D0: BARs off, no signals from now on. Registers keep their values.
    ///
    /// # Errors
    /// The device failed.
    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError>;

    /// Reads a register. An access that the device does not decode reads all ones.
    ///
    /// # Errors
    /// The device failed.
    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError>;

    /// Writes a register. An access that the device does not decode is dropped.
    ///
    /// # Errors
    /// The device failed.
    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError>;

    /// Does everything that is due up to `now`, in order. For [`Clock::Virtual`]. What has been done
    /// already is not done again where `now` is earlier than it was the last time: a device may have been
    /// ahead of the clock.
    ///
    /// # Errors
    /// The device failed: what was due is what a real one does not survive.
    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError>;

    /// Why it may still interrupt, if its driver has left it so: asked when the device has left D0.
    fn left_on(&self) -> Option<String> {
        None
    }

    /// When it changes next by itself, if it will. For [`Clock::Virtual`].
    fn next_event(&self) -> Option<VirtualTime>;

    /// Takes what the device has sent, waiting up to `limit` for it when nothing is there yet.
    /// For [`Clock::Real`].
    ///
    /// # Errors
    /// The device failed.
    fn wait(&mut self, bus: &mut dyn Bus, limit: Duration) -> Result<(), DeviceError>;
}
