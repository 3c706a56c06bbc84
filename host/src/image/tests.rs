//! What images are read, mapped, named and walked as. The image is `testdata/fixture.sys`, made
//! from `testdata/fixture.rs`; malformed ones are made from it by changing bytes.

use std::{
    arch::naked_asm,
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use proptest::prelude::*;

use super::*;
use crate::access::Registers;

/// RVAs in the fixture.
const ENTRY: u32 = 0x1000;
const ISR: u32 = 0x1020;
const EXPORTED: u32 = 0x1040;
const COOKIE: u32 = 0x3000;

/// Offsets from the PE signature.
const MACHINE: usize = 4;
const CHARACTERISTICS: usize = 22;
const MAGIC: usize = 24;
const ENTRY_POINT: usize = 24 + 16;
const IMAGE_BASE: usize = 24 + 24;
const SIZE_OF_IMAGE: usize = 24 + 56;
const CHECKSUM: usize = 24 + 64;
const SUBSYSTEM: usize = 24 + 68;
const DIRECTORIES: usize = 24 + 112;
const SECTIONS: usize = 24 + 240;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/image/testdata")
        .join(name)
}

fn bytes() -> Vec<u8> {
    fs::read(testdata("fixture.sys")).expect("the fixture")
}

fn fixture() -> Image {
    Image::read(&testdata("fixture.sys")).expect("the fixture is an image")
}

fn map(image: Image) -> MappedImage {
    image.map(|_, _| Ok(0x1234)).expect("a mapping")
}

/// Where the PE signature is.
fn pe(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[0x3c], bytes[0x3d]]))
}

/// The fixture with other bytes at an offset from the PE signature, and no checksum.
fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = self::bytes();
    let pe = pe(&file);
    file[pe + CHECKSUM..][..4].fill(0);
    file[pe + offset..][..bytes.len()].copy_from_slice(bytes);
    file
}

/// What is said of a file.
fn complaint(bytes: &[u8]) -> String {
    match Image::parse("some.sys", bytes) {
        Ok(_) => "no complaint".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_image_is_read_with_its_sections_imports_exports_functions_and_pdb() {
    let image = fixture();
    assert_eq!(image.name(), "fixture.sys");
    assert_eq!(image.entry(), ENTRY);
    assert_eq!(image.bytes(), 0x6000);
    let sections: Vec<_> = image
        .sections()
        .iter()
        .map(|s| {
            (
                s.name.as_str(),
                s.rva,
                s.read,
                s.write,
                s.execute,
                s.discardable,
            )
        })
        .collect();
    assert_eq!(
        sections,
        [
            (".text", 0x1000, true, false, true, false),
            (".rdata", 0x2000, true, false, false, false),
            (".data", 0x3000, true, true, false, false),
            (".pdata", 0x4000, true, false, false, false),
            (".reloc", 0x5000, true, false, false, true),
        ]
    );
    assert_eq!(
        image.imports(),
        [Import {
            dll: "ntoskrnl.exe".to_owned(),
            name: ImportName::Name("imported".to_owned()),
            slot: 0x20f0,
        }]
    );
    assert_eq!(
        image.exports(),
        [Export {
            name: Some("exported".to_owned()),
            ordinal: 1,
            target: Target::Rva(EXPORTED),
        }]
    );
    let functions: Vec<_> = image.functions().iter().map(|f| f.code.clone()).collect();
    assert_eq!(functions, [ENTRY..0x1018, ISR..0x103b]);
    assert_eq!(
        image.code_view().map(|c| c.path.as_str()),
        Some("fixture.pdb")
    );
}

#[test]
fn a_file_that_is_no_image_is_told_from_one_that_is_damaged() {
    assert_eq!(
        complaint(b"#!/bin/sh\n"),
        "some.sys: not a PE image: it begins with [23, 21, 2f, 62], not with \"MZ\"; give the \
         .sys file"
    );
    assert!(complaint(b"").contains("not a PE image"));
    let file = bytes();
    let pe = pe(&file);
    let mut no_signature = file.clone();
    no_signature[pe] = b'N';
    assert_eq!(
        complaint(&no_signature),
        format!("some.sys: not a PE image: no \"PE\" signature at offset {pe:#x}")
    );
    assert_eq!(
        complaint(&file[..0x900]),
        "some.sys: truncated: section .data ends at offset 0xa00, the file at 0x900"
    );
    assert_eq!(
        complaint(&file[..40]),
        "some.sys: truncated: the DOS header ends at offset 0x40, the file at 0x28"
    );
    let mut flipped = file;
    flipped[0x410] ^= 1;
    assert!(complaint(&flipped).contains("checksum"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Image::read(Path::new("/nowhere/some.sys")).expect_err("no such file");
    assert_eq!(
        error.to_string(),
        "/nowhere/some.sys: cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn an_image_for_another_machine_names_both() {
    assert_eq!(
        complaint(&patched(MACHINE, &[0x64, 0xaa])),
        "some.sys: the image is for ARM64, this host runs x64; build the driver for \
         x86_64-pc-windows-msvc"
    );
    assert!(complaint(&patched(MACHINE, &[0x4c, 0x01])).contains("for x86,"));
    assert!(complaint(&patched(MAGIC, &[0x0b, 0x01])).contains("not a PE32+ image"));
}

#[test]
fn a_program_is_not_a_driver() {
    assert_eq!(
        complaint(&patched(SUBSYSTEM, &[3])),
        "some.sys: the image's subsystem is Windows console (3), a driver's is native (1); link \
         with /SUBSYSTEM:NATIVE"
    );
    assert!(complaint(&patched(CHARACTERISTICS, &[0x20, 0])).contains("not executable"));
}

#[test]
fn an_image_that_windows_would_refuse_is_refused() {
    // .data becomes executable.
    let characteristics = SECTIONS + 2 * 40 + 36;
    assert_eq!(
        complaint(&patched(characteristics, &[0x40, 0, 0, 0xe0])),
        "some.sys: section .data is both writable and executable; HVCI refuses such a driver and \
         so does this host: move its data to another section"
    );
    assert_eq!(
        complaint(&patched(ENTRY_POINT, &[0, 0x20])),
        "some.sys: the entry point, RVA 0x2000, is not in an executable section"
    );
    // No relocation directory, and said so.
    let mut fixed = patched(DIRECTORIES + 5 * 8, &[0; 8]);
    let at = pe(&fixed) + CHARACTERISTICS;
    fixed[at] |= 1;
    assert!(complaint(&fixed).contains("no relocations"));
    // Delay-loaded imports.
    assert!(
        complaint(&patched(
            DIRECTORIES + 13 * 8,
            &[0, 0x20, 0, 0, 32, 0, 0, 0]
        ))
        .contains("delay-loaded imports")
    );
}

#[test]
fn a_relocation_of_an_unknown_type_is_an_error() {
    // The first entry of the first block, in the file's last section.
    let mut file = patched(0, &[]);
    file[0xc08 + 1] = 0x30 | file[0xc08 + 1] & 15;
    assert!(complaint(&file).contains("has type 3; x64 images have DIR64 (10) only"));
}

#[test]
fn sections_that_overlap_or_reach_beyond_the_image_are_refused() {
    let address = SECTIONS + 40 + 12;
    assert!(complaint(&patched(address, &[0, 0x10])).contains(".rdata overlaps"));
    assert!(complaint(&patched(address, &[0, 0, 0, 0x70])).contains(".rdata reaches beyond"));
    assert!(complaint(&patched(address, &[1, 0x20])).contains(".rdata does not begin"));
    assert!(complaint(&patched(IMAGE_BASE, &[1])).contains("no multiple of 64 KiB"));
    assert!(complaint(&patched(SIZE_OF_IMAGE, &[0, 0, 0, 0x7f])).contains("too large"));
}

/// The lines of `/proc/self/maps` about the 1 GiB that holds an address: distance from it,
/// protection.
fn protections(base: u64) -> Vec<(u64, String)> {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux");
    maps.lines()
        .filter_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let start = u64::from_str_radix(range.split('-').next()?, 16).ok()?;
            let distance = start.checked_sub(base)?;
            (distance < 0x10000).then(|| (distance, rest[..3].to_owned()))
        })
        .collect()
}

#[test]
fn sections_are_mapped_with_their_own_protections_between_guards() {
    let image = map(fixture());
    let base = image.base();
    assert_eq!(base % 0x10000, 0);
    let expected = [
        (0, "r--"),
        (0x1000, "r-x"),
        (0x2000, "r--"),
        (0x3000, "rw-"),
        (0x4000, "r--"),
        (0x6000, "---"),
        // The guard routines.
        (0x7000, "r-x"),
        (0x8000, "---"),
    ]
    .map(|(at, protection)| (at, protection.to_owned()));
    assert_eq!(protections(base), expected);
    assert_eq!(protections(base - 0x10000)[0], (0, "---".to_owned()));

    image.discard().expect("a discarded section");
    assert!(protections(base).contains(&(0x5000, "---".to_owned())));

    drop(image);
    let left = protections(base);
    // Another test's image may have taken the place.
    assert!(left.is_empty() || left == expected, "{left:?}");
}

#[test]
fn images_that_are_mapped_together_do_not_overlap() {
    let (one, two) = (map(fixture()), map(fixture()));
    assert!(!one.contains(two.base()) && !two.contains(one.base()));
    assert!(one.contains(one.base() + 0x5fff) && !one.contains(one.base() + 0x6000));
    assert_eq!(one.rva(one.entry()), Some(ENTRY));
    assert_eq!(
        one.export("exported"),
        Some(one.base() + u64::from(EXPORTED))
    );
    assert_eq!(one.export("imported"), None);
    assert_eq!(
        one.section_of(one.entry()).map(|s| s.name.as_str()),
        Some(".text")
    );
    let code = one.address(0x1000)..one.address(0x1056);
    assert_eq!(
        one.executable_ranges().as_slice(),
        std::slice::from_ref(&code)
    );
}

#[test]
fn an_import_without_an_address_is_named() {
    let error = fixture()
        .map(|_, _| Err("nothing exports it".into()))
        .expect_err("an unresolved import");
    let file = testdata("fixture.sys");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: import ntoskrnl.exe!imported: nothing exports it",
            file.display()
        )
    );
}

#[test]
fn addresses_in_the_image_move_with_it() {
    let image = map(fixture());
    // The load configuration points to the cookie.
    let cookie = image.read(0x3008 + 88).map(u64::from_le_bytes);
    assert_eq!(cookie, Some(image.address(COOKIE)));
    assert_eq!(image.read(0x20f0).map(u64::from_le_bytes), Some(0x1234));
}

#[test]
fn the_loaders_part_of_the_run_time_checks_is_done() {
    let image = map(fixture());
    let read = |rva| u64::from_le_bytes(image.read(rva).expect("in the image"));
    let cookie = read(COOKIE);
    assert_ne!(cookie, 0x2b99_2ddf_a232);
    assert_eq!(cookie >> 48, 0);
    let slot = |offset| image.rva(read(0x3008_u32 + offset)).expect("in the image");
    let code = |address| -> [u8; 2] {
        let address: *const [u8; 2] = std::ptr::with_exposed_provenance(address);
        // SAFETY: the loader put the address of its own routine there, which is mapped as long as
        // `image` is.
        unsafe { address.read() }
    };
    let (check, dispatch) = (read(slot(112)), read(slot(120)));
    assert_eq!(code(usize::try_from(check).expect("64 bits"))[0], 0xc3);
    assert_eq!(
        code(usize::try_from(dispatch).expect("64 bits")),
        [0xff, 0xe0]
    );
}

#[test]
fn only_code_can_be_patched() {
    let image = map(fixture());
    assert!(image.write_code(COOKIE, &[0xcc]).is_err());
    assert!(image.write_code(0x1055, &[0xcc]).is_ok());
    assert!(image.write_code(0x1055, &[0xcc; 2]).is_err());
    assert!(image.write_code(u32::MAX, &[0xcc]).is_err());
    assert_eq!(image.read(0x1054), Some([0, 0xcc]));
    assert_eq!(image.read::<4>(0x5ffd), None);
}

thread_local! {
    /// The image whose code runs on this thread, and the call stacks seen by its import.
    static RUNNING: RefCell<Option<Arc<MappedImage>>> = const { RefCell::new(None) };
    static STACKS: RefCell<Vec<(CallStack, u64)>> = const { RefCell::new(Vec::new()) };
}

/// What the fixture imports: notes the call stack and the value that the argument points to.
#[unsafe(naked)]
unsafe extern "win64" fn imported(value: *const u64) {
    naked_asm!("mov rdx, rsp", "jmp {note}", note = sym note)
}

extern "win64" fn note(value: *const u64, stack: *const u64) {
    let read = |address: u64| {
        let address = usize::try_from(address).ok()?;
        // SAFETY: a test's thread has more than 64 KiB of stack above the driver's frames, and
        // the walk does not come as far as that.
        Some(unsafe { std::ptr::with_exposed_provenance::<u64>(address).read() })
    };
    let mut registers = Registers::default();
    let stack = stack.expose_provenance() as u64;
    registers.gpr[Registers::RSP] = stack + 8;
    registers.rip = read(stack).expect("a return address");
    // SAFETY: the fixture passes the address of its cookie.
    let value = unsafe { value.read() };
    RUNNING.with_borrow(|image| {
        let image = image.as_ref().expect("an image runs");
        let walked = image.call_stack_after_return(&registers, read);
        STACKS.with_borrow_mut(|stacks| stacks.push((walked, value)));
    });
}

/// Runs the fixture's entry on this thread; the call stacks that its import saw.
fn run(image: &Arc<MappedImage>, argument: u32) -> (u32, Vec<(CallStack, u64)>) {
    RUNNING.set(Some(Arc::clone(image)));
    let entry: *const () =
        std::ptr::with_exposed_provenance(usize::try_from(image.entry()).expect("64 bits"));
    // SAFETY: `FxDriverEntry` of the fixture has this signature.
    let entry: extern "win64" fn(u32) -> u32 = unsafe { std::mem::transmute(entry) };
    let result = entry(argument);
    RUNNING.set(None);
    (result, STACKS.take())
}

fn runnable() -> Arc<MappedImage> {
    let address =
        (imported as unsafe extern "win64" fn(*const u64) as *const ()).expose_provenance() as u64;
    Arc::new(fixture().map(|_, _| Ok(address)).expect("a mapping"))
}

#[test]
fn a_mapped_image_runs() {
    let image = runnable();
    let (result, stacks) = run(&image, 7);
    assert_eq!(result, 7);
    let cookie = image.read(COOKIE).map(u64::from_le_bytes);
    assert_eq!(stacks.len(), 2);
    assert!(stacks.iter().all(|(_, value)| Some(*value) == cookie));
}

#[test]
fn patched_code_runs_at_once() {
    let image = runnable();
    assert_eq!(run(&image, 7).0, 7);
    // mov eax, 42; ret
    image
        .write_code(ENTRY, &[0xb8, 42, 0, 0, 0, 0xc3])
        .expect("code");
    assert_eq!(run(&image, 7).0, 42);
}

#[test]
fn a_call_stack_leads_from_the_import_to_the_entry_and_has_names_and_lines() {
    let image = runnable();
    let symbols = Symbols::load(image.image(), None).expect("the fixture's PDB");
    let (_, stacks) = run(&image, 7);
    let (first, second) = (&stacks[0].0, &stacks[1].0);
    assert_eq!(first.frames, [0x1033, 0x100c]);
    assert!(matches!(first.end, StackEnd::Outside(_)));
    // A tail call leaves no frame.
    assert_eq!(second.frames, [0x1033]);

    let frames: Vec<_> = first
        .lookups()
        .flat_map(|rva| symbols.frames(rva))
        .collect();
    let functions: Vec<_> = frames
        .iter()
        .map(|frame| (frame.function.as_str(), frame.is_inlined()))
        .collect();
    assert_eq!(
        functions,
        [
            ("fixture::interrupt::acknowledge", true),
            ("fixture::interrupt::isr", false),
            ("fixture::FxDriverEntry", false)
        ]
    );
    let line_of = |text: &str| {
        let source = fs::read_to_string(testdata("fixture.rs")).expect("its source");
        let line = source.lines().position(|line| line.trim() == text);
        u32::try_from(line.expect("a line") + 1).ok()
    };
    assert_eq!(
        frames[0].line,
        line_of("unsafe { crate::imported(&crate::__security_cookie) };")
    );
    assert_eq!(frames[1].line, line_of("acknowledge(value)"));
    assert_eq!(frames[2].line, line_of("interrupt::isr(value);"));
    assert!(
        frames[2]
            .file
            .as_deref()
            .is_some_and(|f| f.ends_with("fixture.rs"))
    );
}

#[test]
fn a_call_stack_is_right_at_every_instruction_of_a_function() {
    const RETURN: u64 = 0xffff_0000;
    const SAVED: u64 = 0x5151;
    let image = map(fixture());
    let function = image.address(ENTRY);
    // push rsi; sub rsp, 32; mov; call; mov; add rsp, 32; pop rsi; jmp
    // What each instruction finds: how far the stack pointer is below the return address.
    for (offset, depth) in [
        (0, 0),
        (1, 8),
        (5, 40),
        (7, 40),
        (12, 40),
        (14, 40),
        (18, 8),
        (19, 0),
    ] {
        let top = 0x8000;
        let mut registers = Registers {
            rip: function + offset,
            ..Registers::default()
        };
        registers.gpr[Registers::RSP] = top - depth;
        let walked = image.call_stack(&registers, |address| match address {
            _ if address == top => Some(RETURN),
            _ if address == top - 8 => Some(SAVED),
            _ => None,
        });
        assert_eq!(walked.end, StackEnd::Outside(RETURN), "at +{offset}");
        assert_eq!(walked.frames.len(), 1);
    }
}

#[test]
fn a_stack_that_cannot_be_read_ends_the_walk_with_its_address() {
    let image = map(fixture());
    let mut registers = Registers {
        rip: image.entry(),
        ..Registers::default()
    };
    registers.gpr[Registers::RSP] = 0x7000;
    let walked = image.call_stack(&registers, |_| None);
    assert_eq!(walked.frames, [ENTRY]);
    assert_eq!(walked.end, StackEnd::Unreadable(0x7000));
}

#[test]
fn a_stack_that_returns_into_itself_ends() {
    let image = map(fixture());
    let registers = Registers {
        rip: image.entry(),
        ..Registers::default()
    };
    let address = image.address(EXPORTED);
    let walked = image.call_stack(&registers, |_| Some(address));
    assert_eq!(walked.end, StackEnd::TooDeep);
}

#[test]
fn without_a_pdb_names_come_from_the_exports() {
    let image = Image::parse("elsewhere/fixture.sys", &bytes()).expect("an image");
    let symbols = Symbols::load(&image, None).expect("no PDB is needed");
    assert_eq!(symbols.source(), &Source::Exports);
    assert_eq!(symbols.describe(EXPORTED), "exported");
    assert_eq!(symbols.describe(0x1234), "fixture.sys+0x1234");
    assert_eq!(symbols.rva("exported"), Some(EXPORTED));
}

#[test]
fn with_a_pdb_an_address_is_described_by_function_and_line() {
    let symbols = Symbols::load(&fixture(), None).expect("the fixture's PDB");
    assert_eq!(symbols.source(), &Source::Pdb(testdata("fixture.pdb")));
    assert_eq!(
        symbols.function(ISR + 3),
        Some(("fixture::interrupt::isr", 3))
    );
    assert_eq!(symbols.rva("fixture::FxDriverEntry"), Some(ENTRY));
    let text = symbols.describe(ENTRY + 7);
    assert!(
        text.starts_with("fixture::FxDriverEntry+0x7 at ") && text.contains("fixture.rs:"),
        "{text}"
    );
    assert_eq!(symbols.describe(0x5abc), "fixture.sys+0x5abc");
}

#[test]
fn a_pdb_of_another_build_is_refused() {
    let mut other = bytes();
    let mut at = other
        .windows(4)
        .position(|bytes| bytes == b"RSDS")
        .expect("a record");
    at += 4;
    other[at] ^= 1;
    let pe = pe(&other);
    other[pe + CHECKSUM..][..4].fill(0);
    let image = Image::parse("other.sys", &other).expect("an image");
    let error = Symbols::load(&image, Some(&testdata("fixture.pdb"))).expect_err("a mismatch");
    let text = error.to_string();
    assert!(
        text.contains("belongs to another build of other.sys"),
        "{text}"
    );

    let error = Symbols::load(&image, Some(Path::new("/nowhere.pdb"))).expect_err("no such file");
    assert!(
        error
            .to_string()
            .starts_with("/nowhere.pdb: cannot be read")
    );
    let error = Symbols::load(&image, Some(&testdata("fixture.rs"))).expect_err("no PDB");
    assert!(matches!(error, SymbolError::Malformed { .. }));
}

/// The fixture's PDB with other bytes at an offset.
fn damaged_pdb(at: usize, bytes: &[u8]) -> Result<Symbols, SymbolError> {
    let mut pdb = fs::read(testdata("fixture.pdb")).expect("the fixture has a PDB");
    pdb[at..][..bytes.len()].copy_from_slice(bytes);
    Symbols::of_pdb(&fixture(), Path::new("damaged.pdb"), pdb)
}

#[test]
fn a_pdb_that_its_reader_panics_at_is_refused() {
    // A name's offset in the table of streams, beyond all of them.
    let error = damaged_pdb(69_710, &[0xb1, 0xb3, 0x07]).expect_err("no PDB");
    assert_eq!(
        error.to_string(),
        "damaged.pdb: no PDB, or a damaged one: its reader fails on it"
    );
}

#[test]
fn a_pdb_whose_lines_its_reader_panics_at_still_names_functions() {
    // The length of a block of lines.
    let symbols = damaged_pdb(41_735, &[1]).expect("a PDB");
    assert_eq!(symbols.describe(ENTRY + 7), "fixture::FxDriverEntry+0x7");
}

#[test]
fn a_pdb_that_is_cut_off_is_refused() {
    for bytes in [0, 31, 4095, 4096, 70_000] {
        let mut pdb = fs::read(testdata("fixture.pdb")).expect("the fixture has a PDB");
        pdb.truncate(bytes);
        let error = Symbols::of_pdb(&fixture(), Path::new("cut.pdb"), pdb).expect_err("no PDB");
        assert!(matches!(error, SymbolError::Malformed { .. }), "{error}");
    }
}

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
