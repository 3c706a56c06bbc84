//! What the emulation's callers rely on. That it does what the processor does is compared in `tests/fuzz/`,
//! with the processor itself.

use std::convert::Infallible;

use kmdf_bus::Width;
use proptest::prelude::*;

use super::{Bus, Outcome, Registers, emulate};

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
