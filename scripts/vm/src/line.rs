//! The lines on the serial port.
//!
//! Each is ASCII, and ends with a line feed (the guest's with CR LF):
//!
//! ```text
//! EDU 3.17 {"say":"answer",…} 1a2b3c4d       the guest: boot 3, its line 17
//! HOST 9 {"do":"run",…} 5e6f7a8b             the host: its request 9
//! ```
//!
//! The last word is the Adler-32 checksum of what stands before the space in front of it. The guest
//! counts its boots on its disk, and its lines from 1 in each boot. A byte that is lost is seen by the
//! checksum, a line that is lost by the number. Firmware and boot loaders write to the port, too: lines
//! that do not begin with the word are none of the protocol.

use std::fmt;

/// What a guest's line begins with.
pub const GUEST: &str = "EDU ";

/// What a host's line begins with.
pub const HOST: &str = "HOST ";

/// Where a guest's line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// How often the guest's part began.
    pub boot: u32,
    /// Counted from 1 in each boot.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.boot, self.line)
    }
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not have the form.
    #[error("it does not have the form")]
    Form,
    /// Its checksum is another.
    #[error("its checksum does not fit")]
    Checksum,
}

/// The Adler-32 checksum: two sums that PowerShell adds up without a trap in its integers.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut low, mut high) = (1, 0);
    for byte in bytes {
        low = (low + u32::from(*byte)) % MODULUS;
        high = (high + low) % MODULUS;
    }
    high << 16 | low
}

/// A guest's line.
#[must_use]
pub fn of_guest(place: Place, json: &str) -> String {
    sealed(format!("{GUEST}{place} {json}"))
}

/// A host's line.
#[must_use]
pub fn of_host(number: u32, json: &str) -> String {
    sealed(format!("{HOST}{number} {json}"))
}

fn sealed(text: String) -> String {
    let checksum = checksum(text.as_bytes());
    text + &format!(" {checksum:08x}")
}

/// Reads a guest's line, without its end.
///
/// # Errors
/// The line is damaged.
pub fn read_guest(line: &str) -> Result<(Place, &str), Damage> {
    let (text, seal) = line.rsplit_once(' ').ok_or(Damage::Form)?;
    let seal = u32::from_str_radix(seal, 16).map_err(|_| Damage::Form)?;
    if seal != checksum(text.as_bytes()) {
        return Err(Damage::Checksum);
    }
    let body = text.strip_prefix(GUEST).ok_or(Damage::Form)?;
    let (place, json) = body.split_once(' ').ok_or(Damage::Form)?;
    let (boot, line) = place.split_once('.').ok_or(Damage::Form)?;
    let number = |text: &str| text.parse().map_err(|_| Damage::Form);
    let (boot, line) = (number(boot)?, number(line)?);
    Ok((Place { boot, line }, json))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { boot: 3, line: 17 };

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(checksum(b""), 1);
    }

    #[test]
    fn a_line_comes_back_as_it_went() {
        let line = of_guest(PLACE, r#"{"say":"answer"}"#);
        assert_eq!(read_guest(&line), Ok((PLACE, r#"{"say":"answer"}"#)));
    }

    #[test]
    fn a_byte_that_is_lost_changed_or_doubled_is_seen() {
        let line = of_guest(PLACE, r#"{"say":"answer","to":1}"#);
        for at in 0..line.len() {
            let (before, rest) = line.split_at(at);
            let lost = format!("{before}{}", &rest[1..]);
            assert!(read_guest(&lost).is_err(), "{lost}");
            let doubled = format!("{before}{}{rest}", &rest[..1]);
            assert!(read_guest(&doubled).is_err(), "{doubled}");
            let changed = format!("{before}~{}", &rest[1..]);
            assert!(read_guest(&changed).is_err(), "{changed}");
        }
    }
}
