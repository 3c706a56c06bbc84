//! The file itself: its size, what it needs, and its version resource, as Explorer shows it.

use std::fs;

use edu_tests::{Bench, found};

/// The version that cargo gives every package of the workspace, as `a.b.c`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Where a text stands in an image, in UTF-16 and once only.
fn position(image: &[u8], text: &str) -> usize {
    let text = utf16(&format!("{text}\0"));
    let mut found = image
        .windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text);
    let (at, _) = found.next().expect("the image has the text");
    assert!(found.next().is_none(), "the image has the text twice");
    at + text.len()
}

fn next_dword(at: usize) -> usize {
    at.next_multiple_of(4)
}

fn word(image: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(image[at..at + 4].try_into().expect("four bytes"))
}

/// The value of a text of the resource's string table.
fn text_of(image: &[u8], key: &str) -> String {
    let from = next_dword(position(image, key));
    let units: Vec<u16> = image[from..]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .take_while(|&unit| unit != 0)
        .collect();
    String::from_utf16(&units).expect("it is text")
}

#[test]
fn the_fixed_versions_and_the_texts_of_the_resource_are_cargos_version() {
    let image = fs::read(found::driver()).expect("the driver can be read");
    // VS_FIXEDFILEINFO: signature, structure version, then file and product version, the most
    // significant half of each first.
    let fixed = next_dword(position(&image, "VS_VERSION_INFO"));
    assert_eq!(word(&image, fixed), 0xFEEF_04BD, "VS_FFI_SIGNATURE");
    for version in [fixed + 8, fixed + 16] {
        let (high, low) = (word(&image, version), word(&image, version + 4));
        let parts = [high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF];
        let text = parts.map(|part| part.to_string()).join(".");
        assert_eq!(text, format!("{VERSION}.0"));
    }
    for key in ["FileVersion", "ProductVersion"] {
        assert_eq!(text_of(&image, key), format!("{VERSION}.0"), "{key}");
    }
    assert_eq!(text_of(&image, "OriginalFilename"), "edu_kmdf.sys");
}

#[test]
fn it_is_no_larger_than_40_kib_allocates_by_wdk_alloc_only_and_cannot_panic() {
    let image = fs::read(found::driver()).expect("the driver can be read");
    assert!(image.len() <= 40 << 10, "{} bytes", image.len());
    let imports = |name: &str| {
        let name = format!("{name}\0").into_bytes();
        image.windows(name.len()).any(|window| window == name)
    };
    for name in ["ExAllocatePool2", "ExFreePool"] {
        assert!(imports(name), "{name}");
    }
    // A failed allocation that nobody handles would end there, too: alloc::alloc::handle_alloc_error panics.
    for name in ["ExAllocatePoolWithTag", "KeBugCheckEx"] {
        assert!(!imports(name), "{name}");
    }
}

#[test]
fn the_driver_tells_an_app_the_same_version() {
    let lab = Bench::model(edu_model::Config::default()).boot();
    let file = lab.open();
    let [major, minor, patch, zero] = lab.information(&file).driver_version.to_be_bytes();
    assert_eq!(format!("{major}.{minor}.{patch}"), VERSION);
    assert_eq!(zero, 0);
    lab.shut_down();
}
