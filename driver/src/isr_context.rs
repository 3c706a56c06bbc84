//! What the ISR keeps: the context of each interrupt object, and what they share.

#![forbid(unsafe_code)]

use edu_driver_core::log::Log;

use kmdf::{Interrupt, List};

use crate::registers::IsrRegisters;

/// What an interrupt object keeps in its context space.
pub struct EduInterrupt {
    /// What its interrupts said since its DPC ran.
    pub log: Log,
}

/// What the ISRs of all interrupt objects share.
pub struct IsrShared {
    /// There between EvtDevicePrepareHardware and EvtDeviceReleaseHardware.
    pub registers: Option<IsrRegisters>,
    /// Counts the interrupts of the device.
    pub sequence: u64,
}

/// The interrupt objects of a device.
pub type Interrupts = List<Interrupt<EduInterrupt>>;

impl EduInterrupt {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { log: Log::new() }
    }
}

impl IsrShared {
    /// The device has not been started.
    pub const fn new() -> Self {
        Self {
            registers: None,
            sequence: 0,
        }
    }

    /// Acknowledges all causes that no ISR will service: those raised before the interrupt was enabled, or while it
    /// was being disabled. The device keeps them over a reboot, and a line that stays asserted disturbs the devices that
    /// share it.
    pub fn acknowledge_stale(&mut self) {
        if let Some(registers) = &mut self.registers {
            let causes = registers.causes();
            if !causes.is_empty() && !causes.is_all_ones() {
                registers.acknowledge(causes);
            }
        }
    }
}
