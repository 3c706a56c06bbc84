//! Random instructions, registers and memory.

use kmdf_host::access::Registers;

/// Numbers to make instructions and registers of: those in some bytes, then those of a generator that
/// is the same everywhere.
pub(super) struct Numbers<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Numbers<'a> {
    pub fn of_seed(seed: u64) -> Self {
        Self {
            bytes: &[],
            state: seed,
        }
    }

    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes, state: 0 }
    }

    fn next(&mut self) -> u64 {
        if let Some((number, rest)) = self.bytes.split_first_chunk() {
            self.bytes = rest;
            return u64::from_le_bytes(*number);
        }
        // SplitMix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).expect("an index")]
    }

    /// A value as programs have them: often small, negative, or at an edge.
    pub fn value(&mut self) -> u64 {
        let value = self.next();
        match self.below(8) {
            0 => value & 0xf,
            1 => !(value & 0xf),
            2 => self.pick(&[
                0,
                1,
                0x7f,
                0x80,
                0xff,
                0x7fff,
                0x8000,
                0x7fff_ffff,
                0x8000_0000,
            ]),
            3 => self.pick(&[1 << 63, u64::MAX >> 1, u64::MAX, 0xffff_ffff]),
            4 => value & 0xff,
            5 => value & 0xffff_ffff,
            _ => value,
        }
    }

    /// Bytes of an instruction with a memory operand or a string operation, valid or not.
    pub fn instruction(&mut self) -> Vec<u8> {
        let mut code = Vec::new();
        for prefix in [0x66, 0x67, 0xf2, 0xf3, 0xf0] {
            if self.below(5) == 0 {
                code.push(prefix);
            }
        }
        if self.below(2) == 0 {
            code.push(0x40 | self.byte() & 15);
        }
        match self.below(8) {
            0..4 => {}
            4..7 => code.push(0x0f),
            _ => code.extend([0x0f, 0x38]),
        }
        code.push(self.byte());
        // A memory operand, mostly with the simple forms.
        let mode = self.pick(&[0, 1, 2, 0x80]) << 6 & 0xc0;
        code.push(mode | self.byte() & 0x3f);
        for _ in 0..12 {
            let byte = self.byte();
            code.push(byte);
        }
        code
    }

    pub fn registers(&mut self) -> Registers {
        Registers {
            gpr: [(); 16].map(|()| self.value()),
            rip: 0,
            // Carry, parity, adjust, zero, sign, direction, overflow; interrupts enabled.
            rflags: self.next() & 0xcd5 | 0x202,
            xmm: [(); 16].map(|()| u128::from(self.next()) << 64 | u128::from(self.next())),
        }
    }
}
