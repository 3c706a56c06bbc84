//! Values of the device's hardware key, which the INF writes.

use wdk_sys::{
    KEY_READ, PLUGPLAY_REGKEY_DEVICE, ULONG, UNICODE_STRING, USHORT, WDF_NO_OBJECT_ATTRIBUTES,
    WDFKEY, call_unsafe_wdf_function_binding,
};

use super::{Device, NtStatus, Result};

/// `WDFKEY`, closed when it is dropped.
///
/// ```no_run
/// use kmdf::{Device, HardwareKey, ValueName};
///
/// static LATENCY: ValueName<7> = ValueName::new(b"Latency");
///
/// fn latency(device: Device<'_>) -> u32 {
///     let key = HardwareKey::open(device).ok();
///     key.and_then(|key| key.value(&LATENCY)).unwrap_or(100)
/// }
/// ```
pub struct HardwareKey(WDFKEY);

/// The name of a registry value, in UTF-16.
pub struct ValueName<const N: usize>([u16; N]);

impl<const N: usize> ValueName<N> {
    /// From ASCII.
    ///
    /// # Panics
    /// It is not ASCII. In a static, as it is meant for, that is an error of the compiler.
    #[must_use]
    pub const fn new(ascii: &[u8; N]) -> Self {
        let mut name = [0; N];
        let mut index = 0;
        while index < N {
            assert!(ascii[index].is_ascii());
            name[index] = ascii[index] as u16;
            index += 1;
        }
        Self(name)
    }
}

impl HardwareKey {
    /// Opens the hardware key of a device (`WdfDeviceOpenRegistryKey`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn open(device: Device<'_>) -> Result<Self> {
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive by the invariant of `Device`; the handle is a local.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceOpenRegistryKey,
                device.handle(),
                PLUGPLAY_REGKEY_DEVICE,
                KEY_READ,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    /// A REG_DWORD value (`WdfRegistryQueryULong`), `None` if there is none of that name and type.
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn value<const N: usize>(&self, name: &'static ValueName<N>) -> Option<u32> {
        const {
            assert!(N < USHORT::MAX as usize / 2);
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let bytes = (2 * N) as USHORT;
        let name = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            // The framework only reads it.
            Buffer: name.0.as_ptr().cast_mut(),
        };
        let mut value: ULONG = 0;
        // SAFETY: the key is open until it is dropped; name and value are locals, and the name's text is a static.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRegistryQueryULong,
                self.0,
                &raw const name,
                &raw mut value
            )
        };
        NtStatus::check(status).ok().map(|()| value)
    }
}

impl Drop for HardwareKey {
    fn drop(&mut self) {
        // SAFETY: `open` opened it, and nobody can use it any more.
        unsafe { call_unsafe_wdf_function_binding!(WdfRegistryClose, self.0) };
    }
}
