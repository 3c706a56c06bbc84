//! Maps an image into this process.
//!
//! The image lives in a memory file that is mapped twice. The driver's view has each section under
//! its own protection, at an address that is a multiple of 64 KiB, with pages on both sides that
//! nothing may touch. The host's view of the same bytes is readable and writable: through it the
//! host puts breakpoints into code that the driver itself cannot change.

use std::{error::Error, io, ops::Range, os::fd::OwnedFd, ptr};

use rustix::{
    fs::{MemfdFlags, ftruncate, memfd_create},
    io::Errno,
    mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap},
};
use thiserror::Error;

use super::pe::{Image, ImportName, PAGE, Section};

/// Windows maps images at multiples of 64 KiB.
const ALIGNMENT: u64 = 64 << 10;

/// Untouchable bytes on each side of an image.
const GUARD: u64 = ALIGNMENT;

/// Where images go, one after the other: the same addresses in every run, far from everything
/// that Linux places by itself, so that a replayed run sees the same pointers.
const FIRST_PLACE: u64 = 0x2000_0000_0000;
/// Distance of one place from the next: more than the largest image with its guards.
const PLACE_STEP: u64 = 1 << 30;
/// How many places are tried.
const PLACES: u64 = 64;

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

/// Why a resolver has no address for an import.
pub type ResolverError = Box<dyn Error + Send + Sync>;

/// Why an image could not be mapped.
#[derive(Debug, Error)]
pub enum MapError {
    /// An import has no address.
    #[error("{file}: import {dll}!{name}: {reason}")]
    Import {
        /// The image.
        file: String,
        /// The module it imports from.
        dll: String,
        /// What it imports.
        name: ImportName,
        /// What the resolver says.
        reason: ResolverError,
    },
    /// Linux does not give the memory.
    #[error("{file}: cannot be mapped: {step}: {reason}")]
    Memory {
        /// The image.
        file: String,
        /// What was tried.
        step: &'static str,
        /// What Linux says.
        reason: io::Error,
    },
}

/// Why code could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("RVA {rva:#x} and the {bytes} bytes from there are not code of the image")]
pub struct PatchError {
    /// Where it was to be changed.
    pub rva: u32,
    /// How many bytes.
    pub bytes: usize,
}

/// A range of this process's memory that this object owns.
#[derive(Debug)]
struct Mapping {
    address: usize,
    bytes: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this object's alone, and whoever hands out addresses in it
        // documents that they end with it. A failure would leave the range mapped, which is safe.
        let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(self.address), self.bytes) };
    }
}

/// An image in this process, relocated and with its imports resolved. Dropping it unmaps it: no
/// code of it may run and no pointer into it be used after that.
#[derive(Debug)]
pub struct MappedImage {
    image: Image,
    base: u64,
    /// The host's view: the same bytes, readable and writable.
    alias: Mapping,
    /// The driver's view with its guards.
    _view: Mapping,
}

impl Image {
    /// Maps the image, relocates it and writes the addresses that `resolve` gives into its import
    /// address table. `resolve` is called once for each import, in the order of the image.
    ///
    /// # Errors
    /// An import without an address, or no memory.
    pub fn map(
        self,
        mut resolve: impl FnMut(&str, &ImportName) -> Result<u64, ResolverError>,
    ) -> Result<MappedImage, MapError> {
        let places = Places::of(&self);
        let failed = |step| {
            let file = self.file();
            move |reason: Errno| MapError::memory(file, step, reason)
        };
        let store = memfd_create(self.name(), MemfdFlags::CLOEXEC)
            .map_err(failed("making a memory file"))?;
        ftruncate(&store, places.end).map_err(failed("sizing the memory file"))?;
        let (view, base) = reserve(GUARD + places.end.next_multiple_of(ALIGNMENT) + GUARD)
            .map_err(failed("reserving addresses"))?;
        let bytes = places.fill(&self, base, &mut resolve)?;
        let alias = map_alias(&store, &bytes).map_err(failed("mapping the host's view"))?;
        for (offset, bytes, protection) in places.parts(&self) {
            let address = ptr::with_exposed_provenance_mut(usize_of(base + offset));
            // SAFETY: the range lies in `view`, which is this function's own and which nothing
            // has been told of yet, so nothing that is in use is replaced.
            unsafe {
                mmap(
                    address,
                    usize_of(bytes),
                    protection,
                    MapFlags::SHARED | MapFlags::FIXED,
                    &store,
                    offset,
                )
            }
            .map_err(failed("mapping a section"))?;
        }
        Ok(MappedImage {
            image: self,
            base,
            alias,
            _view: view,
        })
    }
}

impl MapError {
    fn memory(file: &str, step: &'static str, reason: Errno) -> Self {
        Self::Memory {
            file: file.to_owned(),
            step,
            reason: reason.into(),
        }
    }
}

/// What is where, relative to the base.
#[derive(Clone, Copy)]
struct Places {
    /// The guard routines' page. It follows the image and an untouchable page.
    guard_routines: u64,
    /// The end of the memory file.
    end: u64,
}

impl Places {
    fn of(image: &Image) -> Self {
        let guard_routines = u64::from(image.bytes()) + u64::from(PAGE);
        Self {
            guard_routines,
            end: guard_routines + u64::from(PAGE),
        }
    }

    /// What the memory file holds: the image as the loader leaves it at `base`.
    fn fill(
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
    fn parts(self, image: &Image) -> impl Iterator<Item = (u64, u64, ProtFlags)> {
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

/// Maps the memory file for the host and fills it.
fn map_alias(store: &OwnedFd, bytes: &[u8]) -> Result<Mapping, Errno> {
    // SAFETY: no address is asked for, so the mapping replaces none that exists.
    let alias = unsafe {
        mmap(
            ptr::null_mut(),
            bytes.len(),
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED,
            store,
            0,
        )
    }?;
    // SAFETY: the mapping is `bytes.len()` bytes, writable, new, and overlaps nothing.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), alias.cast(), bytes.len()) };
    Ok(Mapping {
        address: alias.expose_provenance(),
        bytes: bytes.len(),
    })
}

impl MappedImage {
    /// The image it was mapped from.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.image
    }

    /// The address of its first byte.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// The address of its entry point.
    #[must_use]
    pub fn entry(&self) -> u64 {
        self.address(self.image.entry())
    }

    /// The address of an RVA.
    #[must_use]
    pub fn address(&self, rva: u32) -> u64 {
        self.base + u64::from(rva)
    }

    /// The RVA of an address, if it is in the image.
    #[must_use]
    pub fn rva(&self, address: u64) -> Option<u32> {
        let rva = u32::try_from(address.checked_sub(self.base)?).ok()?;
        (rva < self.image.bytes()).then_some(rva)
    }

    /// Whether an address is in the image.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        self.rva(address).is_some()
    }

    /// The section that holds an address.
    #[must_use]
    pub fn section_of(&self, address: u64) -> Option<&Section> {
        self.image.section_of(self.rva(address)?)
    }

    /// The address of an export.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<u64> {
        self.image.export(name).map(|rva| self.address(rva))
    }

    /// The addresses of the code, section by section.
    #[must_use]
    pub fn executable_ranges(&self) -> Vec<Range<u64>> {
        self.image
            .sections()
            .iter()
            .filter(|section| section.execute)
            .map(|section| {
                let range = section.range();
                self.address(range.start)..self.address(range.end)
            })
            .collect()
    }

    /// Reads the image as it is now, breakpoints and all, whatever its protection. `None` if the
    /// bytes are not all in the image.
    #[must_use]
    pub fn read<const N: usize>(&self, rva: u32) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read_into(rva, &mut bytes).then_some(bytes)
    }

    /// Fills `bytes` with the image as it is now from `rva` on. `false`, and nothing read, if the
    /// bytes are not all in the image.
    #[must_use]
    pub fn read_into(&self, rva: u32, bytes: &mut [u8]) -> bool {
        let end = (rva as usize).checked_add(bytes.len());
        if end.is_none_or(|end| end > self.image.bytes() as usize) {
            return false;
        }
        let source: *const u8 = ptr::with_exposed_provenance(self.alias.address + rva as usize);
        // SAFETY: the range lies in the host's view, as just checked, which `bytes` does not
        // overlap. Driver code that writes there runs on this thread or not at all.
        unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), bytes.len()) };
        true
    }

    /// Changes code, through the host's view. The driver executes the new bytes from its next
    /// instruction on.
    ///
    /// # Errors
    /// The bytes are not all in one executable section.
    pub fn write_code(&self, rva: u32, bytes: &[u8]) -> Result<(), PatchError> {
        let error = PatchError {
            rva,
            bytes: bytes.len(),
        };
        let section = self.image.section_of(rva).filter(|s| s.execute);
        let end = section.ok_or(error)?.range().end as usize;
        if bytes.len() > end - rva as usize {
            return Err(error);
        }
        let target = ptr::with_exposed_provenance_mut(self.alias.address + rva as usize);
        // SAFETY: the range lies in the host's view, as just checked, which `bytes` does not
        // overlap. No reference into the view exists: reads copy.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        serialize();
        Ok(())
    }

    /// Takes away the sections that Windows throws away after DriverEntry (`INIT`, `.reloc`): from
    /// now on an access to them faults.
    ///
    /// # Errors
    /// Linux does not change the protection.
    pub fn discard(&self) -> Result<(), MapError> {
        for section in self.image.sections().iter().filter(|s| s.discardable) {
            let address = ptr::with_exposed_provenance_mut(usize_of(self.address(section.rva)));
            let bytes = section.bytes.next_multiple_of(PAGE) as usize;
            // SAFETY: the pages are the section's alone and belong to this object's view. No
            // Rust reference into the view exists.
            unsafe { mprotect(address, bytes, MprotectFlags::empty()) }.map_err(|reason| {
                MapError::memory(self.image.file(), "discarding a section", reason)
            })?;
        }
        Ok(())
    }
}

/// Executes a serializing instruction: code that was changed through another address than the one
/// it runs at may run only after one (Intel SDM 3A, 8.1.3). `iretq` is the one that a virtual
/// machine does not leave its processor for, as it does for `cpuid`.
fn serialize() {
    // SAFETY: `iretq` takes the five words just pushed and goes on behind itself with the same
    // stack pointer, flags and segments.
    unsafe {
        std::arch::asm!(
            "mov {stack}, rsp",
            "mov {word:e}, ss",
            "push {word}",
            "push {stack}",
            "pushfq",
            "mov {word:e}, cs",
            "push {word}",
            "lea {word}, [rip + 2f]",
            "push {word}",
            "iretq",
            "2:",
            stack = out(reg) _,
            word = out(reg) _,
        );
    }
}

/// Reserves untouchable memory and chooses the base in it: a multiple of 64 KiB with at least
/// [`GUARD`] bytes before it.
fn reserve(bytes: u64) -> Result<(Mapping, u64), Errno> {
    let length = usize_of(bytes);
    for place in 0..PLACES {
        let address = FIRST_PLACE + place * PLACE_STEP - GUARD;
        // SAFETY: `FIXED_NOREPLACE` makes it fail where something is mapped already.
        let mapped = unsafe {
            mmap_anonymous(
                ptr::with_exposed_provenance_mut(usize_of(address)),
                length,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE,
            )
        };
        if let Ok(mapped) = mapped {
            let view = Mapping {
                address: mapped.expose_provenance(),
                bytes: length,
            };
            if view.address == usize_of(address) {
                return Ok((view, address + GUARD));
            }
            // A kernel before 4.17 takes the flag for a hint: the next place may be free.
        }
    }
    // No place is free: anywhere, with room to align.
    let length = length + usize_of(ALIGNMENT);
    // SAFETY: no address is asked for, so the mapping replaces none that exists.
    let mapped = unsafe {
        mmap_anonymous(
            ptr::null_mut(),
            length,
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }?;
    let view = Mapping {
        address: mapped.expose_provenance(),
        bytes: length,
    };
    let base = (view.address as u64 + GUARD).next_multiple_of(ALIGNMENT);
    Ok((view, base))
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

/// An address or length as Linux counts it: this host is 64-bit.
const fn usize_of(value: u64) -> usize {
    const { assert!(size_of::<usize>() == 8, "the host runs on x86-64 only") };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "usize has 64 bits, as asserted"
    )]
    {
        value as usize
    }
}
