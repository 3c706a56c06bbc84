//! GUIDs.

use wdk_sys::GUID;

/// A GUID, in the memory order that Windows uses.
///
/// ```no_run
/// use kmdf::Guid;
///
/// // {8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8}
/// const CLASS: Guid = Guid::from_u128(0x8D9E_6F1A_2C5B_4E0D_9A37_51C4_6C0E_11E8);
/// // The same, as DEFINE_GUID has it.
/// const FIELDS: Guid = Guid::from_fields(
///     0x8D9E_6F1A, 0x2C5B, 0x4E0D, [0x9A, 0x37, 0x51, 0xC4, 0x6C, 0x0E, 0x11, 0xE8]);
///
/// assert!(!CLASS.as_ptr().is_null());
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Guid(GUID);

impl Guid {
    /// From the digits of its text form, read as one number.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each shift leaves the bits of its field lowest"
    )]
    pub const fn from_u128(digits: u128) -> Self {
        Self(GUID {
            Data1: (digits >> 96) as u32,
            Data2: (digits >> 80) as u16,
            Data3: (digits >> 64) as u16,
            Data4: (digits as u64).to_be_bytes(),
        })
    }

    /// From its four fields.
    #[must_use]
    pub const fn from_fields(data1: u32, data2: u16, data3: u16, data4: [u8; 8]) -> Self {
        Self(GUID {
            Data1: data1,
            Data2: data2,
            Data3: data3,
            Data4: data4,
        })
    }

    /// As the kernel's functions take it.
    #[must_use]
    pub const fn as_ptr(&self) -> *const GUID {
        &raw const self.0
    }
}
