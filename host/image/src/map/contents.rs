//! What the loader makes of an image: relocated, its imports resolved, the compiler's run-time checks
//! provided for; and which part of it is where, under which protection.

use rustix::mm::ProtFlags;

use super::{MapError, ResolverError, memory::usize_of};
use crate::pe::{Image, ImportName, PAGE, Section};

/// The value that the compiler's run-time support gives the security cookie. The loader replaces
/// it; a driver that still finds it at its entry refuses to run.
const DEFAULT_COOKIE: u64 = 0x0000_2b99_2ddf_a232;

/// What the security cookie becomes: as Windows' loader does it, never the default and with the
/// upper 16 bits clear; unlike there, the same in every run.
const COOKIE: u64 = 0x0000_5c3a_91e6_47bd;

/// The control-flow guard's routines while nothing is guarded, as the loader fills them in: the
/// check returns, the dispatch jumps to the target in `rax`.
const GUARD_CHECK_CODE: [u8; 1] = [0xc3];
const GUARD_DISPATCH_CODE: [u8; 2] = [0xff, 0xe0];
/// Where the second of them is in their page.
const GUARD_DISPATCH_OFFSET: u64 = 16;

/// What is where, relative to the base.
#[derive(Clone, Copy)]
pub(super) struct Places {
    /// The guard routines' page. It follows the image and an untouchable page.
    guard_routines: u64,
    /// The end of the memory file.
    pub end: u64,
}

impl Places {
    pub fn of(image: &Image) -> Self {
        let guard_routines = u64::from(image.bytes()) + u64::from(PAGE);
        Self {
            guard_routines,
            end: guard_routines + u64::from(PAGE),
        }
    }

    /// What the memory file holds: the image as the loader leaves it at `base`.
    pub fn fill(
        self,
        image: &Image,
        base: u64,
        resolve: &mut impl FnMut(&str, &ImportName) -> Result<u64, ResolverError>,
    ) -> Result<Vec<u8>, MapError> {
        let mut bytes = image.layout().to_vec();
        relocate(image, &mut bytes, base);
        set_cookie(image, &mut bytes);
        let config = image.load_config();
        for (slot, offset) in [
            (config.guard_check, 0),
            (config.guard_dispatch, GUARD_DISPATCH_OFFSET),
        ] {
            if let Some(slot) = slot {
                put(&mut bytes, slot, base + self.guard_routines + offset);
            }
        }
        for import in image.imports() {
            let address =
                resolve(&import.dll, &import.name).map_err(|reason| MapError::Import {
                    file: image.file().to_owned(),
                    dll: import.dll.clone(),
                    name: import.name.clone(),
                    reason,
                })?;
            put(&mut bytes, import.slot, address);
        }
        bytes.resize(usize_of(self.guard_routines), 0);
        bytes.extend(GUARD_CHECK_CODE);
        bytes.resize(usize_of(self.guard_routines + GUARD_DISPATCH_OFFSET), 0);
        bytes.extend(GUARD_DISPATCH_CODE);
        bytes.resize(usize_of(self.end), 0);
        Ok(bytes)
    }

    /// The parts of the driver's view: offset, length, protection.
    pub fn parts(self, image: &Image) -> impl Iterator<Item = (u64, u64, ProtFlags)> {
        let headers = 0..image.header_bytes();
        image
            .sections()
            .iter()
            .map(|section| (section.range(), protection(section)))
            .chain([(headers, ProtFlags::READ)])
            .map(|(range, protection)| {
                let bytes = (range.end - range.start).next_multiple_of(PAGE);
                (u64::from(range.start), u64::from(bytes), protection)
            })
            .chain([(
                self.guard_routines,
                u64::from(PAGE),
                ProtFlags::READ | ProtFlags::EXEC,
            )])
            .filter(|(_, bytes, _)| *bytes > 0)
    }
}

/// A section's protection as Linux says it.
fn protection(section: &Section) -> ProtFlags {
    let mut flags = ProtFlags::empty();
    flags.set(ProtFlags::READ, section.read);
    flags.set(ProtFlags::WRITE, section.write);
    flags.set(ProtFlags::EXEC, section.execute);
    flags
}

/// Adds the distance from the preferred base to every address that has to move with the image.
fn relocate(image: &Image, bytes: &mut [u8], base: u64) {
    let distance = base.wrapping_sub(image.preferred_base());
    for rva in image.relocations() {
        put(bytes, *rva, get(bytes, *rva).wrapping_add(distance));
    }
}

/// Initialises the security cookie, if the image has one that nobody set before.
fn set_cookie(image: &Image, bytes: &mut [u8]) {
    if let Some(rva) = image.load_config().security_cookie
        && get(bytes, rva) == DEFAULT_COOKIE
    {
        put(bytes, rva, COOKIE);
    }
}

/// Eight bytes of an image. Parsing has checked that they are there.
fn get(bytes: &[u8], rva: u32) -> u64 {
    let bytes = bytes.get(rva as usize..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Sets eight bytes of an image. Parsing has checked that they are there.
fn put(bytes: &mut [u8], rva: u32, value: u64) {
    let bytes = bytes.get_mut(rva as usize..);
    if let Some(bytes) = bytes.and_then(<[u8]>::first_chunk_mut) {
        *bytes = value.to_le_bytes();
    }
}
