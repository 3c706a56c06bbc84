//! What an INF's text is read as, and what of it is found to break a rule.

use super::*;

#[test]
fn text_that_cannot_be_read_is_blamed_on_its_line() {
    let complaint = |text: &str| match Inf::parse("some.inf", text.as_bytes(), None) {
        Ok(_) => "no complaint".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        complaint("[A]\n[B\n"),
        "some.inf:2: the section's name does not end with \"]\""
    );
    assert_eq!(
        complaint("a = b\n"),
        "some.inf:1: an entry outside any section"
    );
    assert_eq!(
        complaint("[A]\nx = \"y\n"),
        "some.inf:2: a quoted string does not end on its line"
    );
    assert_eq!(
        complaint("[A]\n\nx = %none%\n"),
        "some.inf:3: %none% is not in [Strings]; a percent sign itself is written %%"
    );
    assert_eq!(
        complaint("[A]\nx = NT$ARCH$\n"),
        "some.inf:2: $ARCH$ is for stampinf to replace: this is an .inx, not yet an .inf"
    );
    assert!(complaint("[A] x\n").contains("after the section's name"));
    let error = Inf::parse("some.inf", &[0xfe, 0x80], None).expect_err("no text");
    assert!(error.to_string().contains("neither UTF-8 nor UTF-16LE"));
    let error = Inf::read("/nowhere.inf".as_ref(), &stamp()).expect_err("no file");
    assert!(
        error
            .to_string()
            .starts_with("/nowhere.inf: cannot be read")
    );
}

#[test]
fn utf_16_and_utf_8_with_a_byte_order_mark_say_the_same() {
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(INX.encode_utf16().flat_map(u16::to_le_bytes));
    let mut utf8 = vec![0xef, 0xbb, 0xbf];
    utf8.extend(INX.replace('\n', "\r\n").bytes());
    for bytes in [utf16, utf8] {
        let inf = Inf::parse("some.inx", &bytes, Some(&stamp())).expect("an INF");
        let installation = Installation::plan(&inf, &ids(), &Platform::default());
        assert_eq!(installation.expect("an installation"), planned(INX));
    }
}

#[test]
fn sections_of_one_name_are_one_whatever_their_case() {
    let inf = inf("[A]\nx = 1\n[b]\n[a]\ny = 2, , \"\" ; comment\n");
    let lines = inf.section("A").expect("the section");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1].number, 5);
    assert!(lines[1].is("Y"));
    assert_eq!(lines[1].fields.len(), 1);
    assert_eq!(inf.section("B"), Some([].as_slice()));
}

#[test]
fn a_line_goes_on_after_a_backslash_and_a_path_does_not() {
    let inf = inf("[A]\nx = one, \\ ; comment\n  two, a\\b, \\\n  \"c\\\"\\\n, d\ny = 1\n");
    let lines = inf.section("A").expect("the section");
    let fields: Vec<&str> = lines[0].fields.iter().map(|f| f.text.as_str()).collect();
    assert_eq!(fields, ["one", "two", "a\\b", "c\\", "d"]);
    assert_eq!(lines[1].number, 6);
}

proptest! {
    #[test]
    fn any_text_ends_in_an_answer(text in "[\\[\\]a-c=,;%\"\\\\ \n\\$0-9]{0,200}") {
        if let Ok(inf) = Inf::parse("some.inf", text.as_bytes(), None) {
            let _ = verify(&inf);
        }
    }

    #[test]
    fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Inf::parse("some.inf", &bytes, None);
    }

    #[test]
    fn a_damaged_inf_ends_in_an_answer(
        changes in proptest::collection::vec((0..INX.len(), "[\\[\\]a=,;%\"\\\\ \n0-9]"), 1..12),
    ) {
        let mut text = INX.as_bytes().to_vec();
        for (at, character) in changes {
            text[at] = character.as_bytes()[0];
        }
        if let Ok(inf) = Inf::parse("some.inx", &text, Some(&stamp())) {
            let _ = verify(&inf);
            let _ = Installation::plan(&inf, &ids(), &Platform::default());
        }
    }
}
