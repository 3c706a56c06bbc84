//! What the hardware key says of the device's interrupts.

use crate::registry::{RegistryKey, RegistryValue};

/// Where messages are asked for, below the hardware key.
const MESSAGES: &str = "Interrupt Management\\MessageSignaledInterruptProperties";
/// Where a policy for the interrupts is, below the hardware key.
const AFFINITY: &str = "Interrupt Management\\Affinity Policy";

/// That the INF asks for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiGrant {
    /// The most messages it asks for (MessageNumberLimit), if it says so.
    pub limit: Option<u32>,
}

/// What the INF says of the processors and the priority of the interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AffinityPolicy {
    /// `DevicePolicy`: an `IRQ_DEVICE_POLICY`.
    pub policy: Option<u32>,
    /// `DevicePriority`: an `IRQ_PRIORITY`.
    pub priority: Option<u32>,
    /// `AssignmentSetOverride`: a set of processors.
    pub processors: Option<u64>,
}

impl MsiGrant {
    /// What the hardware key asks for, if it asks for messages.
    pub(super) fn of(hardware_key: &RegistryKey) -> Option<Self> {
        (hardware_key.dword(MESSAGES, "MSISupported") == Some(1)).then(|| Self {
            limit: hardware_key.dword(MESSAGES, "MessageNumberLimit"),
        })
    }
}

impl AffinityPolicy {
    /// What the hardware key says.
    pub(super) fn of(hardware_key: &RegistryKey) -> Self {
        Self {
            policy: hardware_key.dword(AFFINITY, "DevicePolicy"),
            priority: hardware_key.dword(AFFINITY, "DevicePriority"),
            processors: processors(hardware_key),
        }
    }
}

/// `AssignmentSetOverride`: a REG_BINARY, REG_DWORD or REG_QWORD set of processors.
fn processors(hardware_key: &RegistryKey) -> Option<u64> {
    match hardware_key
        .open(AFFINITY)?
        .value("AssignmentSetOverride")?
    {
        RegistryValue::Dword(set) => Some(u64::from(*set)),
        RegistryValue::Qword(set) => Some(*set),
        RegistryValue::Binary(bytes) if bytes.len() <= 8 => {
            let set = bytes.iter().rev();
            Some(set.fold(0, |set, byte| set << 8 | u64::from(*byte)))
        }
        _ => None,
    }
}
