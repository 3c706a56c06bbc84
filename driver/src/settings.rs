//! Settings for interrupts and memory, from the INF or an administrator: values of the device's hardware key. A value that
//! is missing or out of range counts as 0.

#![forbid(unsafe_code)]

use edu_driver_core::transfer::AddressWidth;

use kmdf::{Device, Handling, HardwareKey, Policy, Priority, ValueName};

/// 1: handle interrupts at PASSIVE_LEVEL. Only for an INF that does not ask for messages.
static INTERRUPT_PASSIVE: ValueName<16> = ValueName::new(b"InterruptPassive");
/// 1, with `InterruptPassive`: do their work in EvtInterruptDpc instead of EvtInterruptWorkItem.
static INTERRUPT_PASSIVE_DPC: ValueName<19> = ValueName::new(b"InterruptPassiveDpc");
/// 1: create the interrupt objects in EvtDevicePrepareHardware, with their resources.
static INTERRUPT_LATE: ValueName<13> = ValueName::new(b"InterruptLate");
/// Processors of group 0 that take the interrupts, one bit each.
static INTERRUPT_PROCESSORS: ValueName<19> = ValueName::new(b"InterruptProcessors");
/// Their priority: 1 low, 2 normal, 3 high.
static INTERRUPT_PRIORITY: ValueName<17> = ValueName::new(b"InterruptPriority");

/// How many address bits the device has; 0 for the number that QEMU's device has by default.
static DMA_ADDRESS_BITS: ValueName<14> = ValueName::new(b"DmaAddressBits");

/// The settings of a device.
#[derive(Clone, Copy)]
pub struct Settings {
    /// At which IRQL interrupts are handled, and where the work is done.
    pub handling: Handling,
    /// Whether the interrupt objects are created when their resources are known.
    pub late: bool,
    /// Which processors take the interrupts and with which priority, if that is set.
    pub policy: Option<Policy>,
    /// Which memory the device can address.
    pub address_width: AddressWidth,
}

impl Settings {
    /// Reads the settings of a device. IRQL: PASSIVE_LEVEL.
    pub fn read(device: Device<'_>) -> Self {
        let key = HardwareKey::open(device).ok();
        let key = key.as_ref();
        let flag = |value: Option<u32>| value.is_some_and(|value| value != 0);
        let handling = if !flag(key.and_then(|key| key.value(&INTERRUPT_PASSIVE))) {
            Handling::Dirql
        } else if flag(key.and_then(|key| key.value(&INTERRUPT_PASSIVE_DPC))) {
            Handling::PassiveDpc
        } else {
            Handling::PassiveWorkItem
        };
        let processors = key.and_then(|key| key.value(&INTERRUPT_PROCESSORS));
        let priority = key
            .and_then(|key| key.value(&INTERRUPT_PRIORITY))
            .and_then(|priority| match priority {
                1 => Some(Priority::Low),
                2 => Some(Priority::Normal),
                3 => Some(Priority::High),
                _ => None,
            });
        Self {
            handling,
            late: flag(key.and_then(|key| key.value(&INTERRUPT_LATE))),
            policy: (processors.is_some() || priority.is_some()).then_some(Policy {
                processors: processors.unwrap_or_default().into(),
                priority: priority.unwrap_or_default(),
            }),
            address_width: key
                .and_then(|key| key.value(&DMA_ADDRESS_BITS))
                .and_then(AddressWidth::new)
                .unwrap_or_default(),
        }
    }
}
