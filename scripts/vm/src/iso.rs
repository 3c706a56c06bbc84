//! Whether a file is a medium that installs Windows for x64, as far as its volume descriptors say it.
//!
//! Windows' media are UDF, with an ISO 9660 volume that holds nothing but a note, and a label like
//! `CCCOMA_X64FRE_EN-US_DV9`. The files inside are not looked at.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::Error;

const SECTOR: usize = 2048;

/// The first volume descriptor.
const FIRST: u64 = 16;

/// How many descriptors are read: no medium has more before UDF's.
const DESCRIPTORS: usize = 16;

/// A medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iso {
    /// Its label.
    pub label: String,
    /// When it was made, as it says.
    pub made: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl Iso {
    /// Reads a medium's descriptors.
    ///
    /// # Errors
    /// It is no medium, or one that cannot be it.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let name = file.display();
        let wrong = |why: &str| {
            Error::Input(format!(
                "{name} {why}. Wanted is the ISO of Windows 10 or 11 for x64, as Microsoft gives it: the \
                 Enterprise evaluation needs no key."
            ))
        };
        if !file.exists() {
            return Err(wrong("is not there"));
        }
        let mut open = File::open(file).map_err(Error::io(file))?;
        let bytes = open.metadata().map_err(Error::io(file))?.len();
        let start = FIRST * SECTOR as u64;
        open.seek(SeekFrom::Start(start)).map_err(Error::io(file))?;
        let wanted = DESCRIPTORS * SECTOR;
        let mut descriptors = Vec::with_capacity(wanted);
        open.take(wanted as u64)
            .read_to_end(&mut descriptors)
            .map_err(Error::io(file))?;
        descriptors.resize(wanted, 0);
        let has = |kind: u8, id: &[u8], more: &[u8]| {
            descriptors.chunks(SECTOR).find(|sector| {
                sector[0] == kind && &sector[1..6] == id && sector[7..].starts_with(more)
            })
        };
        let primary = has(1, b"CD001", b"").ok_or_else(|| wrong("is not an ISO"))?;
        let text =
            |at: std::ops::Range<usize>| String::from_utf8_lossy(&primary[at]).trim().to_owned();
        let label = text(40..72);
        if has(0, b"CD001", b"EL TORITO SPECIFICATION").is_none() {
            return Err(wrong(&format!("({label}) does not boot")));
        }
        if has(0, b"NSR02", b"")
            .or_else(|| has(0, b"NSR03", b""))
            .is_none()
        {
            return Err(wrong(&format!(
                "({label}) is an ISO without UDF, so none of Windows'"
            )));
        }
        for (mark, what) in [
            ("_A64", "ARM64"),
            ("A64FRE", "ARM64"),
            ("X86FRE", "32 bits"),
        ] {
            if label.to_uppercase().contains(mark) {
                return Err(wrong(&format!("({label}) is for {what}")));
            }
        }
        let made = text(813..829);
        Ok(Self { label, made, bytes })
    }
}

/// What stands in for a medium where none is at hand: descriptors, and nothing to boot.
#[must_use]
pub fn stand_in(label: &str) -> Vec<u8> {
    let mut bytes = vec![0; 24 * SECTOR];
    let mut put = |sector: usize, at: usize, text: &[u8]| {
        let start = sector * SECTOR + at;
        bytes[start..start + text.len()].copy_from_slice(text);
    };
    put(16, 0, b"\x01CD001\x01");
    put(16, 40, format!("{label:<32.32}").as_bytes());
    put(16, 813, b"2026010100000000");
    put(17, 0, b"\x00CD001\x01EL TORITO SPECIFICATION");
    put(18, 0, b"\xffCD001\x01");
    put(19, 0, b"\x00BEA01\x01");
    put(20, 0, b"\x00NSR02\x01");
    put(21, 0, b"\x00TEA01\x01");
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LABEL: &str = "CCCOMA_X64FRE_EN-US_DV9";

    fn read(bytes: &[u8]) -> Result<Iso, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("windows.iso");
        fs::write(&file, bytes).expect("a file");
        Iso::read(&file).map_err(|error| error.to_string())
    }

    #[test]
    fn a_medium_of_windows_is_known_by_its_descriptors() {
        let iso = read(&stand_in(LABEL)).expect("a medium");
        assert_eq!((iso.label.as_str(), iso.bytes), (LABEL, 24 * 2048));
    }

    #[test]
    fn what_cannot_install_windows_for_x64_is_refused() {
        let refused = |bytes: &[u8], why: &str| {
            let error = read(bytes).expect_err("no medium");
            assert!(error.contains(why), "{error}");
        };
        refused(b"", "is not an ISO");
        refused(&[b'x'; 12_000], "is not an ISO");
        refused(&stand_in(LABEL)[..17 * SECTOR], "does not boot");
        refused(&stand_in(LABEL)[..20 * SECTOR], "without UDF");
        refused(&stand_in("CCCOMA_A64FRE_EN-US_DV9"), "ARM64");
        refused(&stand_in("CCCOMA_X86FRE_EN-US_DV9"), "32 bits");
        let none = Iso::read(Path::new("/nowhere.iso")).expect_err("no file");
        assert!(none.to_string().contains("is not there"), "{none}");
    }
}
