//! Physical memory: which frames there are, who has them, and where the driver sees them.
//!
//! Only what devices reach is physical: the buffers of direct I/O and common buffers lie in frames,
//! and so do the map registers that DMA is double-buffered through. All other memory of the driver
//! has no frame: to a device it is out of reach, as memory above its mask is.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    os::fd::AsRawFd,
    ptr,
    rc::Rc,
};

use kmdf_bus::memory::SharedMemory;

use crate::{machine::Machine, memory::Purpose};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Memory of a machine whose devices bring none, up to the hole below 4 GiB that BARs lie in, and up
/// to [`MEMORY_END`] above it. Only what is used of it takes room.
const LOW_BYTES: u64 = 3 << 30;
const MEMORY_END: u64 = 1 << 46;
/// Where the processors see address 0 of the bus that the devices are on. So nothing has the same
/// address for both, as on machines whose bridges translate: a driver that takes one for the other
/// shows.
pub const BUS_WINDOW: u64 = MEMORY_END;
/// How much memory, from the lowest free address on, the pages of apps lie in.
const APP_BYTES: u64 = 64 << 20;
/// Among how many places at the top of what a device reaches one is drawn for what it shares with its
/// driver.
const TOP_PLACES: u64 = 64;
/// Where memory without a frame claims to be: above all that 32 bits reach.
const OUT_OF_REACH: u64 = 1 << 32;

/// Where the memory of apps lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppMemory {
    /// In frames that lie low in memory, scattered, as a machine with little memory has it.
    #[default]
    Low,
    /// Above 4 GiB, out of the reach of a device with 32 address bits or less.
    High,
}

/// One physical memory and the use of its frames.
#[derive(Debug)]
pub struct Physical {
    /// The memory itself.
    pub memory: Rc<SharedMemory>,
    used: RefCell<BTreeSet<u64>>,
    next: Cell<u64>,
    /// The first frame that is free.
    first: u64,
    /// How many frames at the top of what a device reaches are left out.
    left_out: u64,
}

impl Physical {
    /// What is free from an address on. Where in the topmost memory things are put, `salt` decides.
    fn new(memory: Rc<SharedMemory>, free_from: u64, salt: u64) -> Self {
        let first = free_from.max(SharedMemory::FIRST_USABLE).div_ceil(PAGE);
        Self {
            memory,
            used: RefCell::default(),
            next: Cell::new(first),
            first,
            left_out: salt % TOP_PLACES,
        }
    }

    /// The frames that apps' pages lie in.
    fn frames(&self) -> Range<u64> {
        let end = (self.memory.bytes() / PAGE).min(self.first + APP_BYTES / PAGE);
        self.first..end.max(self.first)
    }

    /// A frame that does not follow the one given out before it.
    fn scattered(&self) -> Option<u64> {
        const STEP: u64 = 3;
        let frames = self.frames();
        let mut used = self.used.borrow_mut();
        let start = self.next.get();
        let count = frames.end - frames.start;
        let turns = (0..count).map(|turn| turn * STEP).chain(0..count);
        let found = turns
            .map(|turn| frames.start + (start - frames.start + turn) % count)
            .find(|frame| !used.contains(frame))?;
        self.next
            .set(frames.start + (found - frames.start + STEP) % count);
        used.insert(found);
        Some(found * PAGE)
    }

    /// Adjacent frames for that many bytes, at an address that is a multiple of `alignment` (a power of
    /// two): as high as they can lie with all bytes at addresses of at most `mask`, but for a few frames.
    pub fn contiguous(&self, bytes: u64, mask: u64, alignment: u64) -> Option<u64> {
        let count = bytes.max(1).div_ceil(PAGE);
        let step = alignment.div_ceil(PAGE).max(1);
        let high = self.memory.high();
        let mut used = self.used.borrow_mut();
        let first = [high, 0..self.memory.bytes()]
            .into_iter()
            .map(|memory| {
                let end = (memory.end / PAGE).min((mask / PAGE).saturating_add(1));
                (memory.start / PAGE).max(self.first)..end
            })
            .find_map(|frames| {
                let below = frames.end.saturating_sub(self.left_out);
                highest(&used, frames.start..below, count, step)
                    .or_else(|| highest(&used, frames, count, step))
            })?;
        used.extend(first..first + count);
        Some(first * PAGE)
    }

    /// Gives frames back.
    pub fn release(&self, address: u64, bytes: u64) {
        let mut used = self.used.borrow_mut();
        for frame in address / PAGE..(address + bytes.max(1)).div_ceil(PAGE) {
            used.remove(&frame);
        }
    }

    /// Reads memory; all ones where none answers.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        if self.memory.read(address, bytes).is_err() {
            bytes.fill(0xFF);
        }
    }

    /// Writes memory.
    pub fn write(&self, address: u64, bytes: &[u8]) {
        // What the kernel refuses to write is dropped, as where there is no memory.
        let _ = self.memory.write(address, bytes);
    }
}

/// The first of `count` adjacent frames that are free, the highest that is a multiple of `step`.
fn highest(used: &BTreeSet<u64>, frames: Range<u64>, count: u64, step: u64) -> Option<u64> {
    let mut end = frames.end;
    loop {
        let first = end.checked_sub(count)? / step * step;
        if first < frames.start {
            return None;
        }
        match used.range(first..first + count).next() {
            Some(&taken) => end = taken,
            None => return Some(first),
        }
    }
}

/// What of the driver's memory lies in which frames.
#[derive(Default)]
pub(crate) struct PhysicalMap {
    /// The memory of the slots, by slot.
    slots: RefCell<BTreeMap<usize, Rc<Physical>>>,
    /// Frames by the page they are seen at.
    pages: RefCell<BTreeMap<u64, (u64, Rc<Physical>)>>,
    pub(crate) app_memory: Cell<AppMemory>,
}

impl Machine {
    /// Says where the buffers of apps lie from now on.
    pub fn place_app_memory(&self, place: AppMemory) {
        self.physical.app_memory.set(place);
    }

    /// Where they lie.
    #[must_use]
    pub fn app_memory(&self) -> AppMemory {
        self.physical.app_memory.get()
    }

    /// The physical memory that the DMA of a slot's function goes to.
    ///
    /// # Panics
    /// When this machine has no room for a file without a name.
    pub fn physical_memory(&self, slot: usize) -> Rc<Physical> {
        let slots = &self.physical.slots;
        if let Some(physical) = slots.borrow().get(&slot) {
            return Rc::clone(physical);
        }
        let memory = |slot: usize| self.slots.get(slot).and_then(|slot| slot.memory.clone());
        let own = memory(slot);
        let same = slots
            .borrow()
            .iter()
            .find(|(other, physical)| match &own {
                Some(own) => Rc::ptr_eq(own, &physical.memory),
                None => memory(**other).is_none(),
            })
            .map(|(_, physical)| Rc::clone(physical));
        let physical = same.unwrap_or_else(|| {
            let memory = own.unwrap_or_else(|| {
                let memory = SharedMemory::with_high(LOW_BYTES, MEMORY_END - (1 << 32));
                Rc::new(memory.expect("this machine has room for a file without a name"))
            });
            Rc::new(Physical::new(memory, self.free_memory_from, self.salt))
        });
        slots.borrow_mut().insert(slot, Rc::clone(&physical));
        physical
    }

    /// Allocates memory in frames: scattered ones, or those from an address on.
    pub fn allocate_in_frames(
        &self,
        physical: &Rc<Physical>,
        bytes: u64,
        first: Option<u64>,
        purpose: Purpose,
    ) -> Option<u64> {
        self.memory
            .allocate_backed(bytes, first.is_some(), purpose, |base, length| {
                for offset in (0..length).step_by(PAGE as usize) {
                    let frame = match first {
                        Some(first) => Some(first + offset),
                        None => physical.scattered(),
                    };
                    // A page for which there is no frame any more is out of the device's reach.
                    let Some(frame) = frame else { return };
                    map_frame(&physical.memory, frame, base + offset);
                    let mut pages = self.physical.pages.borrow_mut();
                    pages.insert(base + offset, (frame, Rc::clone(physical)));
                }
            })
    }

    /// Frees memory that may lie in frames.
    ///
    /// # Errors
    /// What is wrong with doing so.
    pub fn free_in_frames(&self, address: u64) -> Result<(), String> {
        let allocation = self.memory.free(address)?;
        let base = allocation.address / PAGE * PAGE;
        let end = allocation.address + allocation.bytes.max(1);
        let mut pages = self.physical.pages.borrow_mut();
        for page in (base..end).step_by(PAGE as usize) {
            if let Some((frame, physical)) = pages.remove(&page) {
                unmap_frame(page);
                physical.release(frame, PAGE);
            }
        }
        Ok(())
    }

    /// The frame behind an address of the driver's, and the memory it is in.
    pub fn frame_of(&self, address: u64) -> Option<(u64, Rc<Physical>)> {
        let pages = self.physical.pages.borrow();
        let (frame, physical) = pages.get(&(address / PAGE * PAGE))?;
        Some((frame + address % PAGE, Rc::clone(physical)))
    }

    /// `MmGetPhysicalAddress`: for memory without a frame one that no device reaches.
    pub fn physical_address(&self, address: u64) -> u64 {
        match self.frame_of(address) {
            Some((physical, _)) => physical,
            None => OUT_OF_REACH + address % OUT_OF_REACH,
        }
    }
}

fn map_frame(memory: &SharedMemory, frame: u64, page: u64) {
    let offset = memory.offset_of(frame).expect("a frame is memory");
    // SAFETY: the page is one of the driver's pool that was just allocated: nothing else uses it,
    // and what is put in its place is memory of the same size.
    let mapped = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(page as usize),
            PAGE as usize,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_FIXED,
            memory.file().as_raw_fd(),
            offset.cast_signed(),
        )
    };
    assert_ne!(mapped, libc::MAP_FAILED, "a frame of memory can be mapped");
}

fn unmap_frame(page: u64) {
    // SAFETY: the page is one of a freed allocation: nothing can access it any more.
    let mapped = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(page as usize),
            PAGE as usize,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    assert_ne!(mapped, libc::MAP_FAILED, "a page can be reserved again");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn physical(bytes: u64) -> Physical {
        let memory = SharedMemory::with_high(bytes, bytes).expect("there is room");
        Physical::new(Rc::new(memory), 0, 0)
    }

    #[test]
    fn frames_that_follow_each_other_are_not_adjacent() {
        let physical = physical(4 << 20);
        let frames: Vec<_> = (0..8).filter_map(|_| physical.scattered()).collect();
        assert_eq!(frames.len(), 8);
        assert!(frames.windows(2).all(|pair| pair[1] != pair[0] + PAGE));
    }

    #[test]
    fn every_frame_is_given_out_once_and_again_after_its_release() {
        let physical = physical(2 << 20);
        let count = physical.frames().count();
        let frames: BTreeSet<_> = std::iter::from_fn(|| physical.scattered()).collect();
        assert_eq!(frames.len(), count);
        physical.release(SharedMemory::FIRST_USABLE, PAGE);
        assert_eq!(physical.scattered(), Some(SharedMemory::FIRST_USABLE));
    }

    #[test]
    fn adjacent_frames_lie_as_high_as_the_mask_allows_and_around_what_is_taken() {
        const END: u64 = (1 << 32) + (4 << 20);
        let physical = physical(4 << 20);
        let first = physical.contiguous(PAGE, u64::MAX, 1);
        assert_eq!(first, Some(END - PAGE));
        let second = physical.contiguous(3 * PAGE - 1, u64::MAX, 1);
        assert_eq!(second, Some(END - 4 * PAGE));
        let below = physical.contiguous(PAGE, u32::MAX.into(), 1);
        assert_eq!(below, Some((4 << 20) - PAGE));
        let mask = (2 << 20) - 1;
        assert_eq!(physical.contiguous(PAGE, mask, 1), Some((2 << 20) - PAGE));
        let first = SharedMemory::FIRST_USABLE;
        assert_eq!(physical.contiguous(PAGE, first, 1), Some(first));
        assert_eq!(physical.contiguous(PAGE, first, 1), None);
    }

    #[test]
    fn adjacent_frames_are_aligned_as_they_are_asked_for() {
        let physical = physical(4 << 20);
        physical
            .contiguous(PAGE, u64::MAX, 1)
            .expect("there is room");
        let aligned = physical.contiguous(PAGE, u64::MAX, 1 << 20);
        assert_eq!(aligned, Some((1 << 32) + (3 << 20)));
    }

    #[test]
    fn nothing_lies_below_what_is_free() {
        const FREE: u64 = 3 << 20;
        let memory = SharedMemory::with_high(4 << 20, 0).expect("there is room");
        let physical = Physical::new(Rc::new(memory), FREE + 1, 0);
        assert_eq!(physical.contiguous(PAGE, FREE + PAGE - 1, 1), None);
        let frames: Vec<_> = std::iter::from_fn(|| physical.scattered()).collect();
        assert_eq!(frames.len() as u64, (1 << 20) / PAGE - 1);
        assert!(frames.iter().all(|&frame| frame > FREE));
        let memory = SharedMemory::with_high(4 << 20, 0).expect("there is room");
        let nothing = Physical::new(Rc::new(memory), 1 << 40, 0);
        assert_eq!(nothing.contiguous(PAGE, u64::MAX, 1), None);
        assert_eq!(nothing.scattered(), None);
    }

    #[test]
    fn where_at_the_top_is_a_matter_of_the_salt() {
        let memory = || Rc::new(SharedMemory::with_high(4 << 20, 0).expect("there is room"));
        let places: BTreeSet<_> = (0..2 * TOP_PLACES)
            .filter_map(|salt| Physical::new(memory(), 0, salt).contiguous(PAGE, u64::MAX, 1))
            .collect();
        assert_eq!(places.len() as u64, TOP_PLACES);
        assert!(
            places
                .iter()
                .all(|place| *place >= (4 << 20) - TOP_PLACES * PAGE)
        );
    }
}
