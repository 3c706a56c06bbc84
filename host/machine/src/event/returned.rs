//! What a callback returned, as its type has it. A callback that returns nothing leaves whatever it
//! left in the register.

use std::{collections::HashMap, fmt, sync::LazyLock};

use kmdf_abi::TypeKind;

/// The types of the framework's callbacks that return something, by the names that drivers' functions
/// have in the documentation, in lower case.
static TYPES: LazyLock<HashMap<String, TypeKind>> = LazyLock::new(|| {
    kmdf_abi::callbacks()
        .iter()
        .map(|callback| {
            let name = callback.name.replace("_WDF_", "").replace('_', "");
            (name.to_lowercase(), callback.signature.returns.kind)
        })
        .chain([("driverentry".to_owned(), TypeKind::NtStatus)])
        .collect()
});

/// A value that a callback returned in RAX; shown as ` = ` and the value, or not at all if it is none.
pub(super) struct Returned<'a> {
    pub(super) callback: &'a str,
    pub(super) value: u64,
}

impl fmt::Display for Returned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [al, second, third, fourth, ..] = self.value.to_le_bytes();
        let eax = u32::from_le_bytes([al, second, third, fourth]);
        match TYPES.get(&self.callback.to_lowercase()) {
            Some(TypeKind::NtStatus) => write!(f, " = {eax:#010x}"),
            Some(TypeKind::Boolean) if al == 0 => f.write_str(" = FALSE"),
            Some(TypeKind::Boolean) => f.write_str(" = TRUE"),
            Some(TypeKind::Enum(_)) => write!(f, " = {eax}"),
            _ => Ok(()),
        }
    }
}

/// Whether a callback that returned this value says by it that something has failed.
pub(crate) fn is_failure(callback: &str, value: u64) -> bool {
    let is_status = || {
        matches!(
            TYPES.get(&callback.to_lowercase()),
            Some(TypeKind::NtStatus)
        )
    };
    (value as u32).cast_signed() < 0 && is_status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_as_the_type_of_its_callback_has_it() {
        let shown = |callback, value| Returned { callback, value }.to_string();
        // Only AL counts.
        assert_eq!(shown("EvtInterruptIsr", 0xAA01), " = TRUE");
        assert_eq!(shown("EvtInterruptIsr", 0xAA00), " = FALSE");
        // Only EAX counts.
        assert_eq!(shown("EvtDeviceD0Entry", 0x1_C000_0001), " = 0xc0000001");
        assert_eq!(shown("DriverEntry", 0), " = 0x00000000");
        // Nothing is returned, whatever is in the register.
        assert_eq!(shown("EvtInterruptDpc", 0x1234), "");
        assert_eq!(shown("DriverUnload", 0x1234), "");
    }
}
