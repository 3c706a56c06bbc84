//! Resources: what a function gets, and how the driver is told.

use kmdf_abi::{
    constants::{
        CM_RESOURCE_INTERRUPT_LATCHED, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE,
        CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_INTERRUPT_WAKE_HINT,
        CM_RESOURCE_PORT_16_BIT_DECODE, CM_RESOURCE_PORT_IO, CM_RESOURCE_PORT_POSITIVE_DECODE,
        CmResourceTypeInterrupt, CmResourceTypeMemory, CmResourceTypePort,
    },
    ntstatus::NtStatus,
    types::{
        CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Interrupt,
        CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory, CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt,
        CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_anon_1_Raw,
        CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Port,
    },
};
use kmdf_bus::{Assignment, Bar, Identity, InterruptMode};
use kmdf_machine::{Event, Irql, VectorKind};

use super::requirements::Granted;
use crate::{
    host::Host,
    kmdf::{
        attributes::Attributes, device::Device, interrupt::AssignedVector, resources::ResourceList,
    },
};

/// Where memory BARs are put on their bus: in the hole that PC chipsets leave below 4 GiB.
const FIRST_BAR: u64 = 0xE000_0000;
/// Where ports begin that nothing else on a PC has.
const FIRST_PORT: u64 = 0xC000;
/// IRQL of line-based interrupts.
const LINE_IRQL: u8 = 5;
/// IRQL of message 0; each further message has the next one, so that messages of one device can
/// interrupt each other's handlers unless their objects share a lock.
const MESSAGE_IRQL: u8 = 7;
/// The first interrupt vector that Windows gives to devices.
pub(crate) const FIRST_DEVICE_VECTOR: u32 = 0x50;

/// How a device's interrupts are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// One line-based interrupt.
    Line,
    /// At most that many messages; if the function cannot send as many as there are, exactly one
    /// (PnP grants all that a device asks for or one).
    Messages(u32),
    /// No interrupt.
    None,
}

/// The lists that EvtDevicePrepareHardware is given, by handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) raw: u64,
    pub(crate) translated: u64,
}

impl Host {
    /// Assigns resources to a device's function and its interrupt objects.
    ///
    /// # Errors
    /// EvtDeviceRemoveAddedResources has failed.
    pub(crate) fn assign(&self, device: &Device, grant: Grant) -> Result<Resources, NtStatus> {
        if !device.is_fdo() {
            return Ok(self.give_resources(device, [Vec::new(), Vec::new()]));
        }
        let identity = self.slots[device.slot].identity.clone();
        let Granted { interrupt, added } = self.grant_interrupts(device, &identity, grant);
        let assignment = Assignment {
            bars: self.place_bars(device.slot),
            interrupt,
        };

        let mut raw = Vec::new();
        let mut translated = Vec::new();
        for (bar, &base) in identity.bars.iter().zip(&assignment.bars) {
            let window = self.slots[device.slot].window;
            raw.push(bar_descriptor(bar, base));
            translated.push(bar_descriptor(
                bar,
                if bar.ports { base } else { window + base },
            ));
        }
        let vectors = self.assign_vectors(device, interrupt);
        // One descriptor stands for all messages of an MSI capability; with MSI-X each has its own.
        let in_one = if identity.msix.is_some() {
            1
        } else {
            vectors.len()
        };
        for messages in vectors.chunks(in_one.max(1)) {
            let descriptor = |raw| {
                let mut descriptor = interrupt_descriptor(&messages[0], messages.len(), raw);
                if identity.wakes_by_line && messages[0].message.is_none() {
                    descriptor.Flags |= narrow::<_, u16>(CM_RESOURCE_INTERRUPT_WAKE_HINT);
                }
                descriptor
            };
            raw.push(descriptor(true));
            translated.push(descriptor(false));
        }
        for (place, descriptor) in added {
            for list in [&mut raw, &mut translated] {
                list.insert(place.min(list.len()), descriptor);
            }
        }
        let text = format!(
            "slot {}: {}",
            device.slot,
            granted_text(interrupt, &identity)
        );
        self.record(Event::Host { text });
        let resources = self.give_resources(device, [raw, translated]);
        let status = self.take_out_added(device, resources);
        // The bus starts the function with what is left.
        self.start_function(device.slot, &assignment);
        if status.is_success() {
            return Ok(resources);
        }
        self.unassign(device);
        Err(status)
    }

    /// The lists of a device's resources, raw and translated.
    fn give_resources(
        &self,
        device: &Device,
        lists: [Vec<CM_PARTIAL_RESOURCE_DESCRIPTOR>; 2],
    ) -> Resources {
        let object = self.object(device.handle);
        let [raw, translated] = lists.map(|descriptors| {
            let list = ResourceList::new(&descriptors);
            self.create_object(Some(&object), &Attributes::default(), |_| list)
                .0
                .handle
        });
        let resources = Resources { raw, translated };
        device.resources.set(Some(resources));
        resources
    }

    /// The interrupts that PnP has granted the function in a slot, in words: `MSI-X, 2 of 2 messages`.
    pub fn granted_interrupts(&self, slot: usize) -> String {
        let function = &self.slots[slot];
        granted_text(function.granted_interrupt(), &function.identity)
    }

    /// Takes a device's resources away.
    pub(crate) fn unassign(&self, device: &Device) {
        // Objects that EvtDevicePrepareHardware made from resources go with them.
        let (made, kept): (Vec<_>, Vec<_>) = device
            .interrupts
            .take()
            .into_iter()
            .partition(|interrupt| interrupt.is_from_resources());
        for interrupt in made.iter().chain(&kept) {
            interrupt.assign(None);
        }
        *device.interrupts.borrow_mut() = kept;
        for interrupt in made {
            // A DPC that has come late, or comes only now.
            interrupt.flush(self);
            let object = self.object(interrupt.handle);
            self.delete_object(&object);
        }
        device.vectors.borrow_mut().clear();
        if let Some(resources) = device.resources.take() {
            for list in [resources.raw, resources.translated] {
                let object = self.object(list);
                self.delete_object(&object);
            }
            if device.is_fdo() {
                self.stop_function(device.slot);
            }
        }
    }

    /// A base for each BAR of the function in a slot, the same every time.
    fn place_bars(&self, slot: usize) -> Vec<u64> {
        let (mut next_memory, mut next_port) = (FIRST_BAR, FIRST_PORT);
        let mut bases = Vec::new();
        for (index, function) in self.slots.iter().enumerate() {
            for bar in &function.identity.bars {
                let (next, least) = if bar.ports {
                    (&mut next_port, 1)
                } else {
                    (&mut next_memory, 4096)
                };
                let base = next.next_multiple_of(bar.bytes.max(least));
                *next = base + bar.bytes;
                if index == slot {
                    bases.push(base);
                }
            }
        }
        bases
    }

    /// Gives the interrupt objects their vectors, in the order the objects were created in.
    fn assign_vectors(&self, device: &Device, mode: InterruptMode) -> Vec<AssignedVector> {
        let affinity = u64::MAX >> (64 - self.scheduler.processors().len());
        let mut vectors: Vec<_> = match mode {
            InterruptMode::None => Vec::new(),
            InterruptMode::Line => {
                let group = self
                    .shared_lines
                    .iter()
                    .find(|group| group.contains(&device.slot));
                let slots = group.map_or(1 << device.slot, |group| {
                    group.iter().fold(0, |mask, slot| mask | 1 << slot)
                });
                let irql = device_irql(LINE_IRQL);
                let vector = self.interrupts.line_or_new(slots, irql);
                let shared = slots.count_ones() > 1;
                vec![AssignedVector {
                    vector,
                    irql,
                    message: None,
                    affinity,
                    shared,
                }]
            }
            InterruptMode::Messages(count) => (0..count)
                .map(|number| {
                    let level = MESSAGE_IRQL + u8::try_from(number % 4).unwrap_or(0);
                    let irql = device_irql(level);
                    let kind = VectorKind::Message {
                        slot: device.slot,
                        number,
                    };
                    let vector = self.interrupts.add(kind, irql);
                    AssignedVector {
                        vector,
                        irql,
                        message: Some(number),
                        affinity,
                        shared: false,
                    }
                })
                .collect(),
        };
        let interrupts = device.interrupts.borrow();
        for (index, interrupt) in interrupts.iter().enumerate() {
            if let Some(vector) = vectors.get_mut(index) {
                vector.affinity = interrupt.affinity_of(affinity);
            }
            interrupt.assign(vectors.get(index).copied());
        }
        device.vectors.borrow_mut().clone_from(&vectors);
        vectors
    }
}

fn device_irql(level: u8) -> Irql {
    Irql::new(level).expect("a device IRQL")
}

/// The interrupts that a function with this identity was granted, in words.
fn granted_text(granted: InterruptMode, identity: &Identity) -> String {
    let kind = if identity.msix.is_some() {
        "MSI-X"
    } else {
        "MSI"
    };
    match granted {
        InterruptMode::None => "no interrupt".to_owned(),
        InterruptMode::Line => "line-based interrupt".to_owned(),
        InterruptMode::Messages(1) if identity.most_messages() == 1 => format!("{kind}, 1 message"),
        InterruptMode::Messages(count) => {
            format!("{kind}, {count} of {} messages", identity.most_messages())
        }
    }
}

fn bar_descriptor(bar: &Bar, base: u64) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
    let mut descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR {
        ShareDisposition: DEVICE_EXCLUSIVE,
        ..Default::default()
    };
    let length = u32::try_from(bar.bytes).expect("a BAR below 4 GiB");
    if bar.ports {
        descriptor.Type = narrow(CmResourceTypePort);
        descriptor.Flags = narrow(
            CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE | CM_RESOURCE_PORT_POSITIVE_DECODE,
        );
        let port = CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Port {
            Start: base,
            Length: length,
        };
        descriptor.u.set_Port(port);
    } else {
        descriptor.Type = narrow(CmResourceTypeMemory);
        let memory = CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory {
            Start: base,
            Length: length,
        };
        descriptor.u.set_Memory(memory);
    }
    descriptor
}

/// The descriptor of a line, or of messages that lie in a row.
fn interrupt_descriptor(
    first: &AssignedVector,
    count: usize,
    raw: bool,
) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
    let flags = if first.message.is_some() {
        CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE
    } else {
        CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE
    };
    let mut descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR {
        Type: narrow(CmResourceTypeInterrupt),
        ShareDisposition: if first.shared {
            SHARED
        } else {
            DEVICE_EXCLUSIVE
        },
        Flags: narrow(flags),
        ..Default::default()
    };
    let vector = if raw {
        raw_vector(first)
    } else {
        first.vector + FIRST_DEVICE_VECTOR
    };
    if first.message.is_some() && raw {
        let mut message = CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt::default();
        message.anon_1.set_Raw(
            CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_anon_1_Raw {
                Reserved: 0,
                MessageCount: narrow(count),
                Vector: vector,
                Affinity: first.affinity,
            },
        );
        descriptor.u.set_MessageInterrupt(message);
    } else {
        // The translated form of a message lies where that of a line does.
        descriptor
            .u
            .set_Interrupt(CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Interrupt {
                Level: if raw {
                    vector
                } else {
                    first.irql.level().into()
                },
                Vector: vector,
                Affinity: first.affinity,
            });
    }
    descriptor
}

/// The interrupt as the bus knows it: a line by its input of the interrupt controller, a message, which
/// has none, by a number that counts down from the highest, as Windows shows it.
fn raw_vector(first: &AssignedVector) -> u32 {
    /// The inputs before are those of devices that are not on PCI.
    const FIRST_INPUT: u32 = 16;
    match first.message {
        None => FIRST_INPUT + first.vector,
        Some(_) => u32::MAX - 1 - first.vector,
    }
}

/// `CmResourceShareDeviceExclusive`
pub(super) const DEVICE_EXCLUSIVE: u8 = 1;
/// `CmResourceShareShared`
pub(super) const SHARED: u8 = 3;

pub(super) fn narrow<From, To: TryFrom<From>>(value: From) -> To {
    To::try_from(value).unwrap_or_else(|_| unreachable!("the constant fits its member"))
}
