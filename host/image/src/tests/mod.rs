//! What images are read, mapped, named and walked as. The image is `testdata/fixture.sys`, made
//! from `testdata/fixture.rs`; malformed ones are made from it by changing bytes.

mod damage;
mod file;
mod mapping;
mod stack;
mod symbols;

use std::{
    arch::naked_asm,
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kmdf_instructions::Registers;
use proptest::prelude::*;

use super::*;

/// RVAs in the fixture.
const ENTRY: u32 = 0x1000;
const ISR: u32 = 0x1020;
const EXPORTED: u32 = 0x1040;
const COOKIE: u32 = 0x3000;

/// Offsets from the PE signature.
const MACHINE: usize = 4;
const CHARACTERISTICS: usize = 22;
const MAGIC: usize = 24;
const ENTRY_POINT: usize = 24 + 16;
const IMAGE_BASE: usize = 24 + 24;
const SIZE_OF_IMAGE: usize = 24 + 56;
const CHECKSUM: usize = 24 + 64;
const SUBSYSTEM: usize = 24 + 68;
const DIRECTORIES: usize = 24 + 112;
const SECTIONS: usize = 24 + 240;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/testdata")
        .join(name)
}

fn bytes() -> Vec<u8> {
    fs::read(testdata("fixture.sys")).expect("the fixture")
}

fn fixture() -> Image {
    Image::read(&testdata("fixture.sys")).expect("the fixture is an image")
}

fn map(image: Image) -> MappedImage {
    image.map(|_, _| Ok(0x1234)).expect("a mapping")
}

/// Where the PE signature is.
fn pe(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[0x3c], bytes[0x3d]]))
}

/// The fixture with other bytes at an offset from the PE signature, and no checksum.
fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = self::bytes();
    let pe = pe(&file);
    file[pe + CHECKSUM..][..4].fill(0);
    file[pe + offset..][..bytes.len()].copy_from_slice(bytes);
    file
}

/// What is said of a file.
fn complaint(bytes: &[u8]) -> String {
    match Image::parse("some.sys", bytes) {
        Ok(_) => "no complaint".to_owned(),
        Err(error) => error.to_string(),
    }
}
