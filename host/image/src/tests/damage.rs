//! Images whose bytes are damaged anywhere.

use super::*;

/// Reads an image, and if that works does with it what the host does.
fn use_image(bytes: &[u8], rip: u32, stack: &[u64]) {
    let Ok(image) = Image::parse("fuzzed.sys", bytes) else {
        return;
    };
    let symbols = Symbols::of_exports(&image);
    let image = map(image);
    let registers = Registers {
        rip: image.address(rip),
        ..Registers::default()
    };
    let mut stack = stack.iter();
    let walked = image.call_stack(&registers, |_| stack.next().copied());
    for rva in walked.lookups() {
        assert!(!symbols.describe(rva).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_damaged_image_never_ends_in_a_panic(
        changes in proptest::collection::vec((0_usize..3584, any::<u8>()), 1..20),
        length in 3000_usize..3585,
        rip in 0x1000_u32..0x1060,
        stack in proptest::collection::vec(any::<u64>(), 0..8),
    ) {
        let mut file = patched(0, &[]);
        for (at, byte) in changes {
            file[at] = byte;
        }
        file.truncate(length);
        use_image(&file, rip, &stack);
    }

    #[test]
    fn damaged_headers_never_end_in_a_panic(
        changes in proptest::collection::vec((0x78_usize..0x280, any::<u8>()), 1..4),
        rip in 0x1000_u32..0x1060,
    ) {
        let mut file = patched(0, &[]);
        for (at, byte) in changes {
            file[at] = byte;
        }
        use_image(&file, rip, &[1, 2, 3]);
    }

    #[test]
    fn damaged_tables_never_end_in_a_panic(
        changes in proptest::collection::vec((0x600_usize..0xe00, any::<u8>()), 1..8),
        rip in 0x1000_u32..0x1060,
    ) {
        let mut file = patched(0, &[]);
        for (at, byte) in changes {
            file[at] = byte;
        }
        use_image(&file, rip, &[1, 2, 3, 4, 5, 6]);
    }
}
