//! The states of the framework's three machines: as WdfDeviceGetDevicePnpState and its relatives tell them, and in
//! the order in which their callbacks are told of them (pnpstatemachine.cpp, powerstatemachine.cpp,
//! powerpolicystatemachine.cpp).

use std::cell::{Cell, RefCell};

/// `WDF_DEVICE_PNP_STATE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Pnp {
    ObjectCreated = 0x100,
    CheckForDevicePresence = 0x101,
    EjectFailed = 0x102,
    EjectHardware = 0x103,
    EjectedWaitingForRemove = 0x104,
    Init = 0x105,
    InitStarting = 0x106,
    InitSurpriseRemoved = 0x107,
    HardwareAvailable = 0x108,
    EnableInterfaces = 0x109,
    HardwareAvailablePowerPolicyFailed = 0x10A,
    QueryRemoveAskDriver = 0x10B,
    QueryRemovePending = 0x10C,
    QueryRemoveStaticCheck = 0x10D,
    QueriedRemoving = 0x10E,
    QueryStopAskDriver = 0x10F,
    QueryStopPending = 0x110,
    QueryStopStaticCheck = 0x111,
    QueryCanceled = 0x112,
    Removed = 0x113,
    PdoRemoved = 0x114,
    RemovedPdoWait = 0x115,
    RemovingDisableInterfaces = 0x117,
    Restarting = 0x118,
    Started = 0x119,
    StartedRemoving = 0x11C,
    StartingFromStopped = 0x11D,
    Stopped = 0x11E,
    StoppedWaitForStartCompletion = 0x11F,
    StartedStopping = 0x120,
    SurpriseRemove = 0x121,
    FdoRemoved = 0x124,
    QueriedSurpriseRemove = 0x126,
    SurpriseRemoveIoStarted = 0x127,
    FailedPowerDown = 0x128,
    FailedIoStarting = 0x129,
    FailedOwnHardware = 0x12A,
    Failed = 0x12B,
    FailedSurpriseRemoved = 0x12C,
    FailedWaitForRemove = 0x12E,
    Final = 0x135,
    RemovedChildrenRemoved = 0x136,
    QueryRemoveEnsureDeviceAwake = 0x137,
    QueryStopEnsureDeviceAwake = 0x138,
    FailedPowerPolicyRemoved = 0x139,
}

/// `WDF_DEVICE_POWER_STATE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Power {
    ObjectCreated = 0x300,
    CheckDeviceType = 0x301,
    D0 = 0x307,
    D0Starting = 0x30F,
    D0StartingConnectInterrupt = 0x310,
    D0StartingDmaEnable = 0x311,
    D0StartingStartSelfManagedIo = 0x312,
    DecideD0State = 0x313,
    GotoD3Stopped = 0x314,
    Stopped = 0x315,
    StartingCheckDeviceType = 0x316,
    GotoDx = 0x31A,
    GotoDxIoStopped = 0x31C,
    Dx = 0x31F,
    StartSelfManagedIo = 0x32B,
    Waking = 0x333,
    WakingConnectInterrupt = 0x335,
    WakingDmaEnable = 0x339,
    NotifyingD0ExitToWakeInterrupts = 0x359,
    NotifyingD0EntryToWakeInterrupts = 0x35A,
    WakingPostHardwareEnabled = 0x363,
    D0StartingPostHardwareEnabled = 0x367,
}

impl Power {
    /// Its number, for a device whose power is pageable or not. A state that differs for the two has two
    /// numbers.
    fn number(self, pageable: bool) -> u32 {
        /// `WdfDevStateNP`
        const NOT_PAGEABLE: u32 = 0x8000;
        let further = match self {
            Self::CheckDeviceType
            | Self::D0
            | Self::GotoDx
            | Self::GotoDxIoStopped
            | Self::Dx
            | Self::StartSelfManagedIo
            | Self::Waking
            | Self::WakingConnectInterrupt
            | Self::WakingDmaEnable
            | Self::WakingPostHardwareEnabled => 1,
            Self::NotifyingD0ExitToWakeInterrupts | Self::NotifyingD0EntryToWakeInterrupts => 2,
            _ => 0,
        };
        let number = self as u32;
        if further > 0 && !pageable {
            (number + further) | NOT_PAGEABLE
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
    StartingSucceeded = 0x502,
    StartingFailed = 0x503,
    StartingDecideS0Wake = 0x504,
    Sleeping = 0x526,
    SleepingNoWakePowerDown = 0x527,
    SleepingNoWakeCompletePowerDown = 0x528,
    SystemAsleepNoWake = 0x52C,
    SystemWakeDeviceWakeDisabled = 0x52D,
    SystemWakeDeviceToD0 = 0x52E,
    SystemWakeDeviceToD0CompletePowerUp = 0x52F,
    Stopping = 0x55B,
    StoppingSendStatus = 0x55D,
    Stopped = 0x563,
    Started = 0x565,
    StartingPoweredUp = 0x583,
    StoppedRemoving = 0x58D,
    Removed = 0x58E,
    Restarting = 0x58F,
    RestartingFailed = 0x590,
}

/// Which of the three machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Pnp,
    Power,
    Policy,
}

impl Machine {
    /// The first of its states, and one behind the last.
    pub(super) const fn states(self) -> std::ops::Range<u32> {
        match self {
            Self::Pnp => 0x100..0x13A,
            Self::Power => 0x300..0x369,
            Self::Policy => 0x500..0x5C0,
        }
    }

    /// The name of its callback.
    pub(super) const fn callback(self) -> &'static str {
        match self {
            Self::Pnp => "EvtDevicePnpStateChange",
            Self::Power => "EvtDevicePowerStateChange",
            Self::Policy => "EvtDevicePowerPolicyStateChange",
        }
    }
}

/// A callback that is told of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) machine: Machine,
    /// The state, without what says that it is that of a device whose power is not pageable.
    pub(super) state: u32,
    pub(super) callback: u64,
    /// Of what: the bits of `WDF_STATE_NOTIFICATION_TYPE`.
    pub(super) types: u32,
}

/// Where a device's machines stand.
pub(crate) struct States {
    pageable: bool,
    pnp: Cell<Pnp>,
    power: Cell<Power>,
    policy: Cell<Policy>,
    /// For each machine, whether the work of its state is still to be done.
    busy: Cell<[bool; 3]>,
    told: RefCell<Vec<Told>>,
}

impl States {
    /// Those of a device that is being made.
    pub(super) fn new(pageable: bool, told: Vec<Told>) -> Self {
        Self {
            pageable,
            pnp: Cell::new(Pnp::ObjectCreated),
            power: Cell::new(Power::ObjectCreated),
            policy: Cell::new(Policy::ObjectCreated),
            busy: Cell::default(),
            told: RefCell::new(told),
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

    pub(super) fn set_pnp(&self, state: Pnp) -> [u32; 2] {
        [self.pnp.replace(state) as u32, state as u32]
    }

    pub(super) fn set_power(&self, state: Power) -> [u32; 2] {
        let before = self.power.replace(state);
        [before, state].map(|state| state.number(self.pageable))
    }

    pub(super) fn set_policy(&self, state: Policy) -> [u32; 2] {
        [self.policy.replace(state) as u32, state as u32]
    }

    /// The number of the state that a machine is in.
    pub(super) fn number(&self, machine: Machine) -> u32 {
        match machine {
            Machine::Pnp => self.pnp() as u32,
            Machine::Power => self.power_number(),
            Machine::Policy => self.policy() as u32,
        }
    }

    /// Whether the work of a machine's state was still to be done; whether it is from now on.
    pub(super) fn replace_busy(&self, machine: Machine, is_busy: bool) -> bool {
        let mut busy = self.busy.get();
        let before = std::mem::replace(&mut busy[machine as usize], is_busy);
        self.busy.set(busy);
        before
    }

    /// The callback that is told of a state, if it wants to hear of that.
    pub(super) fn told(&self, machine: Machine, state: u32, of: u32) -> Option<u64> {
        /// `WdfDevStateNP`
        const NOT_PAGEABLE: u32 = 0x8000;
        let state = state & !NOT_PAGEABLE;
        let told = self.told.borrow();
        let mut told = told.iter();
        let told = told.find(|told| told.machine == machine && told.state == state)?;
        (told.types & of != 0).then_some(told.callback)
    }
}

#[cfg(test)]
mod tests {
    use super::Power;

    #[test]
    fn a_state_that_differs_where_power_is_not_pageable_has_a_number_of_its_own() {
        // WdfDevStatePowerD0NP, WdfDevStatePowerWakingNP, WdfDevStatePowerNotifyingD0ExitToWakeInterruptsNP,
        // WdfDevStatePowerGotoD3Stopped
        assert_eq!(Power::D0.number(false), 0x8308);
        assert_eq!(Power::Waking.number(false), 0x8334);
        assert_eq!(Power::NotifyingD0ExitToWakeInterrupts.number(false), 0x835B);
        assert_eq!(Power::GotoD3Stopped.number(false), 0x314);
        assert_eq!(Power::D0.number(true), 0x307);
    }
}
