//! The states of the framework's three machines, as WdfDeviceGetDevicePnpState and its relatives tell
//! them: those in which a driver's callback can ask.

use std::cell::Cell;

/// `WDF_DEVICE_PNP_STATE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Pnp {
    ObjectCreated = 0x100,
    EjectFailed = 0x102,
    EjectHardware = 0x103,
    EjectedWaitingForRemove = 0x104,
    Init = 0x105,
    HardwareAvailable = 0x108,
    QueryRemoveAskDriver = 0x10B,
    QueryRemovePending = 0x10C,
    QueriedRemoving = 0x10E,
    QueryStopAskDriver = 0x10F,
    QueryStopPending = 0x110,
    PdoRemoved = 0x114,
    RemovedPdoWait = 0x115,
    RemovingDisableInterfaces = 0x117,
    Restarting = 0x118,
    Started = 0x119,
    StartedRemoving = 0x11C,
    StartingFromStopped = 0x11D,
    Stopped = 0x11E,
    StartedStopping = 0x120,
    SurpriseRemove = 0x121,
    FdoRemoved = 0x124,
    SurpriseRemoveIoStarted = 0x127,
    FailedPowerDown = 0x128,
    FailedIoStarting = 0x129,
    FailedOwnHardware = 0x12A,
    Failed = 0x12B,
    FailedSurpriseRemoved = 0x12C,
    FailedWaitForRemove = 0x12E,
}

/// `WDF_DEVICE_POWER_STATE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Power {
    ObjectCreated = 0x300,
    D0 = 0x307,
    D0Starting = 0x30F,
    D0StartingConnectInterrupt = 0x310,
    D0StartingStartSelfManagedIo = 0x312,
    GotoD3Stopped = 0x314,
    Stopped = 0x315,
    GotoDx = 0x31A,
    GotoDxIoStopped = 0x31C,
    Dx = 0x31F,
    StartSelfManagedIo = 0x32B,
    Waking = 0x333,
    WakingConnectInterrupt = 0x335,
}

impl Power {
    /// Its number, for a device whose power is pageable or not. A state that differs for the two has two
    /// numbers.
    fn number(self, pageable: bool) -> u32 {
        /// `WdfDevStateNP`
        const NOT_PAGEABLE: u32 = 0x8000;
        let two = matches!(
            self,
            Self::D0
                | Self::GotoDx
                | Self::GotoDxIoStopped
                | Self::Dx
                | Self::StartSelfManagedIo
                | Self::Waking
                | Self::WakingConnectInterrupt
        );
        let number = self as u32;
        if two && !pageable {
            (number + 1) | NOT_PAGEABLE
        } else {
            number
        }
    }
}

/// `WDF_DEVICE_POWER_POLICY_STATE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Policy {
    ObjectCreated = 0x500,
    Starting = 0x501,
    SleepingNoWakePowerDown = 0x527,
    SystemAsleepNoWake = 0x52C,
    SystemWakeDeviceToD0 = 0x52E,
    Stopping = 0x55B,
    Stopped = 0x563,
    Started = 0x565,
    Removed = 0x58E,
    Restarting = 0x58F,
}

/// Where a device's machines stand.
pub(crate) struct States {
    pageable: bool,
    pnp: Cell<Pnp>,
    power: Cell<Power>,
    policy: Cell<Policy>,
}

impl States {
    /// Those of a new device; PnP knows nothing of a control device.
    pub(super) fn new(is_control: bool, pageable: bool) -> Self {
        let pnp = if is_control {
            Pnp::ObjectCreated
        } else {
            Pnp::Init
        };
        Self {
            pageable,
            pnp: Cell::new(pnp),
            power: Cell::new(Power::ObjectCreated),
            policy: Cell::new(Policy::ObjectCreated),
        }
    }

    pub(crate) fn pnp(&self) -> Pnp {
        self.pnp.get()
    }

    pub(crate) fn power_number(&self) -> u32 {
        self.power.get().number(self.pageable)
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy.get()
    }

    pub(crate) fn set_pnp(&self, state: Pnp) {
        self.pnp.set(state);
    }

    pub(crate) fn set_power(&self, state: Power) {
        self.power.set(state);
    }

    pub(crate) fn set_policy(&self, state: Policy) {
        self.policy.set(state);
    }
}

#[cfg(test)]
mod tests {
    use super::Power;

    #[test]
    fn a_state_that_differs_where_power_is_not_pageable_has_a_number_of_its_own() {
        // WdfDevStatePowerD0NP, WdfDevStatePowerWakingNP, WdfDevStatePowerGotoD3Stopped
        assert_eq!(Power::D0.number(false), 0x8308);
        assert_eq!(Power::Waking.number(false), 0x8334);
        assert_eq!(Power::GotoD3Stopped.number(false), 0x314);
        assert_eq!(Power::D0.number(true), 0x307);
    }
}
