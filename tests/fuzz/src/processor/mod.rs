//! The instruction emulator against the processor itself: both execute the same instruction on the same
//! registers and memory, and must leave the same.
//!
//! The processor executes what the emulator has carried out, and only with accesses that all lie in
//! a window of its own; an instruction that the emulator refuses is not executed.

mod aim;
#[expect(unsafe_code, reason = "executes an instruction in memory of its own")]
mod native;
mod numbers;
mod unequal;

use std::cell::RefCell;

use iced_x86::Code;
use kmdf_host::{
    access::{Bus, Outcome, emulate},
    device::Width,
};

use self::{
    aim::aim,
    native::{Processor, WINDOW},
    numbers::Numbers,
    unequal::{has_undefined_result, is_available, is_split_lock, undefined_flags},
};

/// The longest instruction, in bytes.
const LONGEST: usize = 15;

thread_local! {
    static PROCESSOR: RefCell<Processor> = RefCell::new(Processor::new());
}

/// Executes the instruction that the bytes begin with, on registers and memory made of the others.
///
/// # Panics
/// Emulator and processor differ.
pub fn processor(bytes: &[u8]) {
    let (instruction, rest) = bytes.split_at(bytes.len().min(LONGEST));
    let mut code = [0; LONGEST];
    code[..instruction.len()].copy_from_slice(instruction);
    let _ = compare(code.to_vec(), &mut Numbers::of_bytes(rest));
}

/// Executes `cases` random instructions, and gives the form of each that could be compared.
///
/// # Panics
/// Emulator and processor differ.
pub fn random(seed: u64, cases: usize) -> impl Iterator<Item = Code> {
    let mut numbers = Numbers::of_seed(seed);
    (0..cases).filter_map(move |_| {
        let code = numbers.instruction();
        compare(code, &mut numbers)
    })
}

/// Has emulator and processor execute an instruction, aimed at the window, and compares what they
/// leave. Gives its form; none if it cannot be compared.
fn compare(mut code: Vec<u8>, numbers: &mut Numbers<'_>) -> Option<Code> {
    PROCESSOR.with_borrow_mut(|processor| {
        let start = processor.window();
        let mut registers = numbers.registers();
        registers.rip = processor.instruction_address();
        let instruction = aim(numbers, &mut code, &mut registers, start);
        if instruction.is_invalid() || !is_available(instruction.mnemonic()) {
            return None;
        }
        let memory: Vec<u8> = (0..WINDOW / 8)
            .flat_map(|_| numbers.value().to_le_bytes())
            .collect();

        let mut emulated = registers.clone();
        let mut window = Window {
            start,
            bytes: memory.clone(),
            accesses: Vec::new(),
        };
        let Ok(Outcome::Done) = emulate(&code, &mut emulated, &mut window) else {
            return None;
        };
        if is_split_lock(&instruction, &window.accesses)
            || has_undefined_result(&instruction, &emulated)
        {
            return None;
        }
        let code = &code[..instruction.len()];
        let mut native = registers.clone();
        let mut native_memory = memory;
        processor.execute(code, &mut native, &mut native_memory);

        let undefined = undefined_flags(&instruction, &registers);
        let context = || format!("{instruction} ({code:02x?})\nbefore {registers:x?}");
        assert_eq!(
            emulated.rflags & !undefined,
            native.rflags & !undefined,
            "flags of {}",
            context()
        );
        emulated.rflags = 0;
        native.rflags = 0;
        assert_eq!(emulated, native, "registers of {}", context());
        assert!(window.bytes == native_memory, "memory of {}", context());
        Some(instruction.code())
    })
}

/// Memory at an address; an access outside it is refused.
struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// Every access: address and width.
    accesses: Vec<(u64, Width)>,
}

/// An access outside the window.
struct Refused;

impl Window {
    fn slice(&mut self, address: u64, width: Width) -> Result<&mut [u8], Refused> {
        self.accesses.push((address, width));
        let offset = usize::try_from(address.checked_sub(self.start).ok_or(Refused)?);
        let offset = offset.map_err(|_| Refused)?;
        let end = offset.checked_add(width.bytes()).ok_or(Refused)?;
        self.bytes.get_mut(offset..end).ok_or(Refused)
    }
}

impl Bus for Window {
    type Fault = Refused;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Refused> {
        let mut value = [0; 8];
        value[..width.bytes()].copy_from_slice(self.slice(address, width)?);
        Ok(u64::from_le_bytes(value))
    }

    fn store(&mut self, address: u64, width: Width, value: u64) -> Result<(), Refused> {
        let bytes = &value.to_le_bytes()[..width.bytes()];
        self.slice(address, width)?.copy_from_slice(bytes);
        Ok(())
    }
}
