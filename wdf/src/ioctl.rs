//! Control codes.

/// How a control request's buffers come to the driver (`METHOD_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `METHOD_BUFFERED`: copied by the I/O manager.
    Buffered = 0,
    /// `METHOD_IN_DIRECT`: the output buffer is locked, to be read.
    InDirect = 1,
    /// `METHOD_OUT_DIRECT`: the output buffer is locked, to be written.
    OutDirect = 2,
}

/// What the handle must be opened for (`FILE_…_DATA`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `FILE_ANY_ACCESS`
    Any = 0,
    /// `FILE_READ_DATA`
    Read = 1,
    /// `FILE_WRITE_DATA`
    Write = 2,
    /// Both.
    ReadWrite = 3,
}

/// `FILE_DEVICE_UNKNOWN`: the device type of what has no type of its own.
pub const FILE_DEVICE_UNKNOWN: u32 = 0x22;

/// `CTL_CODE`. A function of a vendor's own is from 0x800 to 0xFFF.
///
/// ```no_run
/// use kmdf::{Access, FILE_DEVICE_UNKNOWN, Method, ctl_code};
///
/// const FACTORIAL: u32 = ctl_code(FILE_DEVICE_UNKNOWN, 0x802, Method::Buffered, Access::ReadWrite);
/// assert_eq!(FACTORIAL, 0x0022_E008);
/// ```
#[must_use]
pub const fn ctl_code(device_type: u32, function: u32, method: Method, access: Access) -> u32 {
    device_type << 16 | (access as u32) << 14 | function << 2 | method as u32
}

/// The control code of a request with copied buffers to a device that has no type of its own.
///
/// ```no_run
/// use kmdf::{Access, buffered_ioctl};
///
/// const FACTORIAL: u32 = buffered_ioctl(0x802, Access::ReadWrite);
/// ```
#[must_use]
pub const fn buffered_ioctl(function: u32, access: Access) -> u32 {
    ctl_code(FILE_DEVICE_UNKNOWN, function, Method::Buffered, access)
}
