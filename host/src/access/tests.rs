//! The emulation against the processor itself, and what else its callers rely on.

use std::{collections::BTreeMap, convert::Infallible, ops::Range};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use proptest::prelude::*;

use super::{
    Bus, Outcome, Registers, emulate,
    native::{Processor, WINDOW},
};
use crate::device::Width;

/// Memory at an address; an access outside it is refused.
struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// Every access: address, width, and the value for a store.
    accesses: Vec<(u64, Width, Option<u64>)>,
}

impl Window {
    fn new(start: u64, bytes: Vec<u8>) -> Self {
        Self {
            start,
            bytes,
            accesses: Vec::new(),
        }
    }

    fn slice(&mut self, address: u64, width: Width) -> Result<&mut [u8], Refused> {
        let offset = usize::try_from(address.checked_sub(self.start).ok_or(Refused)?);
        let offset = offset.map_err(|_| Refused)?;
        let end = offset.checked_add(width.bytes()).ok_or(Refused)?;
        self.bytes.get_mut(offset..end).ok_or(Refused)
    }
}

#[derive(Debug, PartialEq)]
struct Refused;

impl Bus for Window {
    type Fault = Refused;

    fn load(&mut self, address: u64, width: Width) -> Result<u64, Refused> {
        let mut value = [0; 8];
        value[..width.bytes()].copy_from_slice(self.slice(address, width)?);
        self.accesses.push((address, width, None));
        Ok(u64::from_le_bytes(value))
    }

    fn store(&mut self, address: u64, width: Width, value: u64) -> Result<(), Refused> {
        let bytes = &value.to_le_bytes()[..width.bytes()];
        self.slice(address, width)?.copy_from_slice(bytes);
        self.accesses.push((address, width, Some(value)));
        Ok(())
    }
}

/// A generator of numbers that is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
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
    fn value(&mut self) -> u64 {
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
    fn instruction(&mut self) -> Vec<u8> {
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

    fn registers(&mut self) -> Registers {
        Registers {
            gpr: [(); 16].map(|()| self.value()),
            rip: 0,
            // Carry, parity, adjust, zero, sign, direction, overflow; interrupts enabled.
            rflags: self.next() & 0xcd5 | 0x202,
            xmm: [(); 16].map(|()| u128::from(self.next()) << 64 | u128::from(self.next())),
        }
    }

    /// Changes registers, and the address in the instruction, so that it accesses the window.
    fn aim(&mut self, code: &mut [u8], registers: &mut Registers, start: u64) -> Instruction {
        let rip = registers.rip;
        let (instruction, displacement) = decode(code, rip);
        let target = start + self.below(WINDOW as u64 - 64);
        // Mostly aligned, as device registers are.
        let target = if self.below(4) == 0 {
            target
        } else {
            target & !15
        };
        if instruction.is_string_instruction() {
            registers.gpr[Registers::RSI] = target;
            registers.gpr[Registers::RDI] = start + self.below(WINDOW as u64);
            registers.gpr[Registers::RCX] = self.below(24);
            return instruction;
        }
        let base = instruction.memory_base();
        let index = instruction.memory_index();
        let by_rip = instruction.is_ip_rel_memory_operand();
        if by_rip || (base == Register::None && index == Register::None) {
            let next = rip + instruction.len() as u64;
            let address = if by_rip {
                target.wrapping_sub(next)
            } else {
                target
            };
            let length = displacement.len();
            if let Some(bytes) = code.get_mut(displacement) {
                bytes.copy_from_slice(&address.to_le_bytes()[..length]);
            }
            return decode(code, rip).0;
        }
        if index.is_gpr() {
            registers.gpr[index.full_register().number()] = self.below(16);
        }
        if base.is_gpr() {
            let number = base.full_register().number();
            let scaled = if index.is_gpr() && index.full_register().number() != number {
                registers.gpr[index.full_register().number()]
                    * u64::from(instruction.memory_index_scale())
            } else {
                0
            };
            registers.gpr[number] = target
                .wrapping_sub(scaled)
                .wrapping_sub(instruction.memory_displacement64());
        }
        // Pushes and pops need a stack, too.
        if base.full_register() != Register::RSP {
            registers.gpr[Registers::RSP] = start + WINDOW as u64 / 2;
        }
        instruction
    }
}

/// Decodes an instruction; and where in it the displacement is.
fn decode(code: &[u8], rip: u64) -> (Instruction, Range<usize>) {
    let mut decoder = Decoder::with_ip(64, code, rip, DecoderOptions::NONE);
    let instruction = decoder.decode();
    let offsets = decoder.get_constant_offsets(&instruction);
    let start = offsets.displacement_offset();
    (instruction, start..start + offsets.displacement_size())
}

/// Whether this processor has what an instruction is part of.
fn is_available(mnemonic: Mnemonic) -> bool {
    match mnemonic {
        Mnemonic::Movbe => is_x86_feature_detected!("movbe"),
        Mnemonic::Popcnt => is_x86_feature_detected!("popcnt"),
        Mnemonic::Lzcnt => is_x86_feature_detected!("lzcnt"),
        Mnemonic::Tzcnt => is_x86_feature_detected!("bmi1"),
        Mnemonic::Lddqu => is_x86_feature_detected!("sse3"),
        Mnemonic::Movntdqa => is_x86_feature_detected!("sse4.1"),
        Mnemonic::Cmpxchg16b => is_x86_feature_detected!("cmpxchg16b"),
        // They fault where nothing is mapped, which the emulation leaves to its caller.
        Mnemonic::Clflush | Mnemonic::Clflushopt | Mnemonic::Clwb => false,
        _ => true,
    }
}

/// A locked access across two cache lines: correct, but some kernels punish it.
fn is_split_lock(instruction: &Instruction, accesses: &[(u64, Width, Option<u64>)]) -> bool {
    let locked = instruction.has_lock_prefix() || instruction.mnemonic() == Mnemonic::Xchg;
    locked
        && accesses
            .iter()
            .any(|(address, width, _)| address % 64 + width.bytes() as u64 > 64)
}

/// Whether the destination is undefined: of a search for a bit that finds none.
fn has_undefined_result(instruction: &Instruction, after: &Registers) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Bsf | Mnemonic::Bsr) && after.rflags & 1 << 6 != 0
}

/// The flags that the instruction leaves undefined for these operands.
fn undefined_flags(instruction: &Instruction, registers: &Registers) -> u64 {
    let mut flags = u64::from(instruction.rflags_undefined());
    // iced's bits are its own.
    let mut undefined = 0;
    for (iced, flag) in [
        (iced_x86::RflagsBits::CF, 1),
        (iced_x86::RflagsBits::PF, 1 << 2),
        (iced_x86::RflagsBits::AF, 1 << 4),
        (iced_x86::RflagsBits::ZF, 1 << 6),
        (iced_x86::RflagsBits::SF, 1 << 7),
        (iced_x86::RflagsBits::OF, 1 << 11),
    ] {
        if flags & u64::from(iced) != 0 {
            undefined |= flag;
            flags &= !u64::from(iced);
        }
    }
    assert_eq!(flags, 0, "other flags are undefined");
    // By a register the count is known only here.
    if matches!(
        instruction.mnemonic(),
        Mnemonic::Shl
            | Mnemonic::Sal
            | Mnemonic::Shr
            | Mnemonic::Sar
            | Mnemonic::Rol
            | Mnemonic::Ror
            | Mnemonic::Rcl
            | Mnemonic::Rcr
            | Mnemonic::Shld
            | Mnemonic::Shrd
    ) {
        let last = instruction.op_count() - 1;
        let count = if instruction.op_kind(last) == OpKind::Register {
            registers.gpr[Registers::RCX]
        } else {
            instruction.immediate(last)
        };
        let bits = instruction.memory_size().size() as u64 * 8;
        let count = count & if bits == 64 { 63 } else { 31 };
        if count != 1 {
            undefined |= 1 << 11;
        }
        if count >= bits
            && !matches!(
                instruction.mnemonic(),
                Mnemonic::Rol | Mnemonic::Ror | Mnemonic::Rcl | Mnemonic::Rcr | Mnemonic::Sar
            )
        {
            undefined |= 1;
        }
    }
    undefined
}

/// Compares `cases` random instructions, and says how often each was compared.
fn compare(seed: u64, cases: usize) -> BTreeMap<String, usize> {
    let mut numbers = Numbers(seed);
    let mut processor = Processor::new();
    let start = processor.window();
    let mut compared = BTreeMap::new();
    for case in 0..cases {
        let mut code = numbers.instruction();
        let mut registers = numbers.registers();
        registers.rip = processor.instruction_address();
        let instruction = numbers.aim(&mut code, &mut registers, start);
        if instruction.is_invalid() || !is_available(instruction.mnemonic()) {
            continue;
        }
        let memory: Vec<u8> = (0..WINDOW / 8)
            .flat_map(|_| numbers.value().to_le_bytes())
            .collect();

        let mut emulated = registers.clone();
        let mut window = Window::new(start, memory.clone());
        let Ok(Outcome::Done) = emulate(&code, &mut emulated, &mut window) else {
            continue;
        };
        if is_split_lock(&instruction, &window.accesses)
            || has_undefined_result(&instruction, &emulated)
        {
            continue;
        }
        let mut native = registers.clone();
        let mut native_memory = memory;
        processor.execute(&code[..instruction.len()], &mut native, &mut native_memory);

        let undefined = undefined_flags(&instruction, &registers);
        let context = || {
            format!(
                "seed {seed:#x} case {case}: {instruction} ({:02x?})\nbefore {registers:x?}",
                &code[..instruction.len()]
            )
        };
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
        *compared
            .entry(format!("{:?}", instruction.code()))
            .or_default() += 1;
    }
    compared
}

/// Emulates one instruction at address 0 on a window from 0x1000 to 0x1100, filled with its
/// offsets.
fn run(code: &[u8], registers: &mut Registers) -> (Result<Outcome, Refused>, Window) {
    let mut window = Window::new(0x1000, (0..=255).collect());
    let outcome = emulate(code, registers, &mut window);
    (outcome, window)
}

fn outcome(code: &[u8]) -> Outcome {
    let mut registers = Registers::default();
    registers.gpr[Registers::RCX] = 0xffff_ffff_0000_0005;
    let (outcome, window) = run(code, &mut registers);
    assert_eq!(window.accesses, []);
    outcome.expect("no access")
}

#[test]
fn every_emulated_instruction_does_what_the_processor_does() {
    let compared = compare(0x5eed, 120_000);
    let total: usize = compared.values().sum();
    assert!(total > 30_000, "only {total} instructions were compared");
    assert!(compared.len() > 500, "only {} forms", compared.len());
}

#[test]
#[ignore = "takes minutes; run it after a change to the emulation"]
fn many_more_random_instructions_do_what_the_processor_does() {
    for seed in 1..100 {
        compare(seed, 400_000);
    }
}

#[test]
fn a_read_modify_write_is_one_load_and_one_store_of_the_same_width() {
    // lock or dword ptr [rax], 1
    let mut registers = Registers::default();
    registers.gpr[Registers::RAX] = 0x1010;
    let (outcome, window) = run(&[0xf0, 0x83, 0x08, 0x01], &mut registers);
    assert_eq!(outcome, Ok(Outcome::Done));
    assert_eq!(
        window.accesses,
        [
            (0x1010, Width::Dword, None),
            (0x1010, Width::Dword, Some(0x1312_1111))
        ]
    );
    assert_eq!(registers.rip, 4);
}

#[test]
fn a_compare_that_fails_writes_the_old_value_back() {
    // lock cmpxchg [rbx], ecx
    let mut registers = Registers::default();
    registers.gpr[Registers::RBX] = 0x1000;
    let (outcome, window) = run(&[0xf0, 0x0f, 0xb1, 0x0b], &mut registers);
    assert_eq!(outcome, Ok(Outcome::Done));
    assert_eq!(
        window.accesses,
        [
            (0x1000, Width::Dword, None),
            (0x1000, Width::Dword, Some(0x0302_0100))
        ]
    );
    assert_eq!(registers.gpr[Registers::RAX], 0x0302_0100);
}

#[test]
fn a_16_byte_move_is_two_8_byte_accesses_lower_first() {
    // movups [rdi], xmm1
    let mut registers = Registers::default();
    registers.gpr[Registers::RDI] = 0x1003;
    registers.xmm[1] = 2 << 64 | 1;
    let (_, window) = run(&[0x0f, 0x11, 0x0f], &mut registers);
    assert_eq!(
        window.accesses,
        [
            (0x1003, Width::Qword, Some(1)),
            (0x100b, Width::Qword, Some(2))
        ]
    );
}

#[test]
fn an_aligned_move_that_is_not_aligned_is_a_general_protection_fault() {
    // movaps xmm0, [rdi]
    let mut registers = Registers::default();
    registers.gpr[Registers::RDI] = 0x1008;
    let (outcome, window) = run(&[0x0f, 0x28, 0x07], &mut registers);
    assert!(matches!(outcome, Ok(Outcome::GeneralProtection(text)) if text.contains("0x1008")));
    assert_eq!(window.accesses, []);
}

#[test]
fn a_conditional_move_reads_its_source_whatever_the_condition() {
    // cmovne eax, [rdi], with ZF set
    let mut registers = Registers::default();
    registers.gpr[Registers::RAX] = u64::MAX;
    registers.gpr[Registers::RDI] = 0x1000;
    registers.rflags = 1 << 6;
    let (_, window) = run(&[0x0f, 0x45, 0x07], &mut registers);
    assert_eq!(window.accesses, [(0x1000, Width::Dword, None)]);
    assert_eq!(registers.gpr[Registers::RAX], 0xffff_ffff);
}

#[test]
fn a_refused_access_leaves_the_registers_as_they_were() {
    let before = Registers {
        gpr: [0x1100; 16],
        rip: 0x77,
        rflags: 0x202,
        xmm: [5; 16],
    };
    for code in [
        [0x8b, 0x00, 0x90, 0x90].as_slice(), // mov eax, [rax]
        &[0x01, 0x00],                       // add [rax], eax
        &[0x87, 0x00],                       // xchg [rax], eax
        &[0x0f, 0xc1, 0x00],                 // xadd [rax], eax
        &[0x0f, 0xb1, 0x00],                 // cmpxchg [rax], eax
        &[0x8f, 0x00],                       // pop [rax]
        &[0xff, 0x30],                       // push [rax]
        &[0xf3, 0xa4],                       // rep movsb
        &[0x0f, 0x10, 0x00],                 // movups xmm0, [rax]
        &[0xf7, 0x20],                       // mul dword ptr [rax]
    ] {
        let mut registers = before.clone();
        let (outcome, _) = run(code, &mut registers);
        assert_eq!(outcome, Err(Refused), "{code:02x?}");
        assert_eq!(registers, before, "{code:02x?}");
    }
}

#[test]
fn a_repeated_move_keeps_the_elements_before_a_refused_one() {
    // rep movsd, from the last 8 bytes of the window
    let mut registers = Registers::default();
    registers.gpr[Registers::RSI] = 0x10f8;
    registers.gpr[Registers::RDI] = 0x1000;
    registers.gpr[Registers::RCX] = 3;
    let (outcome, window) = run(&[0xf3, 0xa5], &mut registers);
    assert_eq!(outcome, Err(Refused));
    assert_eq!(window.accesses.len(), 4);
    assert_eq!(registers.gpr[Registers::RSI], 0x1100);
    assert_eq!(registers.gpr[Registers::RDI], 0x1008);
    assert_eq!(registers.gpr[Registers::RCX], 1);
    assert_eq!(registers.rip, 0);
}

/// Memory everywhere, all zero.
struct Everywhere(u64);

impl Bus for Everywhere {
    type Fault = Infallible;

    fn load(&mut self, _: u64, _: Width) -> Result<u64, Infallible> {
        self.0 += 1;
        Ok(0)
    }

    fn store(&mut self, _: u64, _: Width, _: u64) -> Result<(), Infallible> {
        self.0 += 1;
        Ok(())
    }
}

#[test]
fn a_wild_repeat_count_is_done_in_bounded_pieces() {
    let mut registers = Registers::default();
    registers.gpr[Registers::RCX] = u64::MAX;
    let mut bus = Everywhere(0);
    // rep stosb
    let Ok(outcome) = emulate(&[0xf3, 0xaa], &mut registers, &mut bus);
    assert_eq!(outcome, Outcome::Unfinished);
    assert_eq!(registers.rip, 0);
    assert_eq!(registers.gpr[Registers::RDI], bus.0);
    assert_eq!(registers.gpr[Registers::RCX], u64::MAX - bus.0);
}

#[test]
fn the_irql_register_is_the_callers_to_play() {
    // mov r9, cr8; mov cr8, rcx
    assert_eq!(
        outcome(&[0x45, 0x0f, 0x20, 0xc1]),
        Outcome::ReadCr8 { register: 9 }
    );
    let mut registers = Registers::default();
    registers.gpr[Registers::RCX] = 2;
    let (written, _) = run(&[0x44, 0x0f, 0x22, 0xc1], &mut registers);
    assert_eq!(written, Ok(Outcome::WriteCr8 { value: 2 }));
    assert_eq!(registers.rip, 4);
}

#[test]
fn what_only_the_kernel_may_execute_is_named() {
    for (code, name) in [
        ([0xfa].as_slice(), "cli"),
        (&[0xfb], "sti"),
        (&[0xf4], "hlt"),
        (&[0x0f, 0x32], "rdmsr"),
        (&[0x0f, 0x30], "wrmsr"),
        (&[0xec], "in"),
        (&[0xee], "out"),
        (&[0x0f, 0x01, 0xf8], "swapgs"),
        (&[0x0f, 0x20, 0xd8], "mov from cr3"),
        (&[0x0f, 0x22, 0xd8], "mov to cr3"),
        (&[0xf3, 0x6c], "insb"),
    ] {
        assert_eq!(outcome(code), Outcome::Privileged(name.to_owned()));
    }
}

#[test]
fn the_ways_of_a_driver_to_stop_are_told_apart() {
    assert_eq!(outcome(&[0xcc]), Outcome::Breakpoint);
    assert_eq!(outcome(&[0xcd, 0x29]), Outcome::FastFail(5));
    assert_eq!(outcome(&[0xcd, 0x2c]), Outcome::AssertionFailure);
    assert_eq!(outcome(&[0x0f, 0x0b]), Outcome::Trap);
}

#[test]
fn what_is_not_emulated_says_which_instruction_it_is() {
    // vmovups ymm0, [rax]
    let text = match outcome(&[0xc5, 0xfc, 0x10, 0x00]) {
        Outcome::Unsupported(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text, "not emulated: vmovups ymm0,[rax]");
    // mov rax, gs:[188h]
    let code = [0x65, 0x48, 0x8b, 0x04, 0x25, 0x88, 0x01, 0x00, 0x00];
    assert!(matches!(outcome(&code), Outcome::Unsupported(text) if text.contains("gs:")));
    assert!(matches!(outcome(&[]), Outcome::Unsupported(_)));
}

proptest! {
    #[test]
    fn any_bytes_and_registers_end_in_an_outcome(
        code in proptest::collection::vec(any::<u8>(), 0..16),
        gpr in any::<[u64; 16]>(),
        rip in any::<u64>(),
        rflags in any::<u64>(),
    ) {
        let mut registers = Registers { gpr, rip, rflags, xmm: [7; 16] };
        let Ok(_) = emulate(&code, &mut registers, &mut Everywhere(0));
    }
}
