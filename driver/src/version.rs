//! The driver's version: the package's.

/// This driver's version, as [`edu_spec::wire::Information::driver_version`] has it.
pub const DRIVER: u32 = {
    const fn number(text: &str) -> u8 {
        match u8::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("a part of the package's version does not fit in a byte"),
        }
    }
    u32::from_be_bytes([
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
        0,
    ])
};
