//! NTSTATUS values and the Win32 errors that Windows makes of them, named and explained.

use std::fmt;

/// What a request was completed with: an NTSTATUS, the Win32 error that Windows makes of it, or
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    ntstatus: Option<u32>,
    win32: Option<u32>,
}

/// What is known about an NTSTATUS.
struct Known {
    ntstatus: u32,
    name: &'static str,
    win32: u32,
    win32_name: &'static str,
    meaning: &'static str,
    hint: Option<&'static str>,
}

impl Status {
    /// From the NTSTATUS.
    #[must_use]
    pub fn from_ntstatus(ntstatus: u32) -> Self {
        Self {
            ntstatus: Some(ntstatus),
            win32: find(ntstatus).map(|known| known.win32),
        }
    }

    /// From the Win32 error, which several NTSTATUS values may have become, and the NTSTATUS where
    /// it is known.
    #[must_use]
    pub const fn from_win32(win32: u32, ntstatus: Option<u32>) -> Self {
        Self {
            ntstatus,
            win32: Some(win32),
        }
    }

    /// The NTSTATUS, where it is known.
    #[must_use]
    pub const fn ntstatus(&self) -> Option<u32> {
        self.ntstatus
    }

    /// The Win32 error, where it is known.
    #[must_use]
    pub const fn win32(&self) -> Option<u32> {
        self.win32
    }

    /// The name of the NTSTATUS.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        find(self.ntstatus?).map(|known| known.name)
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.known()?.hint
    }

    /// Whether the request was canceled.
    #[must_use]
    pub const fn is_canceled(&self) -> bool {
        matches!(self.ntstatus, Some(CANCELLED)) || matches!(self.win32, Some(OPERATION_ABORTED))
    }

    /// Whether the request failed because the device went away.
    #[must_use]
    pub const fn is_removed(&self) -> bool {
        match (self.ntstatus, self.win32) {
            (Some(ntstatus), _) => matches!(
                ntstatus,
                NO_SUCH_DEVICE | DELETE_PENDING | NOT_CONNECTED | DOES_NOT_EXIST | REMOVED
            ),
            // ERROR_DEV_NOT_EXIST, ERROR_NO_SUCH_DEVICE, ERROR_DEVICE_NOT_CONNECTED, ERROR_DEVICE_REMOVED.
            (None, win32) => matches!(win32, Some(55 | 433 | 1167 | 1617)),
        }
    }

    /// By the NTSTATUS, else by the first one that becomes this Win32 error.
    fn known(&self) -> Option<&'static Known> {
        match self.ntstatus {
            Some(ntstatus) => find(ntstatus),
            None => KNOWN.iter().find(|known| Some(known.win32) == self.win32),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(known) = self.known() {
            f.write_str(known.meaning)?;
        } else if let Some(text) = self.win32.and_then(system_text) {
            f.write_str(&text)?;
        } else {
            f.write_str("a status without a name here")?;
        }
        let mut separator = " (";
        if let Some(ntstatus) = self.ntstatus {
            match find(ntstatus) {
                Some(known) => write!(f, "{separator}{} {ntstatus:#010X}", known.name)?,
                None => write!(f, "{separator}NTSTATUS {ntstatus:#010X}")?,
            }
            separator = "; ";
        }
        if let Some(win32) = self.win32 {
            match KNOWN.iter().find(|known| known.win32 == win32) {
                Some(known) => write!(f, "{separator}Win32 {} {win32}", known.win32_name)?,
                None => write!(f, "{separator}Win32 error {win32}")?,
            }
        }
        f.write_str(")")
    }
}

fn find(ntstatus: u32) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.ntstatus == ntstatus)
}

/// What the system says of a Win32 error, in its language.
#[cfg(windows)]
fn system_text(win32: u32) -> Option<String> {
    // What an NTSTATUS becomes that no Win32 error stands for: its text says nothing of the request.
    const NO_ERROR_STANDS_FOR_IT: u32 = 317;
    // Without a text the library says so, and has no full stop before the number.
    let text = std::io::Error::from_raw_os_error(win32.cast_signed()).to_string();
    let (text, _) = text.split_once(". (os error ")?;
    (win32 != NO_ERROR_STANDS_FOR_IT).then(|| text.to_owned())
}

/// Only Windows knows what its errors are called.
#[cfg(not(windows))]
const fn system_text(_: u32) -> Option<String> {
    None
}

const CANCELLED: u32 = 0xC000_0120;
const OPERATION_ABORTED: u32 = 995;
const NO_SUCH_DEVICE: u32 = 0xC000_000E;
const DELETE_PENDING: u32 = 0xC000_0056;
const NOT_CONNECTED: u32 = 0xC000_009D;
const DOES_NOT_EXIST: u32 = 0xC000_00C0;
const REMOVED: u32 = 0xC000_02B6;

impl Known {
    const fn new(
        ntstatus: u32,
        name: &'static str,
        (win32, win32_name): (u32, &'static str),
        meaning: &'static str,
    ) -> Self {
        Self {
            ntstatus,
            name,
            win32,
            win32_name,
            meaning,
            hint: None,
        }
    }

    const fn hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }
}

/// What the driver, the framework and the I/O manager are seen to give, in ascending order.
/// Each Win32 error is what `RtlNtStatusToDosError` makes of the NTSTATUS.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    Known::new(0x8000_0002, "STATUS_DATATYPE_MISALIGNMENT", (998, "ERROR_NOACCESS"), "an address or a length is not aligned"),
    Known::new(0x8000_0005, "STATUS_BUFFER_OVERFLOW", (234, "ERROR_MORE_DATA"), "there is more data than the output buffer holds"),
    Known::new(0x8000_0011, "STATUS_DEVICE_BUSY", (170, "ERROR_BUSY"), "the device is busy")
        .hint("try again"),
    Known::new(0xC000_0001, "STATUS_UNSUCCESSFUL", (31, "ERROR_GEN_FAILURE"), "the request did not succeed"),
    Known::new(0xC000_0002, "STATUS_NOT_IMPLEMENTED", (1, "ERROR_INVALID_FUNCTION"), "the driver does not implement this"),
    Known::new(0xC000_0004, "STATUS_INFO_LENGTH_MISMATCH", (24, "ERROR_BAD_LENGTH"), "a structure has the wrong length"),
    Known::new(0xC000_0008, "STATUS_INVALID_HANDLE", (6, "ERROR_INVALID_HANDLE"), "the handle is not open"),
    Known::new(0xC000_000D, "STATUS_INVALID_PARAMETER", (87, "ERROR_INVALID_PARAMETER"), "the driver does not take this value"),
    Known::new(0xC000_000E, "STATUS_NO_SUCH_DEVICE", (433, "ERROR_NO_SUCH_DEVICE"), "the device was removed")
        .hint("scan for hardware changes, or start the host again"),
    Known::new(0xC000_0010, "STATUS_INVALID_DEVICE_REQUEST", (1, "ERROR_INVALID_FUNCTION"), "the driver does not know this request")
        .hint("driver and eductl must be of the same version"),
    Known::new(0xC000_0011, "STATUS_END_OF_FILE", (38, "ERROR_HANDLE_EOF"), "the offset is at or behind the end of the device's buffer"),
    Known::new(0xC000_0022, "STATUS_ACCESS_DENIED", (5, "ERROR_ACCESS_DENIED"), "the handle lacks the right that this needs")
        .hint("on Windows, run as an administrator"),
    Known::new(0xC000_0023, "STATUS_BUFFER_TOO_SMALL", (122, "ERROR_INSUFFICIENT_BUFFER"), "an input or output buffer is too short"),
    Known::new(0xC000_0034, "STATUS_OBJECT_NAME_NOT_FOUND", (2, "ERROR_FILE_NOT_FOUND"), "there is no such device")
        .hint("give --device a smaller index, or start the device"),
    Known::new(0xC000_0043, "STATUS_SHARING_VIOLATION", (32, "ERROR_SHARING_VIOLATION"), "another program has the device for itself")
        .hint("end that program"),
    Known::new(0xC000_0044, "STATUS_QUOTA_EXCEEDED", (1816, "ERROR_NOT_ENOUGH_QUOTA"), "too many requests are waiting on this handle")
        .hint("wait for some of them first"),
    Known::new(0xC000_0056, "STATUS_DELETE_PENDING", (5, "ERROR_ACCESS_DENIED"), "the device is being removed"),
    Known::new(0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES", (1450, "ERROR_NO_SYSTEM_RESOURCES"), "the system or the driver ran out of memory"),
    Known::new(0xC000_009C, "STATUS_DEVICE_DATA_ERROR", (23, "ERROR_CRC"), "the device gave data that cannot be right"),
    Known::new(0xC000_009D, "STATUS_DEVICE_NOT_CONNECTED", (1167, "ERROR_DEVICE_NOT_CONNECTED"), "the device is not connected"),
    Known::new(0xC000_00A3, "STATUS_DEVICE_NOT_READY", (21, "ERROR_NOT_READY"), "the device is not ready")
        .hint("try again once it has started"),
    Known::new(0xC000_00B5, "STATUS_IO_TIMEOUT", (121, "ERROR_SEM_TIMEOUT"), "the device did not answer the driver in time")
        .hint("`eductl stats` tells whether interrupts arrive"),
    Known::new(0xC000_00BB, "STATUS_NOT_SUPPORTED", (50, "ERROR_NOT_SUPPORTED"), "the driver does not support this"),
    Known::new(0xC000_00C0, "STATUS_DEVICE_DOES_NOT_EXIST", (55, "ERROR_DEV_NOT_EXIST"), "the device no longer exists")
        .hint("scan for hardware changes, or start the host again"),
    Known::new(0xC000_0120, "STATUS_CANCELLED", (995, "ERROR_OPERATION_ABORTED"), "the request was canceled"),
    Known::new(0xC000_0184, "STATUS_INVALID_DEVICE_STATE", (22, "ERROR_BAD_COMMAND"), "the device is in a state that does not allow this"),
    Known::new(0xC000_0185, "STATUS_IO_DEVICE_ERROR", (1117, "ERROR_IO_DEVICE"), "the device failed")
        .hint("the system's event log or the host's output says more"),
    Known::new(0xC000_0206, "STATUS_INVALID_BUFFER_SIZE", (1784, "ERROR_INVALID_USER_BUFFER"), "an input or output buffer is too long"),
    Known::new(0xC000_02B6, "STATUS_DEVICE_REMOVED", (1617, "ERROR_DEVICE_REMOVED"), "the device was removed")
        .hint("scan for hardware changes, or start the host again"),
    Known::new(0xC000_0483, "STATUS_DEVICE_HARDWARE_ERROR", (483, "ERROR_DEVICE_HARDWARE_ERROR"), "the device reported a hardware error")
        .hint("the system's event log or the host's output says more"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_shown_with_both_names() {
        assert_eq!(
            Status::from_ntstatus(0xC000_0010).to_string(),
            "the driver does not know this request \
             (STATUS_INVALID_DEVICE_REQUEST 0xC0000010; Win32 ERROR_INVALID_FUNCTION 1)"
        );
    }

    #[test]
    fn an_unknown_status_is_shown_by_its_value() {
        assert_eq!(
            Status::from_ntstatus(0xE000_0001).to_string(),
            "a status without a name here (NTSTATUS 0xE0000001)"
        );
        assert_eq!(
            Status::from_win32(9_999, None).to_string(),
            "a status without a name here (Win32 error 9999)"
        );
    }

    #[test]
    fn cancellation_is_known_by_either_value() {
        assert!(Status::from_ntstatus(CANCELLED).is_canceled());
        assert!(Status::from_win32(OPERATION_ABORTED, None).is_canceled());
        assert!(!Status::from_ntstatus(0).is_canceled());
    }

    #[test]
    fn a_device_that_went_away_is_known_by_either_value() {
        let statuses = [
            NO_SUCH_DEVICE,
            DELETE_PENDING,
            NOT_CONNECTED,
            DOES_NOT_EXIST,
            REMOVED,
        ];
        assert!(
            statuses
                .into_iter()
                .all(|status| Status::from_ntstatus(status).is_removed())
        );
        assert!(Status::from_win32(1617, None).is_removed());
        // Access is denied is also what a device that is being removed gives; what counts is the NTSTATUS.
        assert!(!Status::from_win32(5, None).is_removed());
        assert!(!Status::from_win32(433, Some(CANCELLED)).is_removed());
        assert!(!Status::from_ntstatus(0xC000_000D).is_removed());
    }

    #[test]
    fn the_table_is_in_ascending_order_without_duplicates() {
        assert!(KNOWN.is_sorted_by(|a, b| a.ntstatus < b.ntstatus));
    }

    #[test]
    fn a_win32_error_has_one_name() {
        for known in KNOWN {
            for other in KNOWN.iter().filter(|other| other.win32 == known.win32) {
                assert_eq!(known.win32_name, other.win32_name);
            }
        }
    }

    #[cfg(windows)]
    #[test]
    fn an_error_without_a_name_here_is_in_the_systems_words() {
        let shown = |win32, ntstatus| Status::from_win32(win32, ntstatus).to_string();
        // ERROR_TOO_MANY_OPEN_FILES.
        let text = shown(4, None);
        assert!(text.ends_with(" (Win32 error 4)"), "{text}");
        assert!(!text.contains("os error"), "{text}");
        assert!(!text.starts_with("a status without"), "{text}");
        let text = shown(317, Some(0xE000_0001));
        assert!(text.starts_with("a status without"), "{text}");
    }

    #[cfg(windows)]
    #[test]
    fn the_win32_errors_are_those_that_the_system_makes() {
        let made = KNOWN.iter().map(|known| {
            // SAFETY: the function takes any value.
            let win32 = unsafe {
                windows_sys::Win32::Foundation::RtlNtStatusToDosError(known.ntstatus.cast_signed())
            };
            (known.name, win32)
        });
        let listed = KNOWN.iter().map(|known| (known.name, known.win32));
        assert_eq!(made.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
    }
}
