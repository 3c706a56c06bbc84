//! What images are read as, and refused as.

use super::*;

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
    assert!(complaint(&patched(IMAGE_BASE, &[1])).contains("not a multiple of 64 KiB"));
    assert!(complaint(&patched(SIZE_OF_IMAGE, &[0, 0, 0, 0x7f])).contains("too large"));
}
