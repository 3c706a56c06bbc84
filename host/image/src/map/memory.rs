//! Memory of this process for images.

use std::{os::fd::OwnedFd, ptr};

use rustix::{
    io::Errno,
    mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap},
};

/// Windows maps images at multiples of 64 KiB.
pub(super) const ALIGNMENT: u64 = 64 << 10;

/// Untouchable bytes on each side of an image.
pub(super) const GUARD: u64 = ALIGNMENT;

/// Where images go, one after the other: the same addresses in every run, far from everything
/// that Linux places by itself, so that a replayed run sees the same pointers.
const FIRST_PLACE: u64 = 0x2000_0000_0000;
/// Distance of one place from the next: more than the largest image with its guards.
const PLACE_STEP: u64 = 1 << 30;
/// How many places are tried.
const PLACES: u64 = 64;

/// A range of this process's memory that this object owns.
#[derive(Debug)]
pub(super) struct Mapping {
    pub address: usize,
    bytes: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this object's alone, and whoever hands out addresses in it
        // documents that they end with it. A failure would leave the range mapped, which is safe.
        let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(self.address), self.bytes) };
    }
}

/// Maps the memory file for the host and fills it.
pub(super) fn map_alias(store: &OwnedFd, bytes: &[u8]) -> Result<Mapping, Errno> {
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

/// Reserves untouchable memory and chooses the base in it: a multiple of 64 KiB with at least
/// [`GUARD`] bytes before it.
pub(super) fn reserve(bytes: u64) -> Result<(Mapping, u64), Errno> {
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

/// An address or length as Linux counts it: this host is 64-bit.
pub(super) const fn usize_of(value: u64) -> usize {
    const { assert!(size_of::<usize>() == 8, "the host runs on x86-64 only") };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "usize has 64 bits, as asserted"
    )]
    {
        value as usize
    }
}
