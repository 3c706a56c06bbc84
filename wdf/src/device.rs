//! The device object.

use core::marker::PhantomData;

use wdk_sys::{
    _WDF_DEVICE_IO_TYPE::WdfDeviceIoDirect, PWDFDEVICE_INIT, WDFDEVICE, WDFOBJECT,
    call_unsafe_wdf_function_binding,
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
pub struct DeviceInit<'a> {
    handle: PWDFDEVICE_INIT,
    lent: PhantomData<&'a mut ()>,
}

/// `WDFDEVICE`. A copy of the handle: only EvtDriverDeviceAdd has one, and the objects that it makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Device(WDFDEVICE);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for Device {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for Device {}

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
    pub fn create(mut self) -> Result<Device> {
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
        Ok(Device(handle))
    }
}

impl Device {
    #[inline]
    pub(super) const fn from_handle(handle: WDFDEVICE) -> Self {
        Self(handle)
    }

    #[inline]
    pub(super) const fn handle(self) -> WDFDEVICE {
        self.0
    }

    #[inline]
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
        // SAFETY: the device exists: `DeviceInit::create` has made it, and EvtDriverDeviceAdd, which alone has
        // this value, has not returned.
        unsafe { context::attach(self.as_object(), context) }
    }

    /// Lets apps find the device by an interface class (`WdfDeviceCreateDeviceInterface`). The
    /// framework enables it when the device has started. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_interface(self, class: &Guid) -> Result<()> {
        // SAFETY: the device is alive in EvtDriverDeviceAdd, the GUID is borrowed, there is no reference string.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceCreateDeviceInterface,
                self.0,
                class.as_ptr(),
                core::ptr::null()
            )
        };
        NtStatus::check(status)
    }
}
