//! What images are mapped as.

use super::*;

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
