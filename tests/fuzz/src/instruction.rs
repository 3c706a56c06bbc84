//! The instruction emulator by itself.

use std::convert::Infallible;

use kmdf_host::{
    access::{Bus, Registers, emulate},
    device::Width,
};

/// Carries out the instruction behind 17 registers.
///
/// # Panics
/// It makes more accesses than one step may.
pub fn instruction(bytes: &[u8]) {
    /// More than any instruction makes, and than one call does of a repeated one.
    const MOST: usize = 1 << 16;
    let mut words = bytes.chunks(8).map(|word| {
        let mut eight = [0; 8];
        eight[..word.len()].copy_from_slice(word);
        u64::from_le_bytes(eight)
    });
    let mut registers = Registers::default();
    for register in &mut registers.gpr {
        *register = words.next().unwrap_or(0);
    }
    registers.rflags = words.next().unwrap_or(0);
    let code = bytes.get(17 * 8..).unwrap_or_default();
    let mut bus = Counting::default();
    let Ok(_) = emulate(code, &mut registers, &mut bus);
    assert!(bus.accesses <= MOST, "{} accesses", bus.accesses);
}

/// A bus that answers with the address.
#[derive(Default)]
struct Counting {
    accesses: usize,
}

impl Bus for Counting {
    type Fault = Infallible;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Infallible> {
        self.accesses += 1;
        Ok(address & width.all_ones())
    }

    fn store(&mut self, _: u64, _: Width, _: u64) -> Result<(), Infallible> {
        self.accesses += 1;
        Ok(())
    }
}
