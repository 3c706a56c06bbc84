//! The identity of the device on the PCI bus and of the interface its driver registers.

/// PCI vendor id of QEMU's own devices.
pub const VENDOR_ID: u16 = 0x1234;

/// PCI device id of `edu`.
pub const DEVICE_ID: u16 = 0x11E8;

/// PCI revision that `edu` reports.
pub const REVISION_ID: u8 = 0x10;

/// PCI class code: base class 0x00, sub-class 0xFF, programming interface 0x00, as QEMU's
/// `PCI_CLASS_OTHERS` shows in configuration space.
pub const CLASS_CODE: u32 = 0x00_FF00;

/// The device interface class that the driver registers for each device and that apps open:
/// `{8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8}`, in the memory order of a Windows `GUID`.
pub const DEVICE_INTERFACE: Guid = Guid {
    data1: 0x8D9E_6F1A,
    data2: 0x2C5B,
    data3: 0x4E0D,
    data4: [0x9A, 0x37, 0x51, 0xC4, 0x6C, 0x0E, 0x11, 0xE8],
};

/// A GUID with the fields of Windows' `GUID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Guid {
    /// First group, a little-endian integer in memory.
    pub data1: u32,
    /// Second group.
    pub data2: u16,
    /// Third group.
    pub data3: u16,
    /// Fourth and fifth group, byte by byte.
    pub data4: [u8; 8],
}

impl Guid {
    /// Its bytes as they lie in Windows' memory.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.data1.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.data2.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.data3.to_le_bytes());
        bytes[8..].copy_from_slice(&self.data4);
        bytes
    }
}

impl core::fmt::Display for Guid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, rest @ ..] = self.data4;
        write!(
            f,
            "{{{:08X}-{:04X}-{:04X}-{a:02X}{b:02X}-",
            self.data1, self.data2, self.data3
        )?;
        for byte in rest {
            write!(f, "{byte:02X}")?;
        }
        f.write_str("}")
    }
}
