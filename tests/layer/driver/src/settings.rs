//! How the driver interrupts: values of the hardware key, 0 if they are not there.

use kmdf::{Device, Handling, HardwareKey, Policy, Priority, ValueName};

/// The number of a [`Handling`], in the order of its names.
static HANDLING: ValueName<8> = ValueName::new(b"Handling");
/// 1: create the interrupt objects in EvtDevicePrepareHardware.
static LATE: ValueName<4> = ValueName::new(b"Late");
/// 1: only report them to be inactive when the device leaves D0.
static SOFT: ValueName<4> = ValueName::new(b"Soft");
/// 1: have those wake the device whose resource can.
static WAKE: ValueName<4> = ValueName::new(b"Wake");
/// 1: keep the proof that the interrupts are connected when they are not any more.
static KEEP: ValueName<4> = ValueName::new(b"Keep");
/// Processors that shall take the interrupts; 0 for no policy.
static PROCESSORS: ValueName<10> = ValueName::new(b"Processors");

#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct Settings {
    pub handling: Handling,
    pub late: bool,
    pub soft: bool,
    pub wake: bool,
    pub keep: bool,
    pub policy: Option<Policy>,
}

impl Settings {
    pub fn read(device: Device<'_>) -> Self {
        let key = HardwareKey::open(device).ok();
        let key = key.as_ref();
        let flag = |value: Option<u32>| value.is_some_and(|value| value != 0);
        let processors = key.and_then(|key| key.value(&PROCESSORS)).unwrap_or(0);
        Self {
            handling: match key.and_then(|key| key.value(&HANDLING)) {
                None | Some(0) => Handling::Dirql,
                Some(1) => Handling::DirqlWorkItem,
                Some(2) => Handling::PassiveWorkItem,
                Some(_) => Handling::PassiveDpc,
            },
            late: flag(key.and_then(|key| key.value(&LATE))),
            soft: flag(key.and_then(|key| key.value(&SOFT))),
            wake: flag(key.and_then(|key| key.value(&WAKE))),
            keep: flag(key.and_then(|key| key.value(&KEEP))),
            policy: (processors != 0).then_some(Policy {
                processors: processors.into(),
                priority: Priority::High,
            }),
        }
    }
}
