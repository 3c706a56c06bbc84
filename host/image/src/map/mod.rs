//! Maps an image into this process.
//!
//! The image lives in a memory file that is mapped twice. The driver's view has each section under
//! its own protection, at an address that is a multiple of 64 KiB, with pages on both sides that
//! nothing may touch. The host's view of the same bytes is readable and writable: through it the
//! host puts breakpoints into code that the driver itself cannot change.

mod contents;
mod memory;

use std::{error::Error, io, ops::Range, ptr};

use rustix::{
    fs::{MemfdFlags, ftruncate, memfd_create},
    io::Errno,
    mm::{MapFlags, MprotectFlags, mmap, mprotect},
};
use thiserror::Error;

use self::{
    contents::Places,
    memory::{ALIGNMENT, GUARD, Mapping, map_alias, reserve, usize_of},
};
use super::pe::{Image, ImportName, PAGE, Section};

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
