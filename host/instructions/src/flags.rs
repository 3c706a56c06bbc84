//! The arithmetic flags.

/// Carry.
pub(super) const CF: u64 = 1;
/// Parity of the lowest byte.
pub(super) const PF: u64 = 1 << 2;
/// Carry out of bit 3.
pub(super) const AF: u64 = 1 << 4;
/// Zero.
pub(super) const ZF: u64 = 1 << 6;
/// Sign.
pub(super) const SF: u64 = 1 << 7;
/// Direction of string instructions.
pub(super) const DF: u64 = 1 << 10;
/// Overflow.
pub(super) const OF: u64 = 1 << 11;

/// Flags that an instruction sets, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// The flags it changes.
    pub changed: u64,
    /// Those of them that are 1 afterwards.
    pub set: u64,
}

impl Flags {
    /// Adds one flag.
    #[must_use]
    pub const fn with(self, flag: u64, value: bool) -> Self {
        Self {
            changed: self.changed | flag,
            set: if value {
                self.set | flag
            } else {
                self.set & !flag
            },
        }
    }

    /// SF, ZF and PF of a result of `bits` bits.
    pub const fn of_result(result: u64, bits: u32) -> Self {
        let low = result.to_le_bytes()[0];
        Self { changed: 0, set: 0 }
            .with(SF, result >> (bits - 1) & 1 == 1)
            .with(ZF, result & mask(bits) == 0)
            .with(PF, low.count_ones().is_multiple_of(2))
    }

    /// Takes away flags, which then stay as they are.
    #[must_use]
    pub const fn without(self, flags: u64) -> Self {
        Self {
            changed: self.changed & !flags,
            set: self.set & !flags,
        }
    }

    /// The flags register after the instruction.
    #[must_use]
    pub const fn apply(self, rflags: u64) -> u64 {
        rflags & !self.changed | self.set
    }
}

/// All bits of a value of `bits` bits.
pub(super) const fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// `a + b + carry`.
pub(super) const fn add(a: u64, b: u64, carry: bool, bits: u32) -> (u64, Flags) {
    let (partial, first) = a.overflowing_add(b);
    let (sum, second) = partial.overflowing_add(carry as u64);
    let result = sum & mask(bits);
    let carry_out = if bits == 64 {
        first || second
    } else {
        sum >> bits != 0
    };
    let flags = Flags::of_result(result, bits)
        .with(CF, carry_out)
        .with(AF, (a ^ b ^ result) & 0x10 != 0)
        .with(OF, ((a ^ result) & (b ^ result)) >> (bits - 1) & 1 == 1);
    (result, flags)
}

/// `a - b - borrow`.
pub(super) const fn sub(a: u64, b: u64, borrow: bool, bits: u32) -> (u64, Flags) {
    let (partial, first) = a.overflowing_sub(b);
    let (difference, second) = partial.overflowing_sub(borrow as u64);
    let result = difference & mask(bits);
    let flags = Flags::of_result(result, bits)
        .with(CF, first || second)
        .with(AF, (a ^ b ^ result) & 0x10 != 0)
        .with(OF, ((a ^ b) & (a ^ result)) >> (bits - 1) & 1 == 1);
    (result, flags)
}

/// The flags of `and`, `or`, `xor` and `test`. AF is undefined; processors clear it.
pub(super) const fn logic(result: u64, bits: u32) -> Flags {
    Flags::of_result(result, bits)
        .with(CF, false)
        .with(OF, false)
        .with(AF, false)
}
