//! PnP and power: the callbacks of a device, in the order of its life.
//!
//! ```text
//! EvtDriverDeviceAdd                        Driver::device_add
//!  └ EvtDevicePrepareHardware               prepare_hardware      resources; interrupts not connected
//!     └ EvtDeviceD0Entry                    d0_entry              registers answer; interrupts not connected
//!        ├ EvtInterruptEnable               InterruptHandler::set_enabled, for each object: now it is connected
//!        └ EvtDeviceD0EntryPostInterruptsEnabled    interrupts_enabled     all are connected
//!          … requests of power-managed queues; ISRs and DPCs …
//!          EvtIoStop                        StopHandler, for each request that the driver owns
//!        ┌ EvtDeviceD0ExitPreInterruptsDisabled     interrupts_disabling
//!        └ EvtInterruptDisable              InterruptHandler::set_enabled, for each object
//!     ┌ EvtDeviceD0Exit
//!  ┌ EvtDeviceReleaseHardware               release_hardware      interrupts not connected
//! EvtDeviceSelfManagedIoFlush               lost                  only if the device does not come back
//! ```
//!
//! All run at PASSIVE_LEVEL, one at a time, but for EvtInterruptEnable and EvtInterruptDisable, which run at the IRQL of
//! the ISR. Sleep goes from D0 to below EvtDeviceD0Exit and back; a rebalance to below EvtDeviceReleaseHardware.

use core::marker::PhantomData;

use wdk_sys::{
    NTSTATUS, STATUS_SUCCESS, WDF_PNPPOWER_EVENT_CALLBACKS, WDF_POWER_DEVICE_STATE, WDFCMRESLIST,
    WDFDEVICE,
};

use super::{
    Context, NtStatus, Passive, Resources, Result, context, device::DeviceHandle, init,
    interrupt::deferring_of,
};

/// Proof that no interrupt of a device is connected: its ISRs do not run, and nobody can hold its
/// interrupt lock. Only EvtDevicePrepareHardware and EvtDeviceReleaseHardware have it: the device has not
/// been in D0 since it got its resources, or PnP has had it stop, which disconnects every interrupt that is
/// still connected (powerstatemachine.cpp: `PowerGotoD3Stopped`, `PowerGotoDxStoppedDisableInterrupt`).
pub struct Disconnected<'a> {
    device: DeviceHandle,
    lent: PhantomData<&'a mut ()>,
}

/// Proof that the interrupts of a device are connected. The driver gets it when they all are and
/// gives it back before the first is disconnected. One that is kept longer proves nothing: no lock is taken with it, and
/// nothing is reported.
pub struct Connected {
    device: DeviceHandle,
}

/// What EvtDevicePrepareHardware has.
pub struct Hardware<'a> {
    /// What PnP has given the device.
    pub resources: Resources<'a>,
    /// No interrupt is connected.
    pub disconnected: Disconnected<'a>,
    /// The device is being started.
    pub passive: Passive<'a>,
}

/// The PnP and power callbacks of a device, methods of its context: see the [module](self) for their order.
/// IRQL of all: PASSIVE_LEVEL.
///
/// ```no_run
/// use kmdf::{Connected, Disconnected, Hardware, Mapping, PnpPower, Result, SpinLock};
///
/// # #[repr(C)] struct Registers([u32; 2]);
/// struct MyDevice {
///     registers: SpinLock<Option<Mapping<Registers>>>,
///     connected: SpinLock<Option<Connected>>,
/// }
/// kmdf::context_type!(MyDevice, c"MyDevice");
///
/// impl PnpPower for MyDevice {
///     fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()> {
///         let mapping = Mapping::new(&hardware.resources.memory_range(0)?)?;
///         *self.registers.lock() = Some(mapping);
///         Ok(())
///     }
///
///     fn release_hardware(&self, _: &mut Disconnected<'_>) {
///         let mapping = self.registers.lock().take();
///         drop(mapping);
///     }
///
///     fn d0_entry(&self) -> Result<()> {
///         // … write what the device has lost without power …
///         Ok(())
///     }
///
///     fn interrupts_enabled(&self, connected: Connected) {
///         *self.connected.lock() = Some(connected);
///         // … have the device interrupt …
///     }
///
///     fn interrupts_disabling(&self) -> Option<Connected> {
///         // … have it not …
///         self.connected.lock().take()
///     }
///
///     fn lost(&self) {
///         // … fail the requests of queues that are not power-managed …
///     }
/// }
/// ```
pub trait PnpPower: Context {
    /// EvtDevicePrepareHardware: the device has resources.
    ///
    /// # Errors
    /// Why it cannot start with them.
    fn prepare_hardware(&self, hardware: &mut Hardware<'_>) -> Result<()>;

    /// EvtDeviceReleaseHardware: the resources are taken away. Called after a failed
    /// [`PnpPower::prepare_hardware`], too.
    fn release_hardware(&self, disconnected: &mut Disconnected<'_>);

    /// EvtDeviceD0Entry: the device has power, its interrupts are not connected yet.
    ///
    /// # Errors
    /// Why it cannot work.
    fn d0_entry(&self) -> Result<()> {
        Ok(())
    }

    /// EvtDeviceD0EntryPostInterruptsEnabled: from now on the device may interrupt, and its ISRs defer
    /// their work. What they have recorded before is the driver's to work off now. Keep the proof to take interrupt
    /// locks outside of DPCs.
    fn interrupts_enabled(&self, connected: Connected) {
        _ = connected;
    }

    /// EvtDeviceD0ExitPreInterruptsDisabled: from now on the device must not interrupt, and its ISRs
    /// defer nothing any more. Gives the proof back, if it was kept. If the interrupt is handled at PASSIVE_LEVEL, takes
    /// the lock under which its ISR decides to defer its work (see `interrupt/deferring.rs`).
    fn interrupts_disabling(&self) -> Option<Connected> {
        None
    }

    /// EvtDeviceSelfManagedIoFlush: the device is being removed, was surprise-removed or has failed, and does not come
    /// back. Its power-managed queues are purged, the others not: those live until the last handle is
    /// closed.
    fn lost(&self) {}
}

impl Disconnected<'_> {
    #[inline]
    pub(super) fn is_of(&self, device: DeviceHandle) -> bool {
        self.device == device
    }
}

impl Connected {
    #[inline]
    pub(super) fn is_of(&self, device: DeviceHandle) -> bool {
        self.device == device
    }
}

/// `WDF_PNPPOWER_EVENT_CALLBACKS` with the methods of a context.
pub(super) fn callbacks<C: PnpPower>() -> WDF_PNPPOWER_EVENT_CALLBACKS {
    WDF_PNPPOWER_EVENT_CALLBACKS {
        EvtDevicePrepareHardware: Some(evt_prepare_hardware::<C>),
        EvtDeviceReleaseHardware: Some(evt_release_hardware::<C>),
        EvtDeviceD0Entry: Some(evt_d0_entry::<C>),
        EvtDeviceD0EntryPostInterruptsEnabled: Some(evt_d0_entry_post::<C>),
        EvtDeviceD0ExitPreInterruptsDisabled: Some(evt_d0_exit_pre::<C>),
        EvtDeviceSelfManagedIoFlush: Some(evt_self_managed_io_flush::<C>),
        ..init::pnp_power_callbacks()
    }
}

/// The context of a device in one of its PnP callbacks.
///
/// # Safety
/// The framework passed the device to a callback that [`callbacks`] registered for `C`.
unsafe fn context_of<'a, C: PnpPower>(device: WDFDEVICE) -> Result<&'a C> {
    // SAFETY: the framework keeps the device alive during its callback. A `C` that is there is initialized:
    // `Device::attach` writes it in the call that makes room for it.
    unsafe { context::of(device.cast()) }.ok_or(NtStatus::INTERNAL_ERROR)
}

/// `EVT_WDF_DEVICE_PREPARE_HARDWARE`
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_prepare_hardware<C: PnpPower>(
    device: WDFDEVICE,
    raw: WDFCMRESLIST,
    translated: WDFCMRESLIST,
) -> NTSTATUS {
    // SAFETY: the framework passed the device to this callback.
    let context = unsafe { context_of::<C>(device) };
    // SAFETY: the framework lends the lists for this call, and `resources` does not outlive it.
    let resources = unsafe { Resources::new(raw, translated) };
    let hardware = &mut Hardware {
        resources,
        disconnected: Disconnected {
            device: DeviceHandle::new(device),
            lent: PhantomData,
        },
        // SAFETY: this is EvtDevicePrepareHardware.
        passive: unsafe { Passive::new() },
    };
    NtStatus::of(context.and_then(|context| context.prepare_hardware(hardware)))
}

/// `EVT_WDF_DEVICE_RELEASE_HARDWARE`
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_release_hardware<C: PnpPower>(
    device: WDFDEVICE,
    _translated: WDFCMRESLIST,
) -> NTSTATUS {
    // SAFETY: the framework passed the device to this callback.
    let context = unsafe { context_of::<C>(device) };
    let disconnected = &mut Disconnected {
        device: DeviceHandle::new(device),
        lent: PhantomData,
    };
    NtStatus::of(context.map(|context| context.release_hardware(disconnected)))
}

/// `EVT_WDF_DEVICE_D0_ENTRY`
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_d0_entry<C: PnpPower>(
    device: WDFDEVICE,
    _previous: WDF_POWER_DEVICE_STATE,
) -> NTSTATUS {
    // SAFETY: the framework passed the device to this callback.
    let context = unsafe { context_of::<C>(device) };
    NtStatus::of(context.and_then(PnpPower::d0_entry))
}

/// `EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED`
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_d0_entry_post<C: PnpPower>(
    device: WDFDEVICE,
    _previous: WDF_POWER_DEVICE_STATE,
) -> NTSTATUS {
    // SAFETY: the framework passed the device to this callback.
    let context = match unsafe { context_of::<C>(device) } {
        Ok(context) => context,
        Err(failure) => return failure.get(),
    };
    // SAFETY: the device is alive during its callback.
    let deferring = unsafe { deferring_of(device) };
    // SAFETY: before the framework disconnects an interrupt, it calls
    // `EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED`, for from here on this callback succeeds.
    unsafe { deferring.set(true) };
    // SAFETY: all interrupts of the device are connected, and stay so until that callback has returned.
    unsafe { deferring.set_connected(true) };
    context.interrupts_enabled(Connected {
        device: DeviceHandle::new(device),
    });
    STATUS_SUCCESS
}

/// `EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED`
///
/// # Safety
/// Only the framework calls it. It calls it whenever it has called
/// `EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED`, a surprise removal included (which functions of the
/// framework do: `interrupt/deferring.rs`).
unsafe extern "C" fn evt_d0_exit_pre<C: PnpPower>(
    device: WDFDEVICE,
    _target: WDF_POWER_DEVICE_STATE,
) -> NTSTATUS {
    // SAFETY: the device is alive during its callback.
    let deferring = unsafe { deferring_of(device) };
    // SAFETY: that nothing is deferred is right at any time.
    unsafe { deferring.set(false) };
    // SAFETY: the framework passed the device to this callback.
    if let Ok(context) = unsafe { context_of::<C>(device) } {
        _ = context.interrupts_disabling();
    }
    // SAFETY: that no proof may be used is right at any time: here they end, given back or not.
    unsafe { deferring.set_connected(false) };
    STATUS_SUCCESS
}

/// `EVT_WDF_DEVICE_SELF_MANAGED_IO_FLUSH`
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_self_managed_io_flush<C: PnpPower>(device: WDFDEVICE) {
    // SAFETY: the framework passed the device to this callback.
    if let Ok(context) = unsafe { context_of::<C>(device) } {
        context.lost();
    }
}
