//! The PCI configuration space of a device.

use core::mem::MaybeUninit;

use wdk_sys::{
    BUS_INTERFACE_STANDARD, INTERFACE, PCI_WHICHSPACE_CONFIG, call_unsafe_wdf_function_binding,
};
use zerocopy::{FromBytes, IntoBytes};

use super::{Device, Guid, NtStatus, Result, init::size_field};

/// The PCI configuration space of a device, by the interface of its bus driver (`BUS_INTERFACE_STANDARD`), which is
/// given back when this is dropped.
///
/// ```no_run
/// use kmdf::{ConfigurationSpace, Device, Result};
///
/// /// The offset of the MSI-X capability, and the bus address of the table's BAR, if the device has one.
/// fn table(device: Device<'_>) -> Result<Option<(u8, u64)>> {
///     let space = ConfigurationSpace::query(device)?;
///     let Some(at) = space.capabilities(0x11).next() else {
///         return Ok(None);
///     };
///     let table: u32 = space.read(at + 4)?;
///     Ok(Some((at, space.bar((table & 7) as u8)?)))
/// }
/// ```
///
/// # Invariants
/// The bus driver has given the interface, with a reference, and `GetBusData` is not null.
pub struct ConfigurationSpace(BUS_INTERFACE_STANDARD);

// SAFETY: the functions of the interface may be called on any processor: they are called at up to DISPATCH_LEVEL, and
// the bus driver serializes what needs it.
unsafe impl Send for ConfigurationSpace {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for ConfigurationSpace {}

impl ConfigurationSpace {
    /// Asks the bus driver for it (`WdfFdoQueryForInterface`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status: STATUS_NOT_SUPPORTED if the device is on no such bus.
    pub fn query(device: Device<'_>) -> Result<Self> {
        let mut interface = MaybeUninit::<BUS_INTERFACE_STANDARD>::zeroed();
        // SAFETY: the device is alive by the invariant of `Device`. The others are a constant and a
        // local, which begins with an `INTERFACE` and has the length that is passed.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfFdoQueryForInterface,
                device.handle(),
                BUS_INTERFACE_STANDARD_GUID.as_ptr(),
                interface.as_mut_ptr().cast::<INTERFACE>(),
                INTERFACE_BYTES,
                INTERFACE_VERSION,
                core::ptr::null_mut()
            )
        };
        NtStatus::check(status)?;
        // SAFETY: zeroes are a valid value of it, and the bus driver has written the rest.
        Ok(Self(unsafe { interface.assume_init() }))
    }

    /// Reads a value at an offset. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_NO_SUCH_DEVICE: the space does not reach that far, or the device was removed.
    pub fn read<T: FromBytes + IntoBytes>(&self, offset: u8) -> Result<T> {
        let Some(read) = self.0.GetBusData else {
            return Err(NtStatus::NO_SUCH_DEVICE);
        };
        let mut value = T::new_zeroed();
        let length = size_field::<T>();
        // SAFETY: the function is the interface's, with its context; the value is a local of that length, for which any
        // bytes are valid.
        let read = unsafe {
            read(
                self.0.Context,
                PCI_WHICHSPACE_CONFIG,
                value.as_mut_bytes().as_mut_ptr().cast(),
                offset.into(),
                length,
            )
        };
        if read == length {
            Ok(value)
        } else {
            Err(NtStatus::NO_SUCH_DEVICE)
        }
    }
}

impl ConfigurationSpace {
    /// The offsets of the capabilities with an id, in their order. IRQL: <= DISPATCH_LEVEL.
    pub fn capabilities(&self, id: u8) -> impl Iterator<Item = u8> + '_ {
        let first = match self.read::<u32>(offset::COMMAND_AND_STATUS) {
            Ok(status) if status & HAS_CAPABILITIES != 0 => {
                self.read(offset::FIRST_CAPABILITY).ok()
            }
            _ => None,
        };
        let follow = |at: &u8| self.read::<u8>(at + 1).ok().map(|next| next & !3);
        core::iter::successors(first.map(|first: u8| first & !3), follow)
            .take_while(|&at| at != 0)
            .take(MOST_CAPABILITIES)
            .filter(move |&at| self.read::<u8>(at) == Ok(id))
    }

    /// The bus address in a base address register of memory, counted from 0 to 5. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: there is no such register, or it is one of I/O ports.
    pub fn bar(&self, index: u8) -> Result<u64> {
        if index > 5 {
            return Err(NtStatus::DEVICE_CONFIGURATION_ERROR);
        }
        let at = offset::FIRST_BAR + 4 * index;
        let low = self.read::<u32>(at)?;
        let high = match low & 0b111 {
            0b100 if index < 5 => self.read::<u32>(at + 4)?,
            0b000 => 0,
            _ => return Err(NtStatus::DEVICE_CONFIGURATION_ERROR),
        };
        Ok(u64::from(high) << 32 | u64::from(low & !0xF))
    }
}

impl Drop for ConfigurationSpace {
    /// `InterfaceDereference`. IRQL: PASSIVE_LEVEL.
    fn drop(&mut self) {
        if let Some(dereference) = self.0.InterfaceDereference {
            // SAFETY: the invariant: the reference is this value's, and nobody uses the interface any more.
            unsafe { dereference(self.0.Context) };
        }
    }
}

/// `GUID_BUS_INTERFACE_STANDARD`
const BUS_INTERFACE_STANDARD_GUID: Guid =
    Guid::from_u128(0x496B_8280_6F25_11D0_BEAF_0800_2BE2_092F);
/// The only version of it.
const INTERFACE_VERSION: u16 = 1;
/// Its length.
#[expect(clippy::cast_possible_truncation, reason = "it is 64 bytes")]
const INTERFACE_BYTES: u16 = size_of::<BUS_INTERFACE_STANDARD>() as u16;

/// Where things are in every configuration space (PCI 3.0, 6.1).
mod offset {
    pub(super) const COMMAND_AND_STATUS: u8 = 0x04;
    pub(super) const FIRST_BAR: u8 = 0x10;
    pub(super) const FIRST_CAPABILITY: u8 = 0x34;
}

/// A bit of the status: there is a list of capabilities.
const HAS_CAPABILITIES: u32 = 1 << 20;
/// No list is longer: a capability has four bytes at least. One that is, runs in a circle.
const MOST_CAPABILITIES: usize = 48;
