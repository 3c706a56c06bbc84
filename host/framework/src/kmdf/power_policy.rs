//! Power policy as far as it is played: what is answered to settings and capabilities, and who keeps the
//! device in D0. No device here can wake the system or itself, and none goes to sleep on its own.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_PENDING,
        STATUS_POWER_STATE_INVALID, STATUS_SUCCESS,
    },
    types::{
        WDF_DEVICE_PNP_CAPABILITIES, WDF_DEVICE_POWER_CAPABILITIES,
        WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS,
        WDF_POWER_FRAMEWORK_SETTINGS,
    },
};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;
use zerocopy::FromBytes;

use super::{argument::TRI_STATES, device::Device};
use crate::host::{Host, services};

/// Whether the device can be kept in D0, as the framework's machine for idle devices knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Idle {
    /// It is not started, or its power failed.
    #[default]
    Stopped,
    /// It is started, and not in D0 or not in it completely.
    NotInD0,
    InD0,
}

/// What a device's power policy consists of.
#[derive(Default)]
pub(crate) struct PowerPolicy {
    /// Whether this driver is the owner: that of a function is, a filter is not unless it asks.
    is_owner: bool,
    pub(crate) idle: Cell<Idle>,
    /// How often WdfDeviceStopIdle has kept the device in D0, less what WdfDeviceResumeIdle let go.
    references: Cell<u32>,
    /// Whether the system times how long the device is idle; nothing before the first settings.
    system_times: Cell<Option<bool>>,
    /// Whether settings of the power framework were assigned. It is never asked: nothing here is idle.
    framework: Cell<bool>,
    /// How often WdfDeviceSetStaticStopRemove said that the device cannot be stopped, less how often
    /// that it can.
    pub(crate) unstoppable: Cell<u32>,
}

impl PowerPolicy {
    /// Whether this driver is the owner.
    pub(super) fn is_owner(&self) -> bool {
        self.is_owner
    }

    pub(super) fn new(is_owner: bool) -> Self {
        Self {
            is_owner,
            ..Self::default()
        }
    }
}

services! {
    WdfDeviceAssignS0IdleSettings <= DISPATCH => assign_idle_settings;
    WdfDeviceAssignSxWakeSettings <= DISPATCH => assign_wake_settings;
    WdfDeviceStopIdleActual <= DISPATCH => stop_idle;
    WdfDeviceStopIdleNoTrack <= DISPATCH => stop_idle;
    WdfDeviceResumeIdleActual <= DISPATCH => resume_idle;
    WdfDeviceResumeIdleNoTrack <= DISPATCH => resume_idle;
    WdfDeviceWdmAssignPowerFrameworkSettings <= PASSIVE => assign_power_framework;
    WdfDeviceSetPnpCapabilities <= DISPATCH => set_pnp_capabilities;
    WdfDeviceSetPowerCapabilities <= DISPATCH => set_power_capabilities;
    WdfDeviceSetStaticStopRemove <= PASSIVE => set_static_stop_remove;
}

/// `PowerDeviceD1` to `PowerDeviceMaximum`; `PowerDeviceUnspecified` is the first of all.
const STATES: std::ops::RangeInclusive<i32> = 2..=5;
const MAXIMUM: i32 = 5;
/// `PowerSystemMaximum`
const SYSTEM_MAXIMUM: i32 = 7;
const USE_DEFAULT: i32 = 2;
/// `IdleCannotWakeFromS0`, and all of them.
const CANNOT_WAKE: i32 = 1;
const IDLE_CAPABILITIES: std::ops::RangeInclusive<i32> = 1..=3;
/// `IdleDoNotAllowUserControl`, `IdleAllowUserControl`, and the same for waking.
const USER_CONTROL: std::ops::RangeInclusive<i32> = 1..=2;
/// `SystemManagedIdleTimeoutWithHint`
const LAST_TIMEOUT_TYPE: i32 = 2;
/// Sizes of WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS: until KMDF 1.7, until 1.9, and since.
const IDLE_SIZES: [usize; 3] = [24, 28, size_of::<WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS>()];
/// Sizes of WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS: until KMDF 1.5, and since.
const WAKE_SIZES: [usize; 2] = [16, size_of::<WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS>()];

/// Settings at an address, of one of the sizes that they have had. Behind the end of an older one are
/// zeros.
fn settings<T: FromBytes>(
    host: &Host,
    address: u64,
    sizes: &[usize],
) -> Result<(T, usize), NtStatus> {
    let size = host.memory.read::<u32>(address) as usize;
    if !sizes.contains(&size) {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let mut bytes = host.memory.read_bytes(address, size);
    bytes.resize(size_of::<T>(), 0);
    let settings = T::read_from_bytes(&bytes).map_err(|_| STATUS_INFO_LENGTH_MISMATCH)?;
    Ok((settings, size))
}

/// WdfDeviceAssignS0IdleSettings(Device, Settings): what the source answers (fxdeviceapi.cpp,
/// fxpkgpnp.cpp `PowerPolicySetS0IdleSettings`). A device that is to wake itself would need a state to
/// wake from, which none here has.
fn assign_idle_settings(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.check_pnp_driver("WdfDeviceAssignS0IdleSettings");
    let device = host.pnp_device(call, "WdfDeviceAssignS0IdleSettings");
    if !device.policy.is_owner {
        host.check_owner(&device, "WdfDeviceAssignS0IdleSettings");
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let (settings, size) =
        settings::<WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS>(host, call.arg(1), &IDLE_SIZES)?;
    let valid = STATES.contains(&settings.DxState.0)
        && IDLE_CAPABILITIES.contains(&settings.IdleCaps.0)
        && USER_CONTROL.contains(&settings.UserControlOfIdleSettings.0)
        && TRI_STATES.contains(&settings.Enabled.0);
    let wakes = settings.IdleCaps.0 != CANNOT_WAKE;
    let power_up = settings.PowerUpIdleDeviceOnSystemWake.0;
    let valid_1_9 = size < IDLE_SIZES[1]
        || TRI_STATES.contains(&power_up) && !(wakes && power_up != USE_DEFAULT);
    let valid_1_11 = size < IDLE_SIZES[2] || settings.IdleTimeoutType.0 <= LAST_TIMEOUT_TYPE;
    if !(valid && valid_1_9 && valid_1_11) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if wakes {
        return Err(STATUS_POWER_STATE_INVALID);
    }
    if size == IDLE_SIZES[2] {
        let system_times = settings.IdleTimeoutType.0 != 0;
        let before = device.policy.system_times.get();
        if before.is_some_and(|before| before != system_times) {
            host.violation(
                &rules::IDLE_TIMEOUT_TYPE,
                "IdleTimeoutType is another one than in the first call",
            );
        }
        device.policy.system_times.set(Some(system_times));
    }
    Ok(())
}

/// WdfDeviceAssignSxWakeSettings(Device, Settings): a device that is to wake the system would need a
/// state to wake from, which none here has.
fn assign_wake_settings(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.check_pnp_driver("WdfDeviceAssignSxWakeSettings");
    let device = host.pnp_device(call, "WdfDeviceAssignSxWakeSettings");
    if !device.policy.is_owner {
        host.check_owner(&device, "WdfDeviceAssignSxWakeSettings");
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let (settings, _) =
        settings::<WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS>(host, call.arg(1), &WAKE_SIZES)?;
    let valid = STATES.contains(&settings.DxState.0)
        && USER_CONTROL.contains(&settings.UserControlOfWakeSettings.0)
        && TRI_STATES.contains(&settings.Enabled.0);
    if valid {
        Err(STATUS_POWER_STATE_INVALID)
    } else {
        Err(STATUS_INVALID_PARAMETER)
    }
}

impl Host {
    /// Ends the run if it is a filter that asks for what only the owner of power policy has.
    fn check_owner(&self, device: &Device, what: &str) {
        if device.is_filter && self.checks_all() {
            self.violation(
                &rules::NON_FDO_NOT_POWER_POLICY_OWNER,
                format!("{what} is called by a filter that does not own the power policy"),
            );
        }
    }
}

/// WdfDeviceStopIdle(Device, WaitForD0)
fn stop_idle(host: &Host, call: &Call) -> NtStatus {
    let device = host.pnp_device(call, "WdfDeviceStopIdle");
    let waits = call.flag(1);
    if waits && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!("WdfDeviceStopIdle is to wait for D0 at {}", host.irql()),
        );
    }
    if !device.policy.is_owner {
        return STATUS_INVALID_DEVICE_STATE;
    }
    let policy = &device.policy;
    let before = policy.idle.get();
    if before == Idle::Stopped {
        return STATUS_POWER_STATE_INVALID;
    }
    policy.references.set(policy.references.get() + 1);
    match before {
        Idle::InD0 => STATUS_SUCCESS,
        _ if !waits => STATUS_PENDING,
        _ => {
            let waited = Rc::clone(&device);
            host.block_until(move |_| waited.policy.idle.get() != Idle::NotInD0);
            if policy.idle.get() == Idle::InD0 {
                return STATUS_SUCCESS;
            }
            policy.references.set(policy.references.get() - 1);
            STATUS_POWER_STATE_INVALID
        }
    }
}

/// WdfDeviceResumeIdle(Device): lets go of what WdfDeviceStopIdle has taken.
fn resume_idle(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceResumeIdle");
    if !device.policy.is_owner {
        return;
    }
    let references = &device.policy.references;
    let Some(fewer) = references.get().checked_sub(1) else {
        host.violation(
            &rules::POWER_REFERENCE,
            "WdfDeviceResumeIdle is called without a WdfDeviceStopIdle that succeeded before it",
        );
    };
    references.set(fewer);
}

/// WdfDeviceSetPnpCapabilities(Device, PnpCapabilities): they are for the device manager, and for a bus
/// that ejects.
fn set_pnp_capabilities(host: &Host, call: &Call) {
    host.pnp_device(call, "WdfDeviceSetPnpCapabilities");
    let what = "WDF_DEVICE_PNP_CAPABILITIES";
    let all: WDF_DEVICE_PNP_CAPABILITIES = host.structure(what, call.arg(1), 0);
    let values = [
        all.LockSupported,
        all.EjectSupported,
        all.Removable,
        all.DockDevice,
        all.UniqueID,
        all.SilentInstall,
        all.SurpriseRemovalOK,
        all.HardwareDisabled,
        all.NoDisplayInUI,
    ];
    host.require_tri_states(what, &values);
}

/// WdfDeviceSetPowerCapabilities(Device, PowerCapabilities): nobody asks a function driver for them here.
fn set_power_capabilities(host: &Host, call: &Call) {
    host.check_pnp_driver("WdfDeviceSetPowerCapabilities");
    let device = host.pnp_device(call, "WdfDeviceSetPowerCapabilities");
    let what = "WDF_DEVICE_POWER_CAPABILITIES";
    let all: WDF_DEVICE_POWER_CAPABILITIES = host.structure(what, call.arg(1), 0);
    let values = [
        all.DeviceD1,
        all.DeviceD2,
        all.WakeFromD0,
        all.WakeFromD1,
        all.WakeFromD2,
        all.WakeFromD3,
    ];
    host.require_tri_states(what, &values);
    for state in all.DeviceState {
        host.require_in("DeviceState", state.0, &(0..=MAXIMUM));
    }
    host.require_in("DeviceWake", all.DeviceWake.0, &(0..=MAXIMUM));
    host.require_in("SystemWake", all.SystemWake.0, &(0..=SYSTEM_MAXIMUM));
    let ideal = if device.policy.is_owner {
        STATES
    } else {
        MAXIMUM..=MAXIMUM
    };
    host.require_in("IdealDxStateForSx", all.IdealDxStateForSx.0, &ideal);
}

/// WdfDeviceSetStaticStopRemove(Device, Stoppable)
fn set_static_stop_remove(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceSetStaticStopRemove");
    let count = &device.policy.unstoppable;
    if !call.flag(1) {
        count.set(count.get() + 1);
        return;
    }
    let Some(fewer) = count.get().checked_sub(1) else {
        host.violation(
            &rules::STATIC_STOP_REMOVE,
            "WdfDeviceSetStaticStopRemove allows what was not forbidden before",
        );
    };
    count.set(fewer);
}

/// WdfDeviceWdmAssignPowerFrameworkSettings(Device, PowerFrameworkSettings): once, before the first start. Until 1.31
/// the structure ended before PoFxDeviceFlags.
fn assign_power_framework(host: &Host, call: &Call) -> NtStatus {
    const BYTES: usize = size_of::<WDF_POWER_FRAMEWORK_SETTINGS>();
    /// Where PO_FX_COMPONENT has IdleStateCount and IdleStates.
    const IDLE_STATE_COUNT: u64 = 20;
    const IDLE_STATES: u64 = 32;
    let device = host.body::<Device>(call.arg(0));
    let what = "WdfDeviceWdmAssignPowerFrameworkSettings";
    if !device.policy.is_owner() {
        host.invalid_operation(format!(
            "{what} is called for a device without power policy"
        ));
    }
    let flags = std::mem::offset_of!(WDF_POWER_FRAMEWORK_SETTINGS, PoFxDeviceFlags);
    let settings: WDF_POWER_FRAMEWORK_SETTINGS =
        host.structure("WDF_POWER_FRAMEWORK_SETTINGS", call.arg(1), BYTES - flags);
    let component = settings.Component.0;
    if component != 0 {
        let count: u32 = host.memory.read(component + IDLE_STATE_COUNT);
        let states: u64 = host.memory.read(component + IDLE_STATES);
        host.require(
            count != 0 && states != 0,
            "the component of the power framework's settings has no idle states",
        );
    }
    if device.policy.framework.replace(true) || device.was_started.get() {
        host.invalid_operation(format!("{what} is called again, or after the first start"));
    }
    STATUS_SUCCESS
}
