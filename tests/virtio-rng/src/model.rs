//! virtio's entropy device in software: a PCI function whose time is virtual (VIRTIO 1.1, 4.1 and 5.4).

use std::{collections::VecDeque, time::Duration};

use kmdf_host::{
    device::{
        Assignment, Bar, Bus, Clock, DeviceError, Identity, InterruptMode, Msix, PciFunction,
        Signal, Width,
    },
    time::VirtualTime,
};

const TABLE_BAR: u8 = 1;
const REGISTERS_BAR: u8 = 4;
const COMMON: u64 = 0x0000;
const ISR: u64 = 0x1000;
const NOTIFY: u64 = 0x3000;
/// How far the notify registers of two queues are apart.
const NOTIFY_MULTIPLIER: u32 = 4;
const QUEUE_SIZE: u64 = 8;
const NO_VECTOR: u64 = 0xFFFF;
const NEEDS_RESET: u64 = 0x40;
/// How long it takes to fill a buffer.
const FILLING: Duration = Duration::from_micros(20);

/// The wrong values of a hostile device. Each byte decides about one value, in the order in which the device is asked.
#[derive(Clone, Debug, Default)]
pub struct Lies(VecDeque<u8>);

impl Lies {
    /// The wrong values for these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }

    /// The value that the device reports instead; mostly the right one.
    fn about(&mut self, truth: u64) -> u64 {
        match self.0.pop_front() {
            Some(0xE0..=0xE7) => 0,
            Some(0xE8..=0xEF) => truth.wrapping_add(1),
            Some(0xF0..=0xF7) => u64::MAX,
            Some(byte @ 0xF8..) => truth ^ 1 << (byte & 7),
            _ => truth,
        }
    }

    /// Whether an unexpected event happens, or an expected one does not.
    fn strikes(&mut self) -> bool {
        self.0.pop_front().is_some_and(|byte| byte >= 0xC0)
    }
}

/// The device.
#[derive(Debug, Default)]
pub struct RngModel {
    now: VirtualTime,
    /// When its buffer will be filled.
    done: Option<VirtualTime>,
    uses_messages: bool,
    /// Whether processors and bus use the same addresses, as on a PC.
    same_addresses: bool,
    lies: Lies,
    /// The contents of the registers that the driver writes, by offset.
    feature_select: u64,
    status: u64,
    configuration_vector: u64,
    queue_vector: u64,
    queue_size: u64,
    queue_enable: u64,
    /// Descriptors, available, used.
    addresses: [u64; 3],
    causes: u64,
    /// How many buffers it has taken and returned.
    taken: u16,
    /// The last byte that it has made.
    next: u8,
}

impl RngModel {
    /// A correct device.
    #[must_use]
    pub fn new() -> Self {
        Self {
            configuration_vector: NO_VECTOR,
            queue_vector: NO_VECTOR,
            queue_size: QUEUE_SIZE,
            ..Self::default()
        }
    }

    /// A hostile device.
    #[must_use]
    pub fn hostile(lies: Lies) -> Self {
        Self {
            lies,
            ..Self::new()
        }
    }

    /// The same device on a bus that uses the addresses of the processors, as on a PC. A driver that confuses raw and
    /// translated addresses works there.
    #[must_use]
    pub fn with_the_addresses_of_a_pc(self) -> Self {
        Self {
            same_addresses: true,
            ..self
        }
    }

    fn reset(&mut self, bus: &mut dyn Bus) {
        self.drop_line(bus);
        *self = Self {
            now: self.now,
            uses_messages: self.uses_messages,
            same_addresses: self.same_addresses,
            lies: std::mem::take(&mut self.lies),
            next: self.next,
            ..Self::new()
        };
    }

    fn drop_line(&mut self, bus: &mut dyn Bus) {
        if std::mem::take(&mut self.causes) != 0 && !self.uses_messages {
            bus.signal(Signal::Line(false));
        }
    }

    fn interrupt(&mut self, bus: &mut dyn Bus, cause: u64, vector: u64) {
        if !self.uses_messages {
            self.causes |= cause;
            bus.signal(Signal::Line(true));
        } else if let Ok(vector @ 0..=1) = u32::try_from(vector) {
            bus.signal(Signal::Message(vector));
        }
    }

    /// Fills the buffers that are available.
    fn fill(&mut self, bus: &mut dyn Bus) {
        let [descriptors, available, used] = self.addresses;
        let size = self.queue_size.max(1);
        while read_u16(bus, available + 2) != self.taken {
            let slot = u64::from(self.taken) % size;
            let head = u64::from(read_u16(bus, available + 4 + 2 * slot));
            let address = read_u64(bus, descriptors + 16 * head);
            let length = u64::from(read_u32(bus, descriptors + 16 * head + 8));
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    self.next = self.next.wrapping_mul(5).wrapping_add(3);
                    self.next
                })
                .collect();
            bus.write_memory(address, &bytes);
            let entry = used + 4 + 8 * slot;
            let (head, length) = (self.lies.about(head), self.lies.about(length));
            bus.write_memory(entry, &low_u32(head).to_le_bytes());
            bus.write_memory(entry + 4, &low_u32(length).to_le_bytes());
            self.taken = self.taken.wrapping_add(1);
            let index = self.lies.about(self.taken.into());
            bus.write_memory(used + 2, &low_u32(index).to_le_bytes()[..2]);
        }
        if self.lies.strikes() {
            self.status |= NEEDS_RESET;
            self.interrupt(bus, 2, self.configuration_vector);
        }
        if !self.lies.strikes() {
            self.interrupt(bus, 1, self.queue_vector);
        }
    }

    fn common(&mut self, offset: u64) -> u64 {
        let truth = match offset {
            // Bits 32 and 33: VIRTIO_F_VERSION_1, VIRTIO_F_ACCESS_PLATFORM.
            4 => [0, 3][usize::from(self.feature_select == 1)],
            16 => self.configuration_vector,
            18 => 1,
            20 => self.status,
            24 => self.queue_size,
            26 => self.queue_vector,
            28 => self.queue_enable,
            _ => 0,
        };
        self.lies.about(truth)
    }

    fn set_common(&mut self, bus: &mut dyn Bus, offset: u64, value: u64) {
        match offset {
            0 => self.feature_select = value,
            16 => self.configuration_vector = value,
            20 if value == 0 => self.reset(bus),
            20 => self.status = value,
            24 => self.queue_size = value.clamp(1, QUEUE_SIZE),
            26 => self.queue_vector = value,
            28 => self.queue_enable = value,
            32..56 => {
                let at = usize::try_from((offset - 32) / 8).unwrap_or(0);
                let address = &mut self.addresses[at];
                *address = if offset.is_multiple_of(8) {
                    *address & !0xFFFF_FFFF | value
                } else {
                    *address & 0xFFFF_FFFF | value << 32
                };
            }
            _ => {}
        }
    }
}

impl PciFunction for RngModel {
    fn identity(&self) -> Identity {
        let capability = |kind: u8, offset: u64, length: u32, more: &[u8]| {
            let mut bytes = vec![0x09, 0, 0, kind, REGISTERS_BAR, 0, 0, 0];
            bytes.extend(low_u32(offset).to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(more);
            bytes[2] = u8::try_from(bytes.len()).expect("it is short");
            bytes
        };
        Identity {
            vendor: 0x1AF4,
            device: 0x1044,
            subsystem_vendor: 0x1AF4,
            subsystem: 0x1100,
            revision: 1,
            class: 0xFF_0000,
            bars: vec![
                Bar {
                    index: TABLE_BAR,
                    bytes: 4096,
                    ..Bar::default()
                },
                Bar {
                    index: REGISTERS_BAR,
                    bytes: 0x4000,
                    wide: true,
                    prefetchable: true,
                    ..Bar::default()
                },
            ],
            msix: Some(Msix {
                messages: 2,
                table: (TABLE_BAR, 0),
                pending: (TABLE_BAR, 0x800),
            }),
            capabilities: vec![
                capability(1, COMMON, 56, &[]),
                capability(3, ISR, 1, &[]),
                capability(2, NOTIFY, 4, &NOTIFY_MULTIPLIER.to_le_bytes()),
            ],
            interrupt_pin: true,
            ..Identity::default()
        }
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn is_translated(&self) -> bool {
        !self.same_addresses
    }

    fn start(&mut self, _: &mut dyn Bus, assignment: &Assignment) -> Result<(), DeviceError> {
        self.uses_messages = matches!(assignment.interrupt, InterruptMode::Messages(_));
        Ok(())
    }

    fn stop(&mut self, bus: &mut dyn Bus) -> Result<(), DeviceError> {
        self.reset(bus);
        Ok(())
    }

    fn read(
        &mut self,
        bus: &mut dyn Bus,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Result<u64, DeviceError> {
        Ok(match (bar, offset) {
            (REGISTERS_BAR, ISR) => {
                let causes = self.causes;
                self.drop_line(bus);
                self.lies.about(causes)
            }
            (REGISTERS_BAR, ..ISR) => self.common(offset) & width.all_ones(),
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
            (REGISTERS_BAR, ..ISR) => self.set_common(bus, offset, value),
            (REGISTERS_BAR, NOTIFY) if self.queue_enable == 1 => {
                self.done = Some(self.now + FILLING);
            }
            _ => {}
        }
        Ok(())
    }

    fn advance(&mut self, bus: &mut dyn Bus, now: VirtualTime) -> Result<(), DeviceError> {
        self.now = now;
        if self.done.is_some_and(|done| done <= now) {
            self.done = None;
            self.fill(bus);
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

fn read<const N: usize>(bus: &mut dyn Bus, address: u64) -> [u8; N] {
    let mut bytes = [0; N];
    bus.read_memory(address, &mut bytes);
    bytes
}

fn read_u16(bus: &mut dyn Bus, address: u64) -> u16 {
    u16::from_le_bytes(read(bus, address))
}

fn read_u32(bus: &mut dyn Bus, address: u64) -> u32 {
    u32::from_le_bytes(read(bus, address))
}

fn read_u64(bus: &mut dyn Bus, address: u64) -> u64 {
    u64::from_le_bytes(read(bus, address))
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
const fn low_u32(value: u64) -> u32 {
    value as u32
}
