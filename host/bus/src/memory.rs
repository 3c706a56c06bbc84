//! Physical memory that more than one process can use.

use std::{
    cell::Cell,
    fs::File,
    io,
    ops::Range,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::FileExt,
    },
    path::PathBuf,
};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// The granularity of a virtual machine's memory.
const MEBIBYTE: u64 = 1 << 20;
const FOUR_GIBIBYTES: u64 = 1 << 32;

/// Physical memory from address 0 on, as a file without a name: a device that lives in another
/// process maps it and does its DMA there; this process reads and writes it here, or maps
/// [`SharedMemory::file`] too. All see the same bytes. A machine's memory goes on at 4 GiB, above the
/// addresses of BARs.
///
/// As on any PC, what is below [`SharedMemory::FIRST_USABLE`] is not all memory: give a driver
/// none of it.
#[derive(Debug)]
pub struct SharedMemory {
    file: File,
    /// How much there is from address 0 on.
    bytes: u64,
    /// What there is above the addresses of BARs.
    high: Range<u64>,
    words: Cell<u64>,
}

impl SharedMemory {
    /// Where memory begins that is memory for every device: below it a PC has video memory and
    /// firmware.
    pub const FIRST_USABLE: u64 = MEBIBYTE;

    /// The most memory there can be from address 0 on: what lies below the addresses of BARs.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Zeroed memory of that many bytes, rounded up to whole MiB.
    ///
    /// # Errors
    /// The kernel has no file or no room for it, or it is larger than
    /// [`SharedMemory::MAX_BYTES`].
    pub fn new(bytes: u64) -> io::Result<Self> {
        if bytes > Self::MAX_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{bytes} bytes of memory are more than {}", Self::MAX_BYTES),
            ));
        }
        Self::with_high(bytes, 0)
    }

    /// Zeroed memory of that many bytes from address 0 on, and of that many from 4 GiB on, both
    /// rounded up to whole MiB. What nobody uses of memory takes no room, so there may be much of it.
    ///
    /// # Errors
    /// The kernel has no file or no room for it.
    pub fn with_high(bytes: u64, high_bytes: u64) -> io::Result<Self> {
        let bytes = bytes.max(1).next_multiple_of(MEBIBYTE);
        let high_bytes = high_bytes.next_multiple_of(MEBIBYTE);
        let file = memfd_create("physical memory", MemfdFlags::CLOEXEC)?;
        // Behind the memory below 4 GiB is room for the words that devices write their messages to.
        ftruncate(&file, bytes + MEBIBYTE + high_bytes)?;
        Ok(Self {
            file: File::from(file),
            bytes,
            high: FOUR_GIBIBYTES..FOUR_GIBIBYTES + high_bytes,
            words: Cell::new(0),
        })
    }

    /// How many bytes there are from address 0 on.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What there is above the addresses of BARs.
    #[must_use]
    pub fn high(&self) -> Range<u64> {
        self.high.clone()
    }

    /// The file: physical address 0 is its first byte. It is longer than the memory; what lies
    /// behind is not for the host, but for the memory from 4 GiB on, which is its end.
    #[must_use]
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Reads memory. Bytes at addresses without memory read all ones.
    ///
    /// # Errors
    /// The kernel could not read the file.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        let there = self.there(address, bytes.len());
        let (memory, nothing) = bytes.split_at_mut(there);
        nothing.fill(0xFF);
        match self.offset_of(address) {
            Some(offset) => self.file.read_exact_at(memory, offset),
            None => Ok(()),
        }
    }

    /// Writes memory. Bytes at addresses without memory are dropped.
    ///
    /// # Errors
    /// The kernel could not write the file.
    pub fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        let there = self.there(address, bytes.len());
        match self.offset_of(address) {
            Some(offset) => self.file.write_all_at(&bytes[..there], offset),
            None => Ok(()),
        }
    }

    /// How many bytes of an access are memory: those from its first byte on.
    fn there(&self, address: u64, bytes: usize) -> usize {
        let end = if self.high.contains(&address) {
            self.high.end
        } else {
            self.bytes
        };
        let room = end.saturating_sub(address);
        usize::try_from(room).map_or(bytes, |room| room.min(bytes))
    }

    /// Where in the file a physical address lies, if there is memory.
    #[must_use]
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        if address < self.bytes {
            Some(address)
        } else if self.high.contains(&address) {
            Some(address - self.high.start + self.bytes + MEBIBYTE)
        } else {
            None
        }
    }

    /// What a process of the same user opens to map the file, as long as this value lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        path_of(&self.file)
    }

    /// How many bytes to map of the file below 4 GiB: the memory, and the words behind it.
    #[must_use]
    pub const fn bytes_with_words(&self) -> u64 {
        self.bytes + MEBIBYTE
    }

    /// How many bytes to map from 4 GiB on.
    #[must_use]
    pub const fn high_bytes(&self) -> u64 {
        self.high.end - self.high.start
    }

    /// Words of its own for a device to write its messages to; none when there is no room left.
    #[must_use]
    pub fn reserve_words(&self, count: u32) -> Option<Words> {
        let index = self.words.get();
        let next = index + u64::from(count);
        let end = next.checked_mul(4).filter(|&end| end <= MEBIBYTE)?;
        u32::try_from(self.bytes + end).ok()?;
        let address = u32::try_from(self.bytes + 4 * index).ok()?;
        self.words.set(next);
        Some(Words { address, count })
    }

    /// Takes the values of words: leaves 0, and gives the number of each that was not 0, and its value.
    ///
    /// A value that is written between the look and the clearing is taken with the one that was
    /// seen. It is lost to nobody: whoever wrote it wrote it before the taker acts on any.
    ///
    /// # Errors
    /// The kernel could not read or write the file.
    pub fn take(&self, words: &Words) -> io::Result<Vec<(u32, u32)>> {
        let mut bytes = vec![0; 4 * words.count as usize];
        self.file.read_exact_at(&mut bytes, words.address.into())?;
        let mut taken = Vec::new();
        for (number, word) in (0..).zip(bytes.chunks_exact(4)) {
            let value = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            if value != 0 {
                let address = words.address(number);
                self.file.write_all_at(&[0; 4], address.into())?;
                taken.push((number, value));
            }
        }
        Ok(taken)
    }
}

/// Words behind the memory, each 4 bytes long and aligned.
#[derive(Debug)]
pub struct Words {
    address: u32,
    count: u32,
}

impl Words {
    /// The physical address of one of them.
    #[must_use]
    pub const fn address(&self, number: u32) -> u32 {
        self.address + 4 * number
    }
}

/// What a process of the same user opens to get at a file of this process that has no name.
#[must_use]
pub fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        file.as_raw_fd()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zeroed_and_keeps_what_is_written() {
        let memory = SharedMemory::new(1).expect("there is memory");
        assert_eq!(memory.bytes(), MEBIBYTE);
        memory.write(0x1000, b"ping").expect("it is there");
        let mut bytes = [0xEE; 6];
        memory.read(0x0FFF, &mut bytes).expect("it is there");
        assert_eq!(&bytes, b"\0ping\0");
    }

    #[test]
    fn where_there_is_no_memory_reads_give_all_ones_and_writes_vanish() {
        let memory = SharedMemory::new(MEBIBYTE).expect("there is memory");
        let word = memory.reserve_words(1).expect("there is room");
        memory
            .write(MEBIBYTE - 2, &[1, 2, 3, 4])
            .expect("half of it is there");
        assert_eq!(memory.take(&word).expect("it is there"), []);
        for (address, expected) in [
            (MEBIBYTE - 2, [1, 2, 0xFF, 0xFF]),
            (MEBIBYTE, [0xFF; 4]),
            (u64::MAX, [0xFF; 4]),
        ] {
            let mut bytes = [0; 4];
            memory.read(address, &mut bytes).expect("reads never fail");
            assert_eq!(bytes, expected, "{address:#x}");
        }
    }

    #[test]
    fn memory_goes_on_at_4_gib_and_nowhere_between() {
        let memory = SharedMemory::with_high(MEBIBYTE, MEBIBYTE).expect("there is memory");
        let start = FOUR_GIBIBYTES;
        memory.write(start - 1, b"pong").expect("none is there");
        memory.write(start, b"ping").expect("it is there");
        for (address, expected) in [
            (start, *b"ping"),
            (start - 2, [0xFF; 4]),
            (MEBIBYTE, [0xFF; 4]),
            (start + MEBIBYTE - 2, [0, 0, 0xFF, 0xFF]),
        ] {
            let mut bytes = [0; 4];
            memory.read(address, &mut bytes).expect("reads never fail");
            assert_eq!(bytes, expected, "{address:#x}");
        }
    }

    #[test]
    fn a_word_is_taken_once() {
        let memory = SharedMemory::new(MEBIBYTE).expect("there is memory");
        let words = [2, 3].map(|count| memory.reserve_words(count).expect("there is room"));
        let write = |word: u32, value: u32| {
            memory
                .file
                .write_all_at(&value.to_le_bytes(), word.into())
                .expect("it is there");
        };
        write(words[1].address(0), 7);
        write(words[1].address(2), 8);
        let take = |words| memory.take(words).expect("they are there");
        assert_eq!(take(&words[0]), []);
        assert_eq!(take(&words[1]), [(0, 7), (2, 8)]);
        assert_eq!(take(&words[1]), []);
    }

    #[test]
    fn there_is_room_for_so_many_words_and_no_more() {
        let memory = SharedMemory::new(MEBIBYTE).expect("there is memory");
        let all = u32::try_from(MEBIBYTE / 4).expect("a small number");
        assert!(memory.reserve_words(all + 1).is_none());
        assert!(memory.reserve_words(all).is_some());
        assert!(memory.reserve_words(1).is_none());
    }

    #[test]
    fn more_memory_than_fits_below_the_bars_is_refused() {
        let error = SharedMemory::new(SharedMemory::MAX_BYTES + 1).expect_err("it does not fit");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
