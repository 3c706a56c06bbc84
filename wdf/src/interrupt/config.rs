//! How interrupts are handled.

use wdk_sys::{
    _WDF_INTERRUPT_POLICY::{WdfIrqPolicyMachineDefault, WdfIrqPolicySpecifiedProcessors},
    _WDF_INTERRUPT_PRIORITY::{WdfIrqPriorityHigh, WdfIrqPriorityLow, WdfIrqPriorityNormal},
    _WDF_TRI_STATE::{WdfFalse, WdfTrue},
    WDF_INTERRUPT_CONFIG, WDF_INTERRUPT_EXTENDED_POLICY,
};

use super::{InterruptHandler, callbacks, lock::Locking};
use crate::{InterruptResource, WakeResource, init};

/// At which IRQL interrupts are handled, and where the work is done. Never in both a DPC and a work item: the
/// framework refuses that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The ISR at DIRQL, the work in EvtInterruptDpc, at DISPATCH_LEVEL.
    Dirql,
    /// The ISR at DIRQL, the work in EvtInterruptWorkItem, at PASSIVE_LEVEL.
    DirqlWorkItem,
    /// The ISR at PASSIVE_LEVEL, the work in EvtInterruptWorkItem, too. For one line, not for
    /// messages.
    PassiveWorkItem,
    /// The ISR at PASSIVE_LEVEL, the work in EvtInterruptDpc, at DISPATCH_LEVEL. For one line, not for messages.
    PassiveDpc,
}

impl Handling {
    /// Whether the ISR runs at PASSIVE_LEVEL.
    ///
    /// ```no_run
    /// use kmdf::Handling;
    ///
    /// assert!(Handling::PassiveDpc.is_passive() && !Handling::DirqlWorkItem.is_passive());
    /// ```
    #[must_use]
    pub const fn is_passive(self) -> bool {
        matches!(self, Self::PassiveWorkItem | Self::PassiveDpc)
    }
}

/// How urgent an interrupt is (`WDF_INTERRUPT_PRIORITY`). `WdfIrqPriorityUndefined` is none to ask for: KMDF Verifier
/// breaks into the debugger (`fxinterruptapi.cpp`, WdfInterruptSetExtendedPolicy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// `WdfIrqPriorityLow`
    Low,
    /// `WdfIrqPriorityNormal`
    #[default]
    Normal,
    /// `WdfIrqPriorityHigh`
    High,
}

/// Which processors are to take an interrupt, and before which others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Processors of group 0; 0 for any.
    pub processors: u64,
    /// How urgent it is.
    pub priority: Priority,
}

impl Policy {
    pub(super) fn extended(self) -> WDF_INTERRUPT_EXTENDED_POLICY {
        let mut extended = init::interrupt_extended_policy();
        extended.Policy = if self.processors == 0 {
            WdfIrqPolicyMachineDefault
        } else {
            WdfIrqPolicySpecifiedProcessors
        };
        extended.Priority = match self.priority {
            Priority::Low => WdfIrqPriorityLow,
            Priority::Normal => WdfIrqPriorityNormal,
            Priority::High => WdfIrqPriorityHigh,
        };
        extended.TargetProcessorSetAndGroup.Mask = self.processors;
        extended
    }
}

/// In which callback an interrupt object is created, and for what.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// EvtDriverDeviceAdd.
    DeviceAdd,
    /// EvtDevicePrepareHardware.
    Resource(&'a InterruptResource<'a>),
    /// EvtDevicePrepareHardware, to wake the device.
    Wake(&'a WakeResource<'a>),
}

/// What an interrupt object is created with.
pub(super) fn config<H: InterruptHandler>(
    handling: Handling,
    locking: &Locking<H::Shared>,
    origin: Origin<'_>,
) -> WDF_INTERRUPT_CONFIG {
    let mut config = WDF_INTERRUPT_CONFIG {
        // The default is TRUE on ARM64: then the object stays connected in Dx, and on a shared line the ISR is
        // called there (interruptobject.cpp: the constructor, `Disconnect`).
        ReportInactiveOnPowerDown: if H::REPORTS_INACTIVE {
            WdfTrue
        } else {
            WdfFalse
        },
        SpinLock: locking.spin_lock,
        WaitLock: locking.wait_lock,
        PassiveHandling: handling.is_passive().into(),
        EvtInterruptEnable: Some(callbacks::evt_interrupt_enable::<H>),
        EvtInterruptDisable: Some(callbacks::evt_interrupt_disable::<H>),
        ..init::interrupt_config(Some(callbacks::evt_interrupt_isr::<H>))
    };
    let resource = match origin {
        Origin::DeviceAdd => None,
        Origin::Resource(resource) => Some(resource),
        Origin::Wake(resource) => {
            config.CanWakeDevice = true.into();
            Some(resource.interrupt())
        }
    };
    if let Some(resource) = resource {
        // The framework only reads them.
        config.InterruptRaw = core::ptr::from_ref(resource.raw()).cast_mut();
        config.InterruptTranslated = core::ptr::from_ref(resource.translated()).cast_mut();
    }
    match handling {
        Handling::Dirql | Handling::PassiveDpc => {
            config.EvtInterruptDpc = Some(callbacks::evt_interrupt_deferred::<H>);
        }
        Handling::DirqlWorkItem | Handling::PassiveWorkItem => {
            config.EvtInterruptWorkItem = Some(callbacks::evt_interrupt_deferred::<H>);
        }
    }
    config
}
