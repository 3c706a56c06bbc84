//! The device object.

use core::marker::PhantomData;

use wdk_sys::{
    _WDF_DEVICE_IO_TYPE::WdfDeviceIoDirect, _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCanUseFsContext,
    PWDFDEVICE_INIT, WDFDEVICE, WDFOBJECT, call_unsafe_wdf_function_binding,
};
use zerocopy::FromZeros;

use super::{
    Context, Guid, NtStatus, Result,
    context::{self, attributes_with},
    file::{HandleContext, evt_file_cleanup},
    init,
    interrupt::Deferring,
    pnp::{self, PnpPower},
};

/// A device that is about to be created (`WDFDEVICE_INIT`), for the time of EvtDriverDeviceAdd.
///
/// Its methods are called at PASSIVE_LEVEL, before [`DeviceInit::create`], which consumes it.
///
/// ```no_run
/// use kmdf::{DeviceInit, Guid, HandleContext, PnpPower, Result};
///
/// # const CLASS: Guid = Guid::from_u128(0x8D9E_6F1A_2C5B_4E0D_9A37_51C4_6C0E_11E8);
/// fn device_add<D, H, R>(mut init: DeviceInit<'_>, context: D) -> Result<()>
/// where
///     D: PnpPower,
///     H: HandleContext,
///     R: kmdf::Context + zerocopy::FromZeros,
/// {
///     init.set_pnp_power::<D>();
///     init.set_direct_io();
///     init.set_handle_context::<H>();
///     init.set_request_context::<R>();
///     let device = init.create()?;
///     // … queues, locks and interrupts, for the context …
///     device.attach(context)?;
///     device.create_interface(&CLASS)
/// }
/// ```
pub struct DeviceInit<'a> {
    handle: PWDFDEVICE_INIT,
    lent: PhantomData<&'a mut ()>,
}

/// `WDFDEVICE` in EvtDriverDeviceAdd, at PASSIVE_LEVEL: what the objects of the device are created with.
///
/// It cannot be kept longer, or sent to another thread:
///
/// ```compile_fail
/// fn keep(device: kmdf::Device<'_>) -> kmdf::Device<'static> {
///     device
/// }
/// ```
///
/// # Invariants
/// The device is alive for the lifetime.
#[derive(Clone, Copy)]
pub struct Device<'a> {
    handle: DeviceHandle,
    lent: PhantomData<&'a *mut ()>,
}

/// `WDFDEVICE`, as what belongs to the device knows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceHandle(WDFDEVICE);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for DeviceHandle {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for DeviceHandle {}

impl DeviceHandle {
    #[inline]
    pub(crate) const fn new(handle: WDFDEVICE) -> Self {
        Self(handle)
    }

    #[inline]
    pub(crate) const fn get(self) -> WDFDEVICE {
        self.0
    }
}

impl<'a> DeviceInit<'a> {
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
        let mut callbacks = pnp::callbacks::<C>();
        // SAFETY: the framework lends the structure until `create`, and copies the callbacks in this call.
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
        // SAFETY: the framework lends the structure until `create`.
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
        let mut config = init::file_object_config();
        config.EvtFileCleanup = Some(evt_file_cleanup::<H>);
        // The device is this driver's, so the framework may keep its file object in FILE_OBJECT.FsContext and need not
        // search for it.
        config.FileObjectClass = WdfFileObjectWdfCanUseFsContext;
        let mut attributes = attributes_with::<H>();
        // SAFETY: the framework lends the first until `create`, and copies the others in this call.
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
        // SAFETY: the framework lends the first until `create`, and copies the other in this call.
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
    pub fn create(mut self) -> Result<Device<'a>> {
        let mut attributes = attributes_with::<Deferring>();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the framework lends the structure and takes it back in this call; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreate,
                &raw mut self.handle,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        // SAFETY: the device has just been created with room for it, and no callback of it runs before
        // EvtDriverDeviceAdd, where this is, has returned.
        unsafe { context::initialize(handle.cast(), Deferring::new()) }?;
        Ok(Device {
            handle: DeviceHandle(handle),
            lent: PhantomData,
        })
    }
}

impl Device<'_> {
    /// For what keeps it longer.
    #[inline]
    pub(super) const fn to_handle(self) -> DeviceHandle {
        self.handle
    }

    #[inline]
    pub(super) const fn handle(self) -> WDFDEVICE {
        self.handle.0
    }

    #[inline]
    pub(super) const fn as_object(self) -> WDFOBJECT {
        self.handle.0.cast()
    }

    /// Gives the device its context. IRQL: PASSIVE_LEVEL, in EvtDriverDeviceAdd.
    ///
    /// Called last, when all that the context consists of exists: so no callback ever finds a
    /// half-made one.
    ///
    /// # Errors
    /// STATUS_INSUFFICIENT_RESOURCES, or STATUS_OBJECT_NAME_EXISTS: it has one of this type.
    pub fn attach<C: Context>(self, context: C) -> Result<()> {
        // SAFETY: the device is alive by the invariant of `Device`.
        unsafe { context::attach(self.as_object(), context) }
    }

    /// Lets apps find the device by an interface class (`WdfDeviceCreateDeviceInterface`). The
    /// framework enables it when the device has started. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_interface(self, class: &Guid) -> Result<()> {
        // SAFETY: the device is alive by the invariant of `Device`, the GUID is borrowed, there is no reference string.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreateDeviceInterface,
                self.handle(),
                class.as_ptr(),
                core::ptr::null()
            )
        };
        NtStatus::check(status)
    }
}
