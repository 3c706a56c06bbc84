//! What can be wrong with an image file, in words.

use std::io;

use thiserror::Error;

/// Why a file is not a driver image that this host can run.
#[derive(Debug, Error)]
#[error("{file}: {problem}")]
pub struct ImageError {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an image file.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The first two bytes are not `MZ`.
    #[error("not a PE image: it begins with {0:02x?}, not with \"MZ\"; give the .sys file")]
    NotPe(Vec<u8>),
    /// The `PE` signature is not where the DOS header says.
    #[error("not a PE image: no \"PE\" signature at offset {offset:#x}")]
    NoPeSignature {
        /// Where the DOS header puts it.
        offset: u32,
    },
    /// The file ends too early.
    #[error("truncated: {what} ends at offset {end:#x}, the file at {size:#x}")]
    Truncated {
        /// What is cut off.
        what: String,
        /// Where it would end.
        end: u64,
        /// Where the file ends.
        size: u64,
    },
    /// Built for another processor.
    #[error(
        "the image is for {}, this host runs x64; build the driver for x86_64-pc-windows-msvc",
        machine_name(*.0)
    )]
    Machine(u16),
    /// A 32-bit or ROM image.
    #[error("not a PE32+ image: the optional header's magic is {0:#06x}, not 0x020b")]
    NotPe32Plus(u16),
    /// Not marked as an executable image, or an object file.
    #[error(
        "the image is not executable: its linker reported errors or it is not a complete image"
    )]
    NotExecutable,
    /// A program or library, not a driver.
    #[error(
        "the image's subsystem is {}, a driver's is native (1); link with /SUBSYSTEM:NATIVE",
        subsystem_name(*.0)
    )]
    Subsystem(u16),
    /// The entry point is not in an executable section.
    #[error("the entry point, RVA {0:#x}, is not in an executable section")]
    Entry(u32),
    /// A section that can be written and executed; Windows refuses it where HVCI is on.
    #[error(
        "section {0} is both writable and executable; HVCI refuses such a driver and so does this \
         host: move its data to another section"
    )]
    WritableAndExecutable(String),
    /// The loader must move the image and cannot.
    #[error("the image has no relocations, so it cannot be moved; link without /FIXED")]
    NoRelocations,
    /// A relocation of a kind that an x64 image does not have.
    #[error("relocation at RVA {rva:#x} has type {kind}; x64 images have DIR64 (10) only")]
    RelocationType {
        /// Its type.
        kind: u16,
        /// What it relocates.
        rva: u32,
    },
    /// The checksum in the header is not the file's.
    #[error(
        "the header's checksum is {header:#010x}, the file's is {actual:#010x}: damaged, or \
         changed after it was linked; Windows does not load it"
    )]
    Checksum {
        /// The one in the header.
        header: u32,
        /// The one of the file.
        actual: u32,
    },
    /// A structure of the image makes no sense.
    #[error("malformed: {what} (at RVA or offset {at:#x})")]
    Malformed {
        /// What is wrong.
        what: String,
        /// Where.
        at: u64,
    },
    /// Something that Windows' loader does and this host does not.
    #[error("the image has {0}, which this host does not load")]
    Unsupported(&'static str),
}

impl Problem {
    pub(super) fn malformed(what: impl Into<String>, at: impl Into<u64>) -> Self {
        Self::Malformed {
            what: what.into(),
            at: at.into(),
        }
    }
}

/// The field's name of a machine type.
fn machine_name(machine: u16) -> String {
    match machine {
        0x014c => "x86".to_owned(),
        0x01c0 | 0x01c2 | 0x01c4 => "ARM".to_owned(),
        0xaa64 => "ARM64".to_owned(),
        0xa641 => "ARM64EC".to_owned(),
        0xa64e => "ARM64X".to_owned(),
        0x5064 => "RISC-V 64".to_owned(),
        other => format!("machine {other:#06x}"),
    }
}

/// The field's name of a subsystem.
fn subsystem_name(subsystem: u16) -> String {
    let name = match subsystem {
        2 => "Windows GUI",
        3 => "Windows console",
        9 => "Windows CE",
        10..=13 => "EFI",
        _ => "unknown",
    };
    format!("{name} ({subsystem})")
}
