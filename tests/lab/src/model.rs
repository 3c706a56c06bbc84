//! The model as a PCI function of the host.

use std::time::Duration;

use edu_model::{Config, Edu, Interrupts, Machine, Messages, Misuse as EduMisuse};
use edu_spec::{interface, registers};
use kmdf_host::{
    Host,
    device::{
        Assignment, Bar, Bus, Clock, DeviceError, Identity, InterruptMode, Misuse, PciFunction,
        Signal, Width,
    },
    rules,
    time::VirtualTime,
};

/// Subsystem ids that QEMU gives every device without ids of its own.
const QEMU_SUBSYSTEM_VENDOR: u16 = 0x1AF4;
const QEMU_SUBSYSTEM: u16 = 0x1100;

/// The edu model as a PCI function.
#[derive(Clone, Debug)]
pub struct EduModel {
    edu: Edu,
    wakes: bool,
}

impl EduModel {
    /// A device just switched on.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            edu: Edu::new(config),
            wakes: false,
        }
    }

    /// One whose line can wake it, as the firmware says: see [`Identity::wakes_by_line`].
    #[must_use]
    pub fn waking(self) -> Self {
        Self {
            wakes: true,
            ..self
        }
    }

    /// The model itself, to look at it or to do to it what no bus can.
    pub const fn edu_mut(&mut self) -> &mut Edu {
        &mut self.edu
    }

    /// Pulls the device out: from now on it reads all ones and sends nothing.
    pub fn remove(&mut self, bus: &mut dyn Bus) {
        self.edu.remove(&mut OnBus(bus));
    }

    fn alive(&self) -> Result<(), DeviceError> {
        match self.edu.fatal() {
            None => Ok(()),
            Some(fatal) => Err(DeviceError::Died {
                during: "it finished a DMA transfer".to_owned(),
                how: fatal.to_string(),
            }),
        }
    }
}

/// A cause that only software raises.
pub(crate) const SOFTWARE_CAUSE: u32 = 0x8;

/// Has the edu device in slot 0 raise a cause that only software raises.
pub fn raise_cause(host: &Host) {
    let offset = registers::offset::INTERRUPT_RAISE as u64;
    host.poke(0, 0, offset, Width::Dword, SOFTWARE_CAUSE.into());
}

/// The host's bus as the model sees it.
struct OnBus<'a>(&'a mut dyn Bus);

impl Machine for OnBus<'_> {
    fn message(&mut self, number: u32) {
        self.0.signal(Signal::Message(number));
    }

    fn line(&mut self, asserted: bool) {
        self.0.signal(Signal::Line(asserted));
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        self.0.read_memory(address, bytes);
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        self.0.write_memory(address, bytes);
    }

    fn misuse(&mut self, misuse: EduMisuse) {
        self.0.misuse(Misuse {
            rule: match misuse {
                EduMisuse::Width { .. } => &rules::REGISTER_WIDTH,
                EduMisuse::Undecoded { .. } => &rules::REGISTER_UNDECODED,
                EduMisuse::FactorialWhileComputing { .. } => &rules::REGISTER_BUSY,
                EduMisuse::DmaWhileRunning { .. } => &rules::DMA_WHILE_RUNNING,
                EduMisuse::DmaOutOfBounds { .. } => &rules::DMA_OUT_OF_BOUNDS,
                EduMisuse::DmaOutOfMask { .. } => &rules::DMA_OUT_OF_MASK,
            },
            detail: misuse.to_string(),
        });
    }
}

const fn model_width(width: Width) -> edu_model::Width {
    match width {
        Width::Byte => edu_model::Width::Byte,
        Width::Word => edu_model::Width::Word,
        Width::Dword => edu_model::Width::Dword,
        Width::Qword => edu_model::Width::Qword,
    }
}

/// The offset in BAR 0 that an access is about, if it is about BAR 0.
fn offset_in_bar0(bar: u8, offset: u64) -> Option<usize> {
    usize::try_from(offset).ok().filter(|_| bar == 0)
}

impl PciFunction for EduModel {
    fn identity(&self) -> Identity {
        Identity {
            vendor: interface::VENDOR_ID,
            device: interface::DEVICE_ID,
            subsystem_vendor: QEMU_SUBSYSTEM_VENDOR,
            subsystem: QEMU_SUBSYSTEM,
            revision: interface::REVISION_ID,
            class: interface::CLASS_CODE,
            bars: vec![Bar {
                index: 0,
                bytes: registers::BAR0_BYTES as u64,
                ..Bar::default()
            }],
            messages: self.edu.config().messages.count(),
            interrupt_pin: true,
            wakes_by_line: self.wakes,
            ..Identity::default()
        }
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn start(&mut self, bus: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        let interrupts = match assignment.interrupt {
            InterruptMode::None | InterruptMode::Messages(0) => Interrupts::Off,
            InterruptMode::Line => Interrupts::Line,
            InterruptMode::Messages(1) => Interrupts::Messages(Messages::One),
            InterruptMode::Messages(_) => Interrupts::Messages(Messages::Two),
        };
        self.edu.start(&mut OnBus(bus), interrupts);
        self.alive()
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.edu.stop(&mut OnBus(bus));
        self.alive()
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        self.alive()?;
        Ok(match offset_in_bar0(bar, offset) {
            Some(offset) => self.edu.read(&mut OnBus(bus), offset, model_width(width)),
            None => width.all_ones(),
        })
    }

    fn write(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), DeviceError> {
        self.alive()?;
        if let Some(offset) = offset_in_bar0(bar, offset) {
            self.edu
                .write(&mut OnBus(bus), offset, model_width(width), value);
        }
        Ok(())
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        // What it died of, if it did, is said by `alive`.
        let _ = self.edu.advance(&mut OnBus(bus), now.as_nanos());
        self.alive()
    }

    fn left_on(&self) -> Option<String> {
        self.edu.interrupts_when_done().then(|| {
            "it is told to interrupt when a factorial is done: bit 0x80 of the register at offset 0x20"
                .to_owned()
        })
    }

    fn next_event(&self) -> Option<VirtualTime> {
        self.edu.next_event().map(VirtualTime::from_nanos)
    }

    fn wait(&mut self, _bus: &mut dyn Bus, _limit: Duration) -> Result<(), DeviceError> {
        // Its clock is virtual: nothing comes by waiting.
        self.alive()
    }
}
