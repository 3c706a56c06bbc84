//! The driver's address space beside its image: pool, handles, and mapped device memory.
//!
//! Every allocation has pages of its own, ends at a guard page, and is never given out again: an
//! access behind its end or after it was freed faults, and [`Memory::describe`] says what it was.
//! Handles and mapped device memory are addresses behind which there is nothing at all.

mod allocation;
mod packed;
mod pattern;

pub use allocation::{Allocation, Purpose};

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io, ptr,
};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::check::Checks;

const PAGE: u64 = 4096;
/// Address space of the handles; each takes 16 bytes of it.
const HANDLE_SPACE: u64 = 1 << 30;
/// Address space of mapped device memory.
const DEVICE_SPACE: u64 = 1 << 32;
/// Address space of pool.
const POOL_SPACE: u64 = 1 << 36;
/// What fresh pool holds, so that reading it before writing shows.
const FRESH: u8 = 0xAC;
/// What lies between the end of an allocation and its guard page.
const SLACK: u8 = 0x5A;

/// A piece of mapped device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMapping {
    /// Where the driver sees it.
    pub address: u64,
    /// How much it is.
    pub bytes: u64,
    /// What is behind its first byte.
    pub physical: u64,
    /// Where driver code was when it asked for it, or 0; of one that has ended: when it ended it.
    pub site: u64,
}

/// The driver's address space.
#[derive(Debug)]
pub struct Memory {
    handles: Space,
    device: Space,
    pool: Space,
    allocations: RefCell<BTreeMap<u64, Allocation>>,
    mappings: RefCell<BTreeMap<u64, DeviceMapping>>,
    /// Those that have ended.
    unmapped: RefCell<Vec<DeviceMapping>>,
    pool_allocations: Cell<u64>,
    /// Room for small allocations side by side, where no rule about memory is checked.
    packed: Option<Cell<packed::Room>>,
    /// What decides of the patterns in fresh memory.
    salt: u64,
}

/// Reserved addresses, given out from the lowest on.
#[derive(Debug)]
struct Space {
    base: u64,
    bytes: u64,
    next: Cell<u64>,
}

impl Space {
    fn reserve(bytes: u64) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing of ours.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes as usize,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = base.expose_provenance() as u64;
        Ok(Self {
            base,
            bytes,
            next: Cell::new(base),
        })
    }

    fn take(&self, bytes: u64) -> Option<u64> {
        let address = self.next.get();
        let end = address.checked_add(bytes)?;
        if end > self.base + self.bytes {
            return None;
        }
        self.next.set(end);
        Some(address)
    }

    fn contains(&self, address: u64) -> bool {
        (self.base..self.base + self.bytes).contains(&address)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // SAFETY: the reservation is ours, and no driver that could use it is left.
        unsafe { libc::munmap(pointer(self.base).cast(), self.bytes as usize) };
    }
}

fn pointer(address: u64) -> *mut u8 {
    ptr::with_exposed_provenance_mut(address as usize)
}

fn protect(address: u64, bytes: u64, protection: i32) {
    // SAFETY: callers pass whole pages of a reservation of ours that no reference points into.
    let result = unsafe { libc::mprotect(pointer(address).cast(), bytes as usize, protection) };
    assert_eq!(
        result,
        0,
        "mprotect of {address:#x}: {}",
        io::Error::last_os_error()
    );
}

impl Memory {
    pub(crate) fn new(checks: Checks, salt: u64) -> io::Result<Self> {
        Ok(Self {
            handles: Space::reserve(HANDLE_SPACE)?,
            device: Space::reserve(DEVICE_SPACE)?,
            pool: Space::reserve(POOL_SPACE)?,
            allocations: RefCell::default(),
            mappings: RefCell::default(),
            unmapped: RefCell::default(),
            pool_allocations: Cell::new(0),
            packed: (checks == Checks::Fewest).then(Cell::default),
            salt,
        })
    }

    /// A new handle value: never given out twice, never an address that can be accessed.
    ///
    /// # Panics
    /// When 64 million were given out.
    pub fn new_handle(&self) -> u64 {
        self.handles
            .take(16)
            .expect("a run makes fewer handles than there is space for")
    }

    /// Allocates zeroed or filled memory, aligned to 16 bytes (to a page from a page on).
    pub fn allocate(&self, bytes: u64, zeroed: bool, purpose: Purpose) -> Option<u64> {
        let base_aligned = bytes >= PAGE;
        if let Some(room) = &self.packed
            && !base_aligned
        {
            return self.pack(room, bytes, purpose);
        }
        self.place(bytes, zeroed, base_aligned, purpose, |_, _| {})
    }

    /// Allocates memory whose pages `back` puts something else behind: it is given the address and
    /// the length of them. Unless `aligned`, the allocation lies at their end, up to the guard page.
    pub fn allocate_backed(
        &self,
        bytes: u64,
        aligned: bool,
        purpose: Purpose,
        back: impl FnOnce(u64, u64),
    ) -> Option<u64> {
        self.place(bytes, aligned, aligned, purpose, back)
    }

    fn place(
        &self,
        bytes: u64,
        zeroed: bool,
        base_aligned: bool,
        purpose: Purpose,
        back: impl FnOnce(u64, u64),
    ) -> Option<u64> {
        let room = bytes.max(1).next_multiple_of(16);
        let pages = room.next_multiple_of(PAGE);
        let base = self.pool.take(pages.checked_add(PAGE)?)?;
        protect(base, pages, libc::PROT_READ | libc::PROT_WRITE);
        back(base, pages);
        let address = if base_aligned {
            base
        } else {
            base + pages - room
        };
        let fill = if zeroed { 0 } else { FRESH };
        if !zeroed || base_aligned {
            // SAFETY: the pages were just made writable and have no other user.
            unsafe { pointer(base).write_bytes(fill, pages as usize) };
        }
        let slack = base + pages - (address + bytes);
        // SAFETY: the slack lies between the allocation's end and the end of its pages.
        unsafe { pointer(address + bytes).write_bytes(SLACK, slack as usize) };
        self.allocated(address, bytes, purpose, false);
        Some(address)
    }

    fn allocated(&self, address: u64, bytes: u64, purpose: Purpose, packed: bool) {
        if matches!(purpose, Purpose::Pool { .. }) {
            self.pool_allocations.set(self.pool_allocations.get() + 1);
        }
        let allocation = Allocation {
            address,
            bytes,
            purpose,
            site: 0,
            freed: false,
            freed_by: 0,
            packed,
        };
        self.allocations.borrow_mut().insert(address, allocation);
    }

    /// Frees an allocation.
    ///
    /// # Errors
    /// What is wrong with doing so.
    pub fn free(&self, address: u64) -> Result<Allocation, String> {
        let mut allocations = self.allocations.borrow_mut();
        let Some(allocation) = allocations.get_mut(&address) else {
            drop(allocations);
            return Err(format!(
                "{address:#x} is not an allocation: {}",
                self.describe(address)
            ));
        };
        if allocation.freed {
            return Err(format!("{address:#x} was freed before"));
        }
        if allocation.packed {
            allocation.freed = true;
            return Ok(allocation.clone());
        }
        let (base, pages) = allocation.pages();
        let end = allocation.address + allocation.bytes;
        for offset in 0..base + pages - end {
            // SAFETY: the slack is mapped until the protection changes below.
            let byte = unsafe { pointer(end + offset).read() };
            if byte != SLACK {
                return Err(format!(
                    "the byte {offset} behind the {} bytes at {address:#x} was overwritten",
                    allocation.bytes
                ));
            }
        }
        allocation.freed = true;
        protect(base, pages, libc::PROT_NONE);
        // SAFETY: nothing can access the pages any more; their contents are not needed.
        unsafe { libc::madvise(pointer(base).cast(), pages as usize, libc::MADV_DONTNEED) };
        Ok(allocation.clone())
    }

    /// How many pool allocations the driver has made.
    pub fn pool_allocations(&self) -> u64 {
        self.pool_allocations.get()
    }

    /// Reserves addresses for device memory. Accesses trap.
    pub fn map_device(&self, physical: u64, bytes: u64, site: u64) -> Option<u64> {
        let offset = physical % PAGE;
        let base = self
            .device
            .take((offset + bytes).next_multiple_of(PAGE) + PAGE)?;
        let address = base + offset;
        self.mappings.borrow_mut().insert(
            address,
            DeviceMapping {
                address,
                bytes,
                physical,
                site,
            },
        );
        Some(address)
    }

    /// Ends a mapping.
    pub fn unmap_device(&self, address: u64, site: u64) -> Option<DeviceMapping> {
        let mapping = self.mappings.borrow_mut().remove(&address)?;
        self.unmapped
            .borrow_mut()
            .push(DeviceMapping { site, ..mapping });
        Some(mapping)
    }

    /// The mapping in which an address was before the driver ended it.
    pub(crate) fn unmapped_device(&self, address: u64) -> Option<DeviceMapping> {
        let unmapped = self.unmapped.borrow();
        let mut of_it = unmapped.iter().filter(|mapping| {
            (mapping.address..mapping.address + mapping.bytes).contains(&address)
        });
        of_it.next_back().copied()
    }

    /// The mappings that the driver has not ended.
    pub fn device_mappings(&self) -> Vec<DeviceMapping> {
        self.mappings.borrow().values().copied().collect()
    }

    /// The physical address behind a mapped device address, if `bytes` from there on are mapped.
    pub(crate) fn device_address(&self, address: u64, bytes: u64) -> Option<u64> {
        let mappings = self.mappings.borrow();
        let (_, mapping) = mappings.range(..=address).next_back()?;
        let offset = address - mapping.address;
        (offset.checked_add(bytes)? <= mapping.bytes).then(|| mapping.physical + offset)
    }

    /// Whether the address is one of memory that was allocated, or may be.
    pub(crate) fn is_pool(&self, address: u64) -> bool {
        self.pool.contains(address)
    }

    /// Whether the address is one of device memory, mapped or not.
    pub(crate) fn is_device(&self, address: u64) -> bool {
        self.device.contains(address)
    }

    /// Where an address lies in its own space, if it is the driver's: the same in every process.
    pub fn relative(&self, address: u64) -> Option<u64> {
        [&self.handles, &self.device, &self.pool]
            .into_iter()
            .zip(1_u64..)
            .find(|(space, _)| space.contains(address))
            .map(|(space, number)| number << 56 | (address - space.base))
    }

    /// What an address means, for a report.
    pub fn describe(&self, address: u64) -> String {
        if address < 0x1_0000 {
            return "near NULL".to_owned();
        }
        if self.handles.contains(address) {
            return "a framework handle, which is not memory".to_owned();
        }
        if self.device.contains(address) {
            return "device memory that is not mapped".to_owned();
        }
        if !self.pool.contains(address) {
            return "no memory of the driver's".to_owned();
        }
        let allocations = self.allocations.borrow();
        let before = allocations.range(..=address).next_back();
        match before {
            Some((_, allocation)) if address < allocation.address + allocation.bytes => {
                let freed = if allocation.freed { ", freed" } else { "" };
                format!(
                    "byte {} of {} ({} bytes{freed})",
                    address - allocation.address,
                    allocation.purpose,
                    allocation.bytes
                )
            }
            Some((_, allocation)) => format!(
                "{} bytes behind the end of {} ({} bytes)",
                address - allocation.address - allocation.bytes,
                allocation.purpose,
                allocation.bytes
            ),
            None => "pool that was never allocated".to_owned(),
        }
    }

    /// Reads a value from the driver's memory. An address that cannot be read faults, and the
    /// fault is reported as a bad pointer of the driver's.
    pub fn read<T: FromBytes>(&self, address: u64) -> T {
        // SAFETY: any bytes are a valid `T`; a bad address faults, and the fault never returns.
        unsafe { pointer(address).cast::<T>().read_unaligned() }
    }

    /// Writes a value to the driver's memory. As [`Self::read`] for an address that cannot be
    /// written.
    pub fn write<T: IntoBytes + Immutable>(&self, address: u64, value: &T) {
        self.write_bytes(address, value.as_bytes());
    }

    /// Reads eight bytes if they can be read: the kernel tries, so that a bad address does not
    /// fault.
    #[must_use]
    pub fn try_read(address: u64) -> Option<u64> {
        let mut value = [0_u8; 8];
        let target = libc::iovec {
            iov_base: value.as_mut_ptr().cast(),
            iov_len: value.len(),
        };
        let source = libc::iovec {
            iov_base: pointer(address).cast(),
            iov_len: value.len(),
        };
        // SAFETY: it has no preconditions.
        let this_process = unsafe { libc::getpid() };
        // SAFETY: it reads into `value`, whose length it is given; it checks the source itself.
        let read = unsafe {
            libc::process_vm_readv(this_process, &raw const target, 1, &raw const source, 1, 0)
        };
        (read == value.len().cast_signed()).then(|| u64::from_le_bytes(value))
    }

    /// Reads bytes from the driver's memory.
    pub fn read_bytes(&self, address: u64, bytes: usize) -> Vec<u8> {
        let mut copy = vec![0; bytes];
        // SAFETY: the target has that many bytes; a bad source faults, which never returns.
        unsafe { ptr::copy(pointer(address), copy.as_mut_ptr(), bytes) };
        copy
    }

    /// Writes bytes to the driver's memory.
    pub fn write_bytes(&self, address: u64, bytes: &[u8]) {
        // SAFETY: the source has that many bytes; a bad target faults, which never returns.
        unsafe { ptr::copy(bytes.as_ptr(), pointer(address), bytes.len()) };
    }
}
