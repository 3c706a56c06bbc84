//! Files that are wrong in one way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::found;

/// A file that goes when this is dropped.
#[derive(Debug)]
pub struct Doctored {
    _directory: TempDir,
    path: PathBuf,
}

impl Doctored {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let directory = tempfile::tempdir().expect("a directory for a file can be made");
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("a file can be written");
        Self {
            _directory: directory,
            path,
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        &self.path
    }
}

/// A file with that content instead of the driver.
///
/// # Panics
/// It cannot be written.
#[must_use]
pub fn image_of(bytes: &[u8]) -> Doctored {
    Doctored::new("edu_kmdf.sys", bytes)
}

/// The driver, its bytes changed behind the back of its checksum.
///
/// # Panics
/// It cannot be written.
#[must_use]
pub fn image(change: impl FnOnce(&mut Vec<u8>)) -> Doctored {
    let mut bytes = fs::read(found::driver()).expect("the driver can be read");
    change(&mut bytes);
    image_of(&bytes)
}

/// Where the PE signature is.
fn signature(bytes: &[u8]) -> usize {
    /// Where the DOS header says so.
    const AT: usize = 0x3C;
    let at: [u8; 4] = bytes[AT..AT + 4].try_into().expect("four bytes");
    let at = u32::from_le_bytes(at) as usize;
    assert_eq!(&bytes[at..at + 4], b"PE\0\0");
    at
}

/// Says that the linker computed no checksum, so that nobody compares it.
fn drop_checksum(bytes: &mut [u8]) {
    /// `OptionalHeader.CheckSum` behind the signature and the file header.
    const CHECKSUM: usize = 4 + 20 + 64;
    let at = signature(bytes) + CHECKSUM;
    bytes[at..at + 4].fill(0);
}

/// The driver with `IMAGE_FILE_HEADER.Machine` changed.
///
/// # Panics
/// It is no PE image.
#[must_use]
pub fn image_for_machine(machine: u16) -> Doctored {
    image(|bytes| {
        let at = signature(bytes) + 4;
        bytes[at..at + 2].copy_from_slice(&machine.to_le_bytes());
        drop_checksum(bytes);
    })
}

/// The driver with a name changed wherever it stands, to one of the same length.
///
/// # Panics
/// It does not stand there.
#[must_use]
pub fn image_with_name(name: &str, changed: &str) -> Doctored {
    assert_eq!(name.len(), changed.len());
    image(|bytes| {
        let found: Vec<usize> = bytes
            .windows(name.len())
            .enumerate()
            .filter(|(_, window)| *window == name.as_bytes())
            .map(|(at, _)| at)
            .collect();
        assert!(!found.is_empty(), "{name} is not in the image");
        for at in found {
            bytes[at..at + name.len()].copy_from_slice(changed.as_bytes());
        }
        drop_checksum(bytes);
    })
}

/// The INF with a text changed.
///
/// # Panics
/// The text is not in it.
#[must_use]
pub fn inf(text: &str, changed: &str) -> Doctored {
    inf_at(&found::inf(), text, changed)
}

/// Another INF with a text changed.
///
/// # Panics
/// The text is not in it.
#[must_use]
pub fn inf_at(path: &Path, text: &str, changed: &str) -> Doctored {
    let inf = fs::read_to_string(path).expect("the INF can be read");
    assert!(inf.contains(text), "{text:?} is not in the INF");
    Doctored::new("edu_kmdf.inx", inf.replace(text, changed).as_bytes())
}
