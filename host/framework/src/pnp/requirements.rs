//! Resource requirements: what a function asks for, and what the driver's filters make of it.

use kmdf_abi::{
    constants::{
        CM_RESOURCE_INTERRUPT_LATCHED, CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_PORT_IO,
        CmResourceTypeDevicePrivate, CmResourceTypeInterrupt, CmResourceTypeMemory,
        CmResourceTypePort,
    },
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::{
        CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DevicePrivate,
        IO_RESOURCE_DESCRIPTOR, IO_RESOURCE_DESCRIPTOR_u_Interrupt,
        IO_RESOURCE_DESCRIPTOR_u_Memory,
    },
};
use kmdf_bus::{Bar, Identity, InterruptMode};
use kmdf_machine::Event;
use zerocopy::IntoBytes as _;

use super::{
    Grant, Resources,
    assign::{DEVICE_EXCLUSIVE, SHARED, narrow},
};
use crate::{
    host::Host,
    kmdf::{
        device::Device,
        resources::{ResourceList, requirements::Alternatives},
    },
};

/// `IO_RESOURCE_ALTERNATIVE`
const ALTERNATIVE: u8 = 8;
/// `CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN`: the last vector of messages.
const LAST_MESSAGE: u32 = u32::MAX - 1;
/// The last input of the interrupt controller that a line may be routed to.
const LAST_INPUT: u32 = 255;

/// What PnP grants a function beside its BARs.
pub(super) struct Granted {
    pub(super) interrupt: InterruptMode,
    /// What the driver has added, and where in the list it lies.
    pub(super) added: Vec<(usize, CM_PARTIAL_RESOURCE_DESCRIPTOR)>,
}

impl Host {
    /// What a device is granted of what its function can do and its driver's filters leave.
    pub(super) fn grant_interrupts(
        &self,
        device: &Device,
        identity: &Identity,
        grant: Grant,
    ) -> Granted {
        let mut offered = Offered::of(identity, grant);
        let mut added = Vec::new();
        let callbacks = &device.fdo_callbacks;
        let filters = [
            callbacks.EvtDeviceFilterRemoveResourceRequirements.0,
            callbacks.EvtDeviceFilterAddResourceRequirements.0,
        ];
        if filters != [0; 2] {
            let list = self.filtered(device, identity, grant, filters);
            offered = Offered::in_list(&list);
            added = self.added(&list);
        }
        // A function whose INF asks for messages and that has none falls back to its line.
        let interrupt = match offered {
            Offered { messages: 0, line } if line => InterruptMode::Line,
            Offered { messages: 0, .. } => InterruptMode::None,
            Offered { messages, .. } => InterruptMode::Messages(messages),
        };
        Granted { interrupt, added }
    }

    /// The list that PnP takes of those that the filters leave. They are asked once, as long as the same is
    /// to be granted.
    fn filtered(
        &self,
        device: &Device,
        identity: &Identity,
        grant: Grant,
        filters: [u64; 2],
    ) -> Vec<IO_RESOURCE_DESCRIPTOR> {
        let known = device.filtered.borrow().clone();
        let known = known.filter(|(of, _)| *of == grant);
        let alternatives = known.map_or_else(
            || {
                let whole = requirements(identity, grant);
                let whole = Alternatives(if whole.is_empty() {
                    Vec::new()
                } else {
                    vec![whole]
                });
                let names = [
                    "EvtDeviceFilterRemoveResourceRequirements",
                    "EvtDeviceFilterAddResourceRequirements",
                ];
                let mut filters = names.into_iter().zip(filters);
                let passed = filters.try_fold(whole.clone(), |before, (what, callback)| {
                    self.pass_filter(device, what, callback, before)
                });
                let alternatives = passed.unwrap_or(whole);
                *device.filtered.borrow_mut() = Some((grant, alternatives.clone()));
                alternatives
            },
            |(_, alternatives)| alternatives,
        );
        let list = alternatives.0.into_iter().next().unwrap_or_default();
        let bars = |list: &[IO_RESOURCE_DESCRIPTOR]| {
            let bars = list.iter().filter(|it| is_bar(it));
            bars.map(|it| it.as_bytes().to_vec()).collect::<Vec<_>>()
        };
        if bars(&list) != bars(&requirements(identity, grant)) {
            self.unsupported("a filter of resource requirements that changes what BARs need");
        }
        list
    }

    /// One filter: `None` if it fails, and with it the whole query.
    fn pass_filter(
        &self,
        device: &Device,
        what: &'static str,
        callback: u64,
        before: Alternatives,
    ) -> Option<Alternatives> {
        if callback == 0 {
            return Some(before);
        }
        let was_empty = before.0.is_empty();
        let (status, after) = self.filter_requirements(device, what, callback, &before);
        // Where the driver leaves no list, the framework makes that STATUS_INSUFFICIENT_RESOURCES.
        let passed = status.is_success() && (was_empty || !after.0.is_empty());
        if !passed {
            let text = format!("{what} fails: PnP keeps the requirements of the bus");
            self.record(Event::Host { text });
        }
        passed.then_some(after)
    }

    /// What the driver has added to the requirements of its function.
    fn added(
        &self,
        list: &[IO_RESOURCE_DESCRIPTOR],
    ) -> Vec<(usize, CM_PARTIAL_RESOURCE_DESCRIPTOR)> {
        let mut added = Vec::new();
        let own = list.iter().filter(|it| it.Option & ALTERNATIVE == 0);
        for (place, descriptor) in own.enumerate() {
            if is_bar(descriptor) || is(descriptor, CmResourceTypeInterrupt) {
                continue;
            }
            if !is(descriptor, CmResourceTypeDevicePrivate) {
                self.unsupported(format!(
                    "a resource requirement of the driver's own with the type {}: only device-private ones",
                    descriptor.Type
                ));
            }
            let mut assigned = CM_PARTIAL_RESOURCE_DESCRIPTOR {
                Type: descriptor.Type,
                ShareDisposition: descriptor.ShareDisposition,
                Flags: descriptor.Flags,
                ..CM_PARTIAL_RESOURCE_DESCRIPTOR::default()
            };
            let private = CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DevicePrivate {
                Data: descriptor.u.DevicePrivate().Data,
            };
            assigned.u.set_DevicePrivate(private);
            added.push((place, assigned));
        }
        added
    }

    /// EvtDeviceRemoveAddedResources, before the bus driver sees what was assigned.
    pub(super) fn take_out_added(&self, device: &Device, resources: Resources) -> NtStatus {
        let callback = device.fdo_callbacks.EvtDeviceRemoveAddedResources.0;
        if callback == 0 {
            return STATUS_SUCCESS;
        }
        let raw = self.body::<ResourceList>(resources.raw);
        let translated = self.body::<ResourceList>(resources.translated);
        let arguments = [resources.raw, resources.translated];
        raw.while_open(self, || {
            translated.while_open(self, || {
                let what = "EvtDeviceRemoveAddedResources";
                self.device_callback(device, what, callback, &arguments)
            })
        })
    }
}

/// Which interrupts can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offered {
    messages: u32,
    line: bool,
}

impl Offered {
    /// Those of a function, as far as they may be granted.
    fn of(identity: &Identity, grant: Grant) -> Self {
        Self {
            messages: match grant {
                Grant::Messages(limit) => identity.most_messages().min(limit),
                Grant::Line | Grant::None => 0,
            },
            line: identity.interrupt_pin && grant != Grant::None,
        }
    }

    /// Those that a list asks for.
    fn in_list(list: &[IO_RESOURCE_DESCRIPTOR]) -> Self {
        let interrupts = list.iter().filter(|it| is(it, CmResourceTypeInterrupt));
        let (mut preferred, mut alternative, mut line) = (0, 0, false);
        for descriptor in interrupts {
            if u32::from(descriptor.Flags) & CM_RESOURCE_INTERRUPT_MESSAGE == 0 {
                line = true;
                continue;
            }
            let range = descriptor.u.Interrupt();
            let count = range.MaximumVector.wrapping_sub(range.MinimumVector) + 1;
            if descriptor.Option & ALTERNATIVE == 0 {
                preferred += count;
            } else {
                alternative = count.max(alternative);
            }
        }
        Self {
            messages: if preferred == 0 {
                alternative
            } else {
                preferred
            },
            line,
        }
    }
}

/// What the PCI bus driver says that a function needs.
fn requirements(identity: &Identity, grant: Grant) -> Vec<IO_RESOURCE_DESCRIPTOR> {
    let mut list: Vec<_> = identity.bars.iter().map(bar).collect();
    let Offered { messages, line } = Offered::of(identity, grant);
    // With MSI-X each message has a descriptor, with MSI all have one.
    let each = if identity.msix.is_some() { 1 } else { messages };
    for _ in 0..messages.checked_div(each).unwrap_or(0) {
        list.push(message(each, 0));
    }
    if messages > 1 {
        list.push(message(1, ALTERNATIVE));
    }
    if line {
        list.push(interrupt_line(if messages > 0 { ALTERNATIVE } else { 0 }));
    }
    list
}

fn bar(bar: &Bar) -> IO_RESOURCE_DESCRIPTOR {
    let length = u32::try_from(bar.bytes).expect("a BAR below 4 GiB");
    let mut descriptor = IO_RESOURCE_DESCRIPTOR {
        ShareDisposition: DEVICE_EXCLUSIVE,
        ..IO_RESOURCE_DESCRIPTOR::default()
    };
    if bar.ports {
        descriptor.Type = narrow(CmResourceTypePort);
        descriptor.Flags = narrow(CM_RESOURCE_PORT_IO);
    } else {
        descriptor.Type = narrow(CmResourceTypeMemory);
    }
    // That of ports has the same members.
    descriptor.u.set_Memory(IO_RESOURCE_DESCRIPTOR_u_Memory {
        Length: length,
        Alignment: length,
        MinimumAddress: 0,
        MaximumAddress: u32::MAX.into(),
    });
    descriptor
}

fn message(count: u32, option: u8) -> IO_RESOURCE_DESCRIPTOR {
    interrupt(
        option,
        DEVICE_EXCLUSIVE,
        narrow(CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE),
        [LAST_MESSAGE - count + 1, LAST_MESSAGE],
    )
}

fn interrupt_line(option: u8) -> IO_RESOURCE_DESCRIPTOR {
    interrupt(option, SHARED, 0, [0, LAST_INPUT])
}

fn interrupt(option: u8, share: u8, flags: u16, range: [u32; 2]) -> IO_RESOURCE_DESCRIPTOR {
    let mut descriptor = IO_RESOURCE_DESCRIPTOR {
        Option: option,
        Type: narrow(CmResourceTypeInterrupt),
        ShareDisposition: share,
        Flags: flags,
        ..IO_RESOURCE_DESCRIPTOR::default()
    };
    let [minimum, maximum] = range;
    descriptor
        .u
        .set_Interrupt(IO_RESOURCE_DESCRIPTOR_u_Interrupt {
            MinimumVector: minimum,
            MaximumVector: maximum,
        });
    descriptor
}

fn is(descriptor: &IO_RESOURCE_DESCRIPTOR, kind: u32) -> bool {
    u32::from(descriptor.Type) == kind
}

fn is_bar(descriptor: &IO_RESOURCE_DESCRIPTOR) -> bool {
    is(descriptor, CmResourceTypeMemory) || is(descriptor, CmResourceTypePort)
}
