//! What addresses are named as.

use super::*;

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
