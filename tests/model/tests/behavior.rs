//! What the device does, register by register.

mod common;

use common::{Event, Rig};
use edu_model::{
    Config, Edu, Fatal, Faults, Generation, Interrupts, Messages, Misuse, StuckBits, Width,
};
use edu_spec::registers::{Causes, DmaCommand, Status, dma, offset};

const MSI: Interrupts = Interrupts::Messages(Messages::One);

fn line() -> Rig {
    Rig::new(Config::default(), Interrupts::Line)
}

fn msi() -> Rig {
    Rig::new(Config::default(), MSI)
}

fn faulty(faults: Faults, interrupts: Interrupts) -> Rig {
    let config = Config {
        faults,
        ..Config::default()
    };
    Rig::new(config, interrupts)
}

fn start_dma(rig: &mut Rig, source: u64, destination: u64, count: u64, command: DmaCommand) {
    for (offset, value) in [
        (offset::DMA_SOURCE, source),
        (offset::DMA_DESTINATION, destination),
        (offset::DMA_COUNT, count),
        (
            offset::DMA_COMMAND,
            (command | DmaCommand::RUN).bits().into(),
        ),
    ] {
        rig.edu.write(&mut rig.bench, offset, Width::Qword, value);
    }
}

// Registers

#[test]
fn liveness_reads_back_the_complement() {
    let mut rig = line();
    rig.write(offset::LIVENESS, 0x1234_5678_u32);
    assert_eq!(rig.read(offset::LIVENESS), 0xEDCB_A987);
}

#[test]
fn identification_cannot_be_written() {
    let mut rig = line();
    rig.write(offset::IDENTIFICATION, 0_u32);
    assert_eq!(rig.read(offset::IDENTIFICATION), 0x0100_00ED);
    let undecoded = Misuse::Undecoded {
        offset: 0,
        write: true,
    };
    assert_eq!(rig.bench.misuses, [undecoded]);
}

#[test]
fn an_unmapped_offset_reads_all_ones() {
    let mut rig = line();
    for offset in [0x10, 0x60, 0x64, 0x84, 0x8C, 0xA0, 0xF_FFFC] {
        assert_eq!(rig.read(offset), 0xFFFF_FFFF, "{offset:#x}");
    }
}

#[test]
fn accesses_of_a_wrong_width_read_what_qemu_gives_and_write_nothing() {
    let mut rig = line();
    rig.write(offset::LIVENESS, 0_u32);
    // Measured on QEMU 7.2.
    for (offset, width, value) in [
        (0x00, Width::Byte, 0),
        (0x00, Width::Word, 0),
        (0x00, Width::Qword, u64::MAX),
        (0x02, Width::Dword, 0),
        (0x04, Width::Qword, 0xFFFF_FFFF),
        (0x08, Width::Qword, u64::MAX),
        (0x24, Width::Qword, 0xFFFF_FFFF_0000_0000),
        (0x7C, Width::Qword, 0x0000_0000_FFFF_FFFF),
        (0x80, Width::Qword, 0),
        (0x82, Width::Qword, 0x0000_FFFF_FFFF_0000),
        (0x84, Width::Qword, 0x0000_0000_FFFF_FFFF),
        (0x9C, Width::Qword, u64::MAX),
        (0xF_FFFC, Width::Qword, 0x0000_0000_FFFF_FFFF),
        (0xF_FFFF, Width::Dword, 0),
    ] {
        let read = rig.edu.read(&mut rig.bench, offset, width);
        assert_eq!(read, value, "{offset:#x} {width:?}");
    }
    for width in [Width::Byte, Width::Word] {
        rig.edu.write(&mut rig.bench, offset::LIVENESS, width, 0x11);
        assert_eq!(rig.read(offset::LIVENESS), 0xFFFF_FFFF);
    }
}

#[test]
fn a_4_byte_write_of_a_dma_register_clears_its_upper_half() {
    let mut rig = line();
    let value = 0x1122_3344_5566_7788;
    rig.edu
        .write(&mut rig.bench, offset::DMA_SOURCE, Width::Qword, value);
    let read = |rig: &mut Rig| {
        rig.edu
            .read(&mut rig.bench, offset::DMA_SOURCE, Width::Qword)
    };
    assert_eq!(read(&mut rig), value);
    rig.write(offset::DMA_SOURCE, 0x99_u32);
    assert_eq!(read(&mut rig), 0x99);
}

#[test]
fn a_register_access_of_a_wrong_width_is_a_misuse() {
    let mut rig = line();
    rig.edu
        .write(&mut rig.bench, offset::LIVENESS, Width::Qword, 0);
    let width = Misuse::Width {
        offset: 4,
        bytes: 8,
        write: true,
    };
    assert_eq!(rig.bench.misuses, [width]);
}

// The factorial engine

#[test]
fn a_factorial_shows_its_operand_until_it_is_done() {
    let mut rig = line();
    rig.write(offset::FACTORIAL, 12_u32);
    assert_eq!(rig.read(offset::FACTORIAL), 12);
    assert_eq!(rig.read(offset::STATUS), 1);
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 479_001_600);
    assert_eq!(rig.read(offset::STATUS), 0);
    assert_eq!(rig.bench.events, []);
}

#[test]
fn a_factorial_asked_for_while_computing_is_ignored() {
    let mut rig = line();
    rig.write(offset::FACTORIAL, 5_u32);
    rig.write(offset::FACTORIAL, 6_u32);
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 120);
    let misuse = Misuse::FactorialWhileComputing { operand: 6 };
    assert_eq!(rig.bench.misuses, [misuse]);
}

#[test]
fn a_huge_factorial_takes_seconds() {
    let mut rig = line();
    rig.write(offset::FACTORIAL, u32::MAX);
    let done = rig.edu.next_event().expect("it will be done");
    assert_eq!(done, 10_000 + u64::from(u32::MAX));
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 0);
}

#[test]
fn the_interrupt_bit_counts_at_the_moment_a_factorial_is_done() {
    let mut rig = msi();
    rig.write(offset::FACTORIAL, 3_u32);
    rig.write(offset::STATUS, Status::INTERRUPT_WHEN_DONE.bits());
    rig.settle();
    assert_eq!(rig.bench.events, [Event::Message(0)]);

    rig.write(offset::INTERRUPT_ACKNOWLEDGE, 1_u32);
    rig.write(offset::STATUS, 0_u32);
    rig.write(offset::FACTORIAL, 3_u32);
    rig.settle();
    rig.write(offset::STATUS, Status::INTERRUPT_WHEN_DONE.bits());
    rig.settle();
    assert_eq!(
        rig.bench.messages(),
        1,
        "setting it afterwards raises nothing"
    );
}

#[test]
fn computing_can_be_over_before_the_interrupt_comes() {
    let config = Config {
        factorial_interrupt_ns: 500,
        ..Config::default()
    };
    let mut rig = Rig::new(config, MSI);
    rig.write(offset::STATUS, Status::INTERRUPT_WHEN_DONE.bits());
    rig.write(offset::FACTORIAL, 3_u32);
    let done = rig.edu.next_event().expect("it will be done");
    rig.edu
        .advance(&mut rig.bench, done)
        .expect("nothing fatal was started");
    assert_eq!(rig.read(offset::FACTORIAL), 6);
    assert_eq!(rig.read(offset::STATUS), 0x80);
    assert_eq!(rig.bench.messages(), 0);
    // The next one may start now; it waits for the interrupt of the first.
    rig.write(offset::FACTORIAL, 4_u32);
    assert_eq!(rig.edu.next_event(), Some(done + 500));
    rig.settle();
    assert_eq!(rig.bench.messages(), 2);
}

// Interrupts

#[test]
fn the_line_drops_with_the_last_cause() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 6_u32);
    rig.write(offset::INTERRUPT_ACKNOWLEDGE, 2_u32);
    assert!(rig.edu.is_line_asserted());
    rig.write(offset::INTERRUPT_ACKNOWLEDGE, 4_u32);
    assert_eq!(rig.bench.events, [Event::Line(true), Event::Line(false)]);
}

#[test]
fn a_partial_acknowledge_does_not_send_the_message_again() {
    let mut rig = msi();
    rig.write(offset::INTERRUPT_RAISE, 6_u32);
    rig.write(offset::INTERRUPT_ACKNOWLEDGE, 2_u32);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 4);
    assert_eq!(rig.bench.events, [Event::Message(0)]);
}

#[test]
fn every_raise_sends_a_message_while_a_cause_is_left() {
    let mut rig = msi();
    rig.write(offset::INTERRUPT_RAISE, 0_u32);
    assert_eq!(rig.bench.messages(), 0);
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.write(offset::INTERRUPT_RAISE, 0_u32);
    assert_eq!(rig.bench.messages(), 3);
}

#[test]
fn with_one_of_two_messages_granted_everything_comes_by_message_0() {
    let config = Config {
        messages: Messages::Two,
        ..Config::default()
    };
    let mut rig = Rig::new(config, MSI);
    start_dma(
        &mut rig,
        0,
        dma::BUFFER_ADDRESS,
        8,
        DmaCommand::INTERRUPT_WHEN_DONE,
    );
    rig.settle();
    assert_eq!(rig.bench.events, [Event::Message(0)]);
}

#[test]
fn a_line_that_was_left_asserted_is_seen_when_the_device_starts() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.edu.stop(&mut rig.bench);
    assert_eq!(rig.bench.events, [Event::Line(true), Event::Line(false)]);
    rig.edu.start(&mut rig.bench, Interrupts::Line);
    assert!(rig.edu.is_line_asserted());
}

#[test]
fn messages_take_the_place_of_a_line_that_was_left_asserted() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.edu.stop(&mut rig.bench);
    rig.edu.start(&mut rig.bench, MSI);
    rig.edu.stop(&mut rig.bench);
    rig.edu.start(&mut rig.bench, Interrupts::Line);
    assert!(!rig.edu.is_line_asserted(), "though a cause is left");
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 2);
}

#[test]
fn causes_and_registers_survive_a_reset() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.write(offset::DMA_COUNT, 7_u32);
    rig.edu.reset(&mut rig.bench);
    assert_eq!(rig.read(offset::DMA_COUNT), 0xFFFF_FFFF, "BAR 0 is off");
    rig.edu.start(&mut rig.bench, MSI);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 2);
    assert_eq!(rig.read(offset::DMA_COUNT), 7);
    assert_eq!(rig.bench.messages(), 0);
}

#[test]
fn a_removed_device_reads_all_ones_and_does_nothing() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.write(offset::FACTORIAL, 5_u32);
    rig.edu.remove(&mut rig.bench);
    assert!(!rig.edu.is_line_asserted());
    assert_eq!(rig.edu.next_event(), None);
    rig.write(offset::INTERRUPT_RAISE, 4_u32);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0xFFFF_FFFF);
    assert_eq!(rig.bench.events, [Event::Line(true), Event::Line(false)]);
}

// DMA

#[test]
fn dma_goes_through_the_buffer_in_100_ms_each() {
    let mut rig = msi();
    rig.bench.memory[0x100..0x104].copy_from_slice(b"ping");
    start_dma(
        &mut rig,
        0x100,
        dma::BUFFER_ADDRESS + 8,
        4,
        DmaCommand::empty(),
    );
    assert_eq!(rig.edu.next_event(), Some(100_000_000));
    rig.settle();
    let command = DmaCommand::TO_MEMORY | DmaCommand::INTERRUPT_WHEN_DONE;
    start_dma(&mut rig, dma::BUFFER_ADDRESS + 8, 0x200, 4, command);
    rig.settle();
    assert_eq!(rig.edu.now(), 200_000_000);
    assert_eq!(&rig.bench.memory[0x200..0x204], b"ping");
    assert_eq!(rig.read(offset::DMA_COMMAND), u64::from(command.bits()));
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0x100);
    assert_eq!(rig.bench.events, [Event::Message(0)]);
    assert_eq!(rig.bench.misuses, []);
}

#[test]
fn dma_registers_are_locked_while_a_transfer_runs() {
    let mut rig = line();
    start_dma(&mut rig, 0, dma::BUFFER_ADDRESS, 8, DmaCommand::empty());
    for offset in [offset::DMA_SOURCE, offset::DMA_COUNT] {
        rig.write(offset, 0x77_u32);
    }
    rig.write(offset::DMA_COMMAND, 7_u32);
    assert_eq!(rig.read(offset::DMA_SOURCE), 0);
    assert_eq!(rig.read(offset::DMA_COUNT), 8);
    assert_eq!(rig.read(offset::DMA_COMMAND), 1);
    let offsets = [offset::DMA_SOURCE, offset::DMA_COUNT, offset::DMA_COMMAND];
    let misuses = offsets.map(|offset| Misuse::DmaWhileRunning { offset });
    assert_eq!(rig.bench.misuses, misuses);
}

#[test]
fn a_dma_command_without_start_is_ignored() {
    let mut rig = line();
    rig.write(offset::DMA_COMMAND, 6_u32);
    assert_eq!(rig.read(offset::DMA_COMMAND), 0);
    assert_eq!(rig.edu.next_event(), None);
}

#[test]
fn a_memory_address_above_the_mask_is_cut() {
    let mut rig = line();
    rig.bench.memory[0x100] = 0x5A;
    let address = (1 << 32) | 0x100;
    start_dma(
        &mut rig,
        address,
        dma::BUFFER_ADDRESS,
        1,
        DmaCommand::empty(),
    );
    rig.settle();
    start_dma(
        &mut rig,
        dma::BUFFER_ADDRESS,
        0x200,
        1,
        DmaCommand::TO_MEMORY,
    );
    rig.settle();
    assert_eq!(rig.bench.memory[0x200], 0x5A);
    let misuse = Misuse::DmaOutOfMask { address, bytes: 1 };
    assert_eq!(rig.bench.misuses, [misuse]);
}

#[test]
fn a_stopped_device_transfers_zeros_in_and_nothing_out() {
    let mut rig = line();
    rig.bench.memory[0..4].fill(0x5A);
    rig.bench.memory[0x200..0x204].fill(0x77);
    start_dma(&mut rig, 0, dma::BUFFER_ADDRESS, 4, DmaCommand::empty());
    rig.settle();
    start_dma(
        &mut rig,
        dma::BUFFER_ADDRESS,
        0x200,
        4,
        DmaCommand::TO_MEMORY,
    );
    rig.edu.stop(&mut rig.bench);
    rig.settle();
    assert_eq!(rig.bench.memory[0x200..0x204], [0x77; 4]);

    rig.edu.start(&mut rig.bench, Interrupts::Line);
    start_dma(&mut rig, 0, dma::BUFFER_ADDRESS, 4, DmaCommand::empty());
    rig.edu.stop(&mut rig.bench);
    rig.settle();
    rig.edu.start(&mut rig.bench, Interrupts::Line);
    start_dma(
        &mut rig,
        dma::BUFFER_ADDRESS,
        0x200,
        4,
        DmaCommand::TO_MEMORY,
    );
    rig.settle();
    assert_eq!(rig.bench.memory[0x200..0x204], [0; 4]);
}

/// How a transfer from the buffer ends on a generation.
fn outcome(generation: Generation, device: u64, bytes: u64) -> (Result<(), Fatal>, usize) {
    let config = Config {
        generation,
        ..Config::default()
    };
    let mut rig = Rig::new(config, MSI);
    let command = DmaCommand::TO_MEMORY | DmaCommand::INTERRUPT_WHEN_DONE;
    start_dma(&mut rig, device, 0, bytes, command);
    let result = rig.edu.advance(&mut rig.bench, 100_000_000);
    (result, rig.bench.messages())
}

#[test]
fn the_generations_of_qemu_differ_in_what_leaves_the_buffer() {
    use Generation::{After11_0, From9_1To11_0, UpTo9_0};
    let base = dma::BUFFER_ADDRESS;
    let full = dma::BUFFER_BYTES as u64;
    for (address, bytes, oldest, others) in [
        (base, full - 1, true, true),
        (base + full - 2, 1, true, true),
        (base, full, false, true),
        (base + full - 1, 1, false, true),
        (base, 0, false, true),
        (base + full, 0, false, true),
        (base, full + 1, false, false),
        (base - 1, 1, false, false),
        (base + 1, full, false, false),
        (u64::MAX, 1, false, false),
        (base, u64::MAX, false, false),
    ] {
        let says = format!("{bytes} bytes at {address:#x}");
        let done = (Ok(()), 1);
        let aborted = (Err(Fatal::Aborted { address, bytes }), 0);
        let overrun = (Err(Fatal::Overrun { address, bytes }), 0);
        let expected = if oldest { done } else { aborted };
        assert_eq!(outcome(UpTo9_0, address, bytes), expected, "{says}");
        let expected = if others { done } else { overrun };
        assert_eq!(outcome(From9_1To11_0, address, bytes), expected, "{says}");
        assert_eq!(outcome(After11_0, address, bytes), done, "{says}");
    }
}

#[test]
fn after_its_death_a_device_stays_dead() {
    let mut rig = line();
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.write(offset::DMA_COMMAND, 1_u32);
    let (address, bytes) = (0, 0);
    let aborted = Err(Fatal::Aborted { address, bytes });
    assert_eq!(rig.edu.advance(&mut rig.bench, 100_000_000), aborted);
    assert_eq!(rig.edu.advance(&mut rig.bench, 100_000_001), aborted);
    assert_eq!(rig.read(offset::STATUS), 0xFFFF_FFFF);
    assert!(!rig.edu.is_line_asserted());
    assert_eq!(rig.edu.next_event(), None);
}

// Faults

#[test]
fn a_wrong_factorial_differs_in_the_bits_asked_for() {
    let faults = Faults {
        factorial_xor: 0x8000_0001,
        ..Faults::default()
    };
    let mut rig = faulty(faults, MSI);
    rig.write(offset::FACTORIAL, 5_u32);
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 0x8000_0079);
}

#[test]
fn an_engine_that_hangs_never_finishes() {
    let faults = Faults {
        factorial_hangs: true,
        dma_hangs: true,
        ..Faults::default()
    };
    let mut rig = faulty(faults, MSI);
    rig.write(offset::FACTORIAL, 5_u32);
    start_dma(
        &mut rig,
        0,
        dma::BUFFER_ADDRESS,
        8,
        DmaCommand::INTERRUPT_WHEN_DONE,
    );
    assert_eq!(rig.edu.next_event(), None);
    assert_eq!(rig.read(offset::STATUS), 1);
    assert_eq!(rig.read(offset::DMA_COMMAND), 5);
}

#[test]
fn a_mute_device_has_causes_and_signals_none() {
    let faults = Faults {
        mute: true,
        ..Faults::default()
    };
    for interrupts in [Interrupts::Line, MSI] {
        let mut rig = faulty(faults.clone(), interrupts);
        rig.write(offset::INTERRUPT_RAISE, 2_u32);
        assert_eq!(rig.read(offset::INTERRUPT_STATUS), 2);
        assert_eq!(rig.bench.events, []);
    }
}

#[test]
fn extra_causes_come_with_every_other() {
    let faults = Faults {
        extra_causes: 0x8000_0000,
        ..Faults::default()
    };
    let mut rig = faulty(faults, MSI);
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0x8000_0002);
}

#[test]
fn spurious_signals_come_without_a_cause_until_the_device_stops() {
    let faults = Faults {
        spurious_every_ns: std::num::NonZeroU64::new(1000),
        ..Faults::default()
    };
    for (interrupts, events) in [
        (MSI, vec![Event::Message(0); 3]),
        (
            Interrupts::Line,
            vec![Event::Line(true), Event::Line(false), Event::Line(true)],
        ),
    ] {
        let mut rig = faulty(faults.clone(), interrupts);
        assert_eq!(rig.edu.next_event(), Some(1000));
        rig.edu
            .advance(&mut rig.bench, 3999)
            .expect("nothing fatal was started");
        assert_eq!(rig.bench.events, events);
        assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0);
        rig.edu.stop(&mut rig.bench);
        assert!(!rig.edu.is_line_asserted());
        assert_eq!(rig.edu.next_event(), None);
    }
}

#[test]
fn a_device_vanishes_when_it_was_told_to() {
    let faults = Faults {
        removed_at_ns: Some(700),
        ..Faults::default()
    };
    let mut rig = faulty(faults, Interrupts::Line);
    rig.write(offset::INTERRUPT_RAISE, 2_u32);
    rig.settle();
    assert_eq!(rig.edu.now(), 700);
    assert_eq!(rig.read(offset::LIVENESS), 0xFFFF_FFFF);
    assert_eq!(rig.bench.events, [Event::Line(true), Event::Line(false)]);
}

#[test]
fn stuck_bits_read_the_same_whatever_they_are() {
    let stuck = StuckBits {
        offset: offset::INTERRUPT_STATUS,
        ones: 0x10,
        zeros: 0x02,
    };
    let faults = Faults {
        stuck: vec![stuck],
        ..Faults::default()
    };
    let mut rig = faulty(faults, Interrupts::Line);
    rig.write(offset::INTERRUPT_RAISE, 3_u32);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0x11);
    rig.write(offset::INTERRUPT_ACKNOWLEDGE, u32::MAX);
    assert_eq!(rig.read(offset::INTERRUPT_STATUS), 0x10);
    assert!(
        !rig.edu.is_line_asserted(),
        "the bits are stuck for reads only"
    );
}

#[test]
fn faults_can_come_and_go_in_the_middle_of_a_run() {
    let mut rig = msi();
    rig.edu.faults_mut().factorial_xor = 1;
    rig.write(offset::FACTORIAL, 3_u32);
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 7);
    *rig.edu.faults_mut() = Faults::default();
    rig.write(offset::FACTORIAL, 3_u32);
    rig.settle();
    assert_eq!(rig.read(offset::FACTORIAL), 6);
}

#[test]
fn a_device_that_was_not_started_reads_all_ones_of_the_access_width() {
    let mut bench = common::Bench::new();
    let edu = Edu::new(Config::default());
    let causes = edu.read(&mut bench, offset::INTERRUPT_STATUS, Width::Dword);
    assert_eq!(causes, u64::from(Causes::all().bits()));
    assert_eq!(
        edu.read(&mut bench, offset::DMA_SOURCE, Width::Qword),
        u64::MAX
    );
}
