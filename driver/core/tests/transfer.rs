//! What the driver may ask the DMA engine to do.

use edu_driver_core::transfer::{
    AddressWidth, Direction, OutOfBounds, Program, Span, Transfer, Unreachable,
};
use edu_spec::registers::DmaCommand;
use edu_spec::registers::dma::{BUFFER_ADDRESS, USABLE_BYTES};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_program_leaves_the_usable_buffer_or_the_mask(
        offset in prop_oneof![-10_i64..5_000, any::<i64>()],
        length in prop_oneof![0_usize..5_000, any::<usize>()],
        memory in prop_oneof![0_u64..(1 << 29), any::<u64>()],
        to_memory in any::<bool>(),
        bits in 24_u32..=63,
    ) {
        let Ok(span) = Span::new(offset, length) else { return Ok(()) };
        let direction = if to_memory { Direction::ToMemory } else { Direction::ToDevice };
        let width = AddressWidth::new(bits).expect("a device can have it");
        let Ok(program) = Program::new(Transfer { span, direction }, memory, width) else {
            return Ok(());
        };
        let (device, host) = if to_memory {
            (program.source, program.destination)
        } else {
            (program.destination, program.source)
        };
        prop_assert!(program.count > 0);
        prop_assert!(device >= BUFFER_ADDRESS);
        prop_assert!(device + program.count <= BUFFER_ADDRESS + USABLE_BYTES as u64);
        prop_assert!(host + program.count <= 1 << bits);
        prop_assert_eq!(program.command.contains(DmaCommand::TO_MEMORY), to_memory);
        prop_assert!(program.command.contains(DmaCommand::RUN | DmaCommand::INTERRUPT_WHEN_DONE));
    }
}

#[test]
fn the_last_byte_of_the_buffer_is_never_touched() {
    assert!(Span::new(0, 4095).is_ok());
    assert_eq!(Span::new(0, 4096), Err(OutOfBounds::Length));
    assert!(Span::new(4094, 1).is_ok());
    assert_eq!(Span::new(4094, 2), Err(OutOfBounds::Length));
    assert_eq!(Span::new(4095, 1), Err(OutOfBounds::Offset));
}

#[test]
fn an_empty_transfer_is_refused() {
    assert_eq!(Span::new(0, 0), Err(OutOfBounds::Length));
}

#[test]
fn memory_that_ends_at_the_mask_is_reachable_and_one_byte_more_is_not() {
    let span = Span::new(0, 16).expect("in bounds");
    let transfer = Transfer {
        span,
        direction: Direction::ToMemory,
    };
    for width in [24, 28, 32, 33, 63].map(|bits| AddressWidth::new(bits).expect("it can be")) {
        let end = 1 << width.bits();
        assert!(Program::new(transfer, end - 16, width).is_ok());
        assert_eq!(Program::new(transfer, end - 15, width), Err(Unreachable));
        assert_eq!(Program::new(transfer, u64::MAX, width), Err(Unreachable));
    }
}

#[test]
fn a_width_is_one_that_the_framework_takes_and_by_default_the_devices() {
    for bits in [0, 1, 23, 64, u32::MAX] {
        assert_eq!(AddressWidth::new(bits), None, "{bits}");
    }
    assert_eq!(AddressWidth::default().bits(), 28);
}
