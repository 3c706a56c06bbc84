//! Bitmaps: RTL_BITMAP, whose bits lie in the driver's memory.

use kmdf_abi::types::RTL_BITMAP;
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{Kernel, services};

services! {
    RtlInitializeBitMap <= HIGH => initialize;
    RtlSetBit <= HIGH => set_bit;
    RtlClearBit <= HIGH => clear_bit;
    RtlTestBit <= HIGH => test_bit;
    RtlSetBits <= HIGH => set_bits;
    RtlClearBits <= HIGH => clear_bits;
    RtlSetAllBits <= HIGH => set_all;
    RtlClearAllBits <= HIGH => clear_all;
    RtlAreBitsSet <= HIGH => are_set;
    RtlAreBitsClear <= HIGH => are_clear;
    RtlFindSetBits <= HIGH => find_set;
    RtlFindClearBits <= HIGH => find_clear;
    RtlFindSetBitsAndClear <= HIGH => find_set_and_clear;
    RtlFindClearBitsAndSet <= HIGH => find_clear_and_set;
    RtlNumberOfSetBits <= HIGH => count_set;
    RtlNumberOfClearBits <= HIGH => count_clear;
}

/// What a search gives that finds nothing.
const NOT_FOUND: u32 = u32::MAX;

/// A bitmap as the driver describes it.
struct Bitmap<'a> {
    kernel: &'a Kernel,
    bits: u32,
    buffer: u64,
}

impl<'a> Bitmap<'a> {
    /// The bitmap of a call's first argument.
    fn of(kernel: &'a Kernel, call: &Call) -> Self {
        let header: RTL_BITMAP = kernel.memory.read(call.arg(0));
        Self {
            kernel,
            bits: header.SizeOfBitMap,
            buffer: header.Buffer.0,
        }
    }

    /// Where a bit is: the address of its ULONG, and its mask in it.
    fn place(&self, bit: u32) -> (u64, u32) {
        (self.buffer + 4 * u64::from(bit / 32), 1 << (bit % 32))
    }

    fn is_set(&self, bit: u32) -> bool {
        let (address, mask) = self.place(bit);
        self.kernel.memory.read::<u32>(address) & mask != 0
    }

    fn put(&self, bit: u32, set: bool) {
        let (address, mask) = self.place(bit);
        let word: u32 = self.kernel.memory.read(address);
        let word = if set { word | mask } else { word & !mask };
        self.kernel.memory.write(address, &word);
    }

    /// A run of bits that the driver names: one outside of the bitmap changes other memory.
    fn run(&self, first: u32, count: u32) -> std::ops::Range<u32> {
        match first.checked_add(count) {
            Some(end) if end <= self.bits => first..end,
            _ => self.kernel.violation(
                &rules::BAD_ARGUMENT,
                format!(
                    "{count} bits from {first} on are named, of a bitmap of {}",
                    self.bits
                ),
            ),
        }
    }

    fn put_run(&self, first: u32, count: u32, set: bool) {
        for bit in self.run(first, count) {
            self.put(bit, set);
        }
    }

    fn put_all(&self, set: bool) {
        self.put_run(0, self.bits, set);
    }

    /// Whether a run that is not empty and inside is all set, or all clear.
    fn is_run(&self, first: u32, count: u32, set: bool) -> bool {
        let end = first.checked_add(count).filter(|&end| end <= self.bits);
        count > 0 && end.is_some_and(|end| (first..end).all(|bit| self.is_set(bit) == set))
    }

    fn count(&self, set: bool) -> u32 {
        (0..self.bits)
            .map(|bit| u32::from(self.is_set(bit) == set))
            .sum()
    }

    /// The first run of a length from the hint on, else from the beginning.
    fn find(&self, count: u32, hint: u32, set: bool) -> u32 {
        let hint = if hint < self.bits { hint } else { 0 };
        if count == 0 {
            return hint & !7;
        }
        let Some(last) = self.bits.checked_sub(count) else {
            return NOT_FOUND;
        };
        let mut starts = (hint..=last).chain(0..hint.min(last + 1));
        starts
            .find(|&first| self.is_run(first, count, set))
            .unwrap_or(NOT_FOUND)
    }

    fn find_and_put(&self, count: u32, hint: u32, set: bool) -> u32 {
        let found = self.find(count, hint, set);
        if found != NOT_FOUND {
            self.put_run(found, count, !set);
        }
        found
    }
}

/// RtlInitializeBitMap(BitMapHeader, BitMapBuffer, SizeOfBitMap): the bits stay as they are.
fn initialize(kernel: &Kernel, call: &Call) {
    let mut header = RTL_BITMAP {
        SizeOfBitMap: call.arg32(2),
        ..RTL_BITMAP::default()
    };
    header.Buffer.0 = call.arg(1);
    kernel.memory.write(call.arg(0), &header);
}

fn set_bit(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_run(call.arg32(1), 1, true);
}

fn clear_bit(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_run(call.arg32(1), 1, false);
}

fn test_bit(kernel: &Kernel, call: &Call) -> bool {
    let bitmap = Bitmap::of(kernel, call);
    let bits = bitmap.run(call.arg32(1), 1);
    bitmap.is_set(bits.start)
}

fn set_bits(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_run(call.arg32(1), call.arg32(2), true);
}

fn clear_bits(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_run(call.arg32(1), call.arg32(2), false);
}

fn set_all(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_all(true);
}

fn clear_all(kernel: &Kernel, call: &Call) {
    Bitmap::of(kernel, call).put_all(false);
}

/// RtlAreBitsSet(BitMapHeader, StartingIndex, Length): FALSE for no bits, and for some that are not there.
fn are_set(kernel: &Kernel, call: &Call) -> bool {
    Bitmap::of(kernel, call).is_run(call.arg32(1), call.arg32(2), true)
}

fn are_clear(kernel: &Kernel, call: &Call) -> bool {
    Bitmap::of(kernel, call).is_run(call.arg32(1), call.arg32(2), false)
}

/// RtlFindSetBits(BitMapHeader, NumberToFind, HintIndex)
fn find_set(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).find(call.arg32(1), call.arg32(2), true)
}

fn find_clear(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).find(call.arg32(1), call.arg32(2), false)
}

fn find_set_and_clear(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).find_and_put(call.arg32(1), call.arg32(2), true)
}

fn find_clear_and_set(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).find_and_put(call.arg32(1), call.arg32(2), false)
}

fn count_set(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).count(true)
}

fn count_clear(kernel: &Kernel, call: &Call) -> u32 {
    Bitmap::of(kernel, call).count(false)
}
