//! The device object and its PnP and power callbacks.

use core::marker::PhantomData;

use edu_spec::interface::Guid;
use wdk_sys::{
    _WDF_DEVICE_IO_TYPE::WdfDeviceIoDirect, _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCanUseFsContext,
    _WDF_TRI_STATE::WdfUseDefault, GUID, NTSTATUS, PWDFDEVICE_INIT, STATUS_SUCCESS,
    WDF_FILEOBJECT_CONFIG, WDF_NO_OBJECT_ATTRIBUTES, WDF_PNPPOWER_EVENT_CALLBACKS,
    WDF_POWER_DEVICE_STATE, WDFCMRESLIST, WDFDEVICE, WDFOBJECT, call_unsafe_wdf_function_binding,
};
use zerocopy::FromZeros;

use super::{
    Context, NtStatus, Passive, Resources, Result,
    context::{self, attributes_with},
    file::{HandleContext, evt_file_cleanup},
    interrupt::set_deferring,
    size_field,
};

/// A device that is about to be created (`WDFDEVICE_INIT`), for the time of EvtDriverDeviceAdd.
pub struct DeviceInit<'a> {
    handle: PWDFDEVICE_INIT,
    lent: PhantomData<&'a mut ()>,
}

/// `WDFDEVICE`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Device(WDFDEVICE);

// SAFETY: a device may be used on any processor.
unsafe impl Send for Device {}
// SAFETY: the framework serializes what needs it.
unsafe impl Sync for Device {}

/// Proof that no interrupt of a device is connected: its ISRs do not run, and nobody can hold its
/// interrupt lock. Only EvtDevicePrepareHardware and EvtDeviceReleaseHardware have it: the device has not
/// been in D0 since it got its resources, or PnP has had it stop, which disconnects every interrupt that is
/// still connected (powerstatemachine.cpp: `PowerGotoD3Stopped`, `PowerGotoDxStoppedDisableInterrupt`).
pub struct Disconnected<'a> {
    device: Device,
    lent: PhantomData<&'a mut ()>,
}

/// Proof that the interrupts of a device are connected. The driver gets it when they all are and
/// gives it back before the first is disconnected.
pub struct Connected {
    device: Device,
}

/// The PnP and power callbacks of a device, methods of its context. All run at PASSIVE_LEVEL, one
/// at a time.
pub trait PnpPower: Context {
    /// EvtDevicePrepareHardware: the device has resources.
    ///
    /// # Errors
    /// Why it cannot start with them.
    fn prepare_hardware(
        &self,
        resources: &Resources<'_>,
        disconnected: &mut Disconnected<'_>,
        passive: &Passive<'_>,
    ) -> Result<()>;

    /// EvtDeviceReleaseHardware: the resources are taken away. Called after a failed
    /// [`PnpPower::prepare_hardware`], too.
    fn release_hardware(&self, disconnected: &mut Disconnected<'_>);

    /// EvtDeviceD0Entry: the device has power, its interrupts are not connected yet.
    ///
    /// # Errors
    /// Why it cannot work.
    fn d0_entry(&self) -> Result<()>;

    /// EvtDeviceD0EntryPostInterruptsEnabled: from now on the device may interrupt, and its ISRs defer
    /// their work. What they have recorded before is the driver's to work off now.
    fn interrupts_enabled(&self, connected: Connected);

    /// EvtDeviceD0ExitPreInterruptsDisabled: from now on the device must not interrupt, and its ISRs
    /// defer nothing any more. Gives the proof back. Takes each lock under which an ISR may have decided
    /// otherwise before: the interrupt lock, or for passive handling the device's.
    fn interrupts_disabling(&self) -> Option<Connected>;

    /// EvtDeviceSelfManagedIoFlush: the device is being removed, is gone or has failed, and does not come
    /// back. Its power-managed queues are purged, the others not: those live until the last handle is
    /// closed.
    fn lost(&self);
}

impl DeviceInit<'_> {
    /// # Safety
    /// The framework lends the structure for the lifetime.
    pub(super) const unsafe fn new(handle: PWDFDEVICE_INIT) -> Self {
        Self {
            handle,
            lent: PhantomData,
        }
    }

    /// Has the framework call a context's PnP and power callbacks
    /// (`WdfDeviceInitSetPnpPowerEventCallbacks`). Attach that context before EvtDriverDeviceAdd
    /// returns.
    pub fn set_pnp_power<C: PnpPower>(&mut self) {
        let mut callbacks = WDF_PNPPOWER_EVENT_CALLBACKS {
            Size: size_field::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
            EvtDevicePrepareHardware: Some(evt_prepare_hardware::<C>),
            EvtDeviceReleaseHardware: Some(evt_release_hardware::<C>),
            EvtDeviceD0Entry: Some(evt_d0_entry::<C>),
            EvtDeviceD0EntryPostInterruptsEnabled: Some(evt_d0_entry_post::<C>),
            EvtDeviceD0ExitPreInterruptsDisabled: Some(evt_d0_exit_pre::<C>),
            EvtDeviceSelfManagedIoFlush: Some(evt_self_managed_io_flush::<C>),
            ..WDF_PNPPOWER_EVENT_CALLBACKS::default()
        };
        // SAFETY: the framework copies the callbacks in this call.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetPnpPowerEventCallbacks,
                self.handle,
                &raw mut callbacks
            );
        }
    }

    /// Has ReadFile and WriteFile use the pages of the app (`WdfDeviceInitSetIoType`).
    pub fn set_direct_io(&mut self) {
        // SAFETY: the framework lends the structure.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetIoType,
                self.handle,
                WdfDeviceIoDirect
            );
        }
    }

    /// Gives each handle of the device a context, zeroed, which hears of the handle's end
    /// (`WdfDeviceInitSetFileObjectConfig`).
    pub fn set_handle_context<H: HandleContext>(&mut self) {
        // WDF_FILEOBJECT_CONFIG_INIT, with EvtFileCleanup.
        let mut config = WDF_FILEOBJECT_CONFIG {
            Size: size_field::<WDF_FILEOBJECT_CONFIG>(),
            AutoForwardCleanupClose: WdfUseDefault,
            FileObjectClass: WdfFileObjectWdfCanUseFsContext,
            EvtFileCleanup: Some(evt_file_cleanup::<H>),
            ..WDF_FILEOBJECT_CONFIG::default()
        };
        let mut attributes = attributes_with::<H>();
        // SAFETY: the framework lends the first and copies the others in this call.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetFileObjectConfig,
                self.handle,
                &raw mut config,
                &raw mut attributes
            );
        }
    }

    /// Gives each request of the device a context, zeroed (`WdfDeviceInitSetRequestAttributes`).
    pub fn set_request_context<C: Context + FromZeros>(&mut self) {
        let mut attributes = attributes_with::<C>();
        // SAFETY: the framework lends the first and copies the other in this call.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetRequestAttributes,
                self.handle,
                &raw mut attributes
            );
        }
    }

    /// Creates the device (`WdfDeviceCreate`).
    ///
    /// # Errors
    /// The framework's status.
    pub fn create(mut self) -> Result<Device> {
        let mut handle = core::ptr::null_mut();
        // SAFETY: the framework lends the structure and takes it back in this call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreate,
                &raw mut self.handle,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Device(handle))
    }
}

impl Device {
    pub(super) const fn from_handle(handle: WDFDEVICE) -> Self {
        Self(handle)
    }

    pub(super) const fn handle(self) -> WDFDEVICE {
        self.0
    }

    pub(super) const fn as_object(self) -> WDFOBJECT {
        self.0.cast()
    }

    /// Gives the device its context. IRQL: PASSIVE_LEVEL, in EvtDriverDeviceAdd.
    ///
    /// Called last, when all that the context consists of exists: so no callback ever finds a
    /// half-made one.
    ///
    /// # Errors
    /// STATUS_INSUFFICIENT_RESOURCES, or STATUS_OBJECT_NAME_EXISTS: it has one of this type.
    pub fn attach<C: Context>(self, context: C) -> Result<()> {
        // SAFETY: the device exists: EvtDriverDeviceAdd has created it.
        unsafe { context::attach(self.as_object(), context) }
    }

    /// Lets apps find the device by an interface class (`WdfDeviceCreateDeviceInterface`). The
    /// framework enables it when the device has started. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_interface(self, class: &Guid) -> Result<()> {
        let class = GUID {
            Data1: class.data1,
            Data2: class.data2,
            Data3: class.data3,
            Data4: class.data4,
        };
        // SAFETY: the device is alive, the GUID lives through the call, no reference string.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreateDeviceInterface,
                self.0,
                &raw const class,
                core::ptr::null()
            )
        };
        NtStatus::check(status)
    }
}

impl Disconnected<'_> {
    pub(super) fn is_of(&self, device: Device) -> bool {
        self.device == device
    }
}

impl Connected {
    pub(super) fn is_of(&self, device: Device) -> bool {
        self.device == device
    }
}

/// The context of a device in one of its PnP callbacks.
///
/// # Safety
/// The framework passed the device to a callback that [`DeviceInit::set_pnp_power`] registered for
/// `C`.
unsafe fn context_of<'a, C: PnpPower>(device: WDFDEVICE) -> Result<&'a C> {
    // SAFETY: the device is alive during its callback. These callbacks run only after
    // EvtDriverDeviceAdd has succeeded, whose last step attaches the context.
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
    // SAFETY: the framework lends the lists for this call.
    let resources = unsafe { Resources::new(raw, translated) };
    let disconnected = &mut Disconnected {
        device: Device(device),
        lent: PhantomData,
    };
    // SAFETY: this is EvtDevicePrepareHardware.
    let passive = &unsafe { Passive::new() };
    NtStatus::of(
        context.and_then(|context| context.prepare_hardware(&resources, disconnected, passive)),
    )
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
        device: Device(device),
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
    // SAFETY: the device is alive during its callback. Before the framework disconnects an interrupt, it
    // calls `EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED`, for from here on this callback succeeds.
    unsafe { set_deferring(device, true) };
    context.interrupts_enabled(Connected {
        device: Device(device),
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
    unsafe { set_deferring(device, false) };
    // SAFETY: the framework passed the device to this callback.
    if let Ok(context) = unsafe { context_of::<C>(device) } {
        // The proof ends here.
        _ = context.interrupts_disabling();
    }
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
