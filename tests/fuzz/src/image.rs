//! The driver's image and its symbols.

use std::{path::Path, sync::LazyLock};

use kmdf_host::{
    access::Registers,
    image::{Image, Symbols},
    needs::Needs,
};

/// As many functions of an image are looked at.
const FUNCTIONS: usize = 16;

/// Reads a PE image, and everything that is read of it later.
pub fn image(bytes: &[u8]) {
    let Ok(image) = Image::parse("fuzzed.sys", bytes) else {
        return;
    };
    let symbols = Symbols::of_exports(&image);
    for function in image.functions() {
        let _ = symbols.frames(function.code.start);
    }
    let _ = image.bind_info();
    let _ = Needs::of(&image);
    let Ok(mapped) = image.map(|_, _| Ok(0x1234)) else {
        return;
    };
    for function in mapped.image().functions().iter().take(FUNCTIONS) {
        for rva in [function.code.start, function.code.end - 1] {
            let registers = Registers {
                gpr: [0x1000; 16],
                rip: mapped.base() + u64::from(rva),
                ..Registers::default()
            };
            // Every return address is the same again.
            let _ = mapped.call_stack(&registers, |_| Some(registers.rip));
        }
    }
}

/// An image and the PDB that it was linked with.
static FIXTURE: LazyLock<(Image, Vec<u8>)> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host/image/src/testdata");
    let image = Image::read(&directory.join("fixture.sys")).expect("the fixture is an image");
    let pdb = std::fs::read(directory.join("fixture.pdb")).expect("the fixture has a PDB");
    (image, pdb)
});

/// Damages a PDB and looks at everything that it says of its image. The bytes are pieces: three say
/// where, one how many follow, and those replace what is there; none end the file there.
pub fn symbols(mut bytes: &[u8]) {
    let (image, pdb) = &*FIXTURE;
    let mut pdb = pdb.clone();
    while let Some(([a, b, c, length], rest)) = bytes.split_first_chunk() {
        let at = u32::from_le_bytes([*a, *b, *c, 0]) as usize % pdb.len().max(1);
        let (piece, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        bytes = rest;
        if piece.is_empty() {
            pdb.truncate(at);
        } else {
            let there = pdb.iter_mut().skip(at);
            there.zip(piece).for_each(|(old, new)| *old = *new);
        }
    }
    let Ok(symbols) = Symbols::of_pdb(image, Path::new("fuzzed.pdb"), pdb) else {
        return;
    };
    for function in image.functions() {
        for rva in function.code.clone() {
            let _ = symbols.function(rva);
            let _ = symbols.describe(rva);
        }
    }
}
