//! What is read from an INF, and what is installed by it.

use proptest::prelude::*;

use super::*;
use crate::device::Identity;

/// An INX with everything that is followed.
const INX: &str = r#"; A comment; with "quotes" in it
[Version]
Signature   = "$WINDOWS NT$"
Class       = System
ClassGuid   = {4d36e97d-e325-11ce-bfc1-08002be10318}
Provider    = %Maker%
CatalogFile = some.cat
DriverVer   =
PnpLockdown = 1

[DestinationDirs]
DefaultDestDir = 13

[SourceDisksNames]
1 = %Disk%,,,""

[SourceDisksFiles]
some.sys = 1

[Manufacturer]
%Maker% = Models, NT$ARCH$.10.0...16299

[Models.NT$ARCH$.10.0...16299]
%Device% = Install, PCI\VEN_1AF4&DEV_1000&SUBSYS_00011AF4, PCI\VEN_1AF4&DEV_1000
%Other%  = Other, PCI\VEN_1AF4&DEV_2000

[Install.NT]
CopyFiles = Files
AddReg    = Software

[Files]
some.sys

[Software]
HKR,,Answer,0x00010001,42

[Install.NT.HW]
AddReg = Messages, \ ; goes on
         Affinity

[Messages]
HKR, "Interrupt Management", , 0x10
HKR, "Interrupt Management\MessageSignaledInterruptProperties", MSISupported, 0x00010001, 1
HKR, "Interrupt Management\MessageSignaledInterruptProperties", MessageNumberLimit, %REG_DWORD%, 0x2

[Affinity]
HKR, Interrupt Management\Affinity Policy, DevicePolicy, %REG_DWORD%, 4
HKR, Interrupt Management\Affinity Policy, AssignmentSetOverride, 1, 03,00
HKR,, Security,, "D:P(A;;GA;;;SY)"

[install.nt.services]
AddService = some, 0x00000002, Service

[Service]
DisplayName   = %Service%
ServiceType   = 1
StartType     = 3
ErrorControl  = 1
ServiceBinary = %13%\some.sys
AddReg        = Parameters

[Parameters]
HKR, Parameters, Text,    0x00000000, "a ""quoted"" text; no comment, one field"
HKR, Parameters, Path,    0x00020000, "%%SystemRoot%%\some"
HKR, Parameters, Many,    0x00010000, one, "two, three"
HKR, Parameters, Many,    0x00010008, one, four
HKR, Parameters, Bytes,   0x00000001, 01, 0a, ff
HKR, Parameters, Kept,    0x00010003, 7
HKR, Parameters, Kept,    0x00010003, 8
HKR, Parameters, Wide,    0x000b0001, 0x100000000
HKR, Parameters, Minus,   0x00010001, -1
HKR, Parameters, Gone,,   x
HKR, Parameters, Gone, 4

[Install.NT.Wdf]
KmdfService = some, Framework

[Framework]
KmdfLibraryVersion = $KMDFVERSION$

[Strings]
REG_DWORD = 0x00010001
Maker     = "Some, Inc."
Device    = "Some device"
Other     = "Another device"
Service   = "Some service"
Disk      = "Some disk"
"#;

fn stamp() -> Stamp {
    Stamp {
        architecture: "amd64".to_owned(),
        kmdf_version: "1.15".to_owned(),
        date: "11/20/2026".to_owned(),
        version: "1.2.3.4".to_owned(),
    }
}

fn parse(text: &str) -> Result<Inf, InfError> {
    Inf::parse("some.inx", text.as_bytes(), Some(&stamp()))
}

fn inf(text: &str) -> Inf {
    parse(text).expect("an INF")
}

fn ids() -> DeviceIds {
    DeviceIds::of_pci(&Identity {
        vendor: 0x1af4,
        device: 0x1000,
        subsystem_vendor: 0x1af4,
        subsystem: 1,
        revision: 0x10,
        class: 0xff_0000,
        bars: Vec::new(),
        messages: 1,
        interrupt_pin: true,
    })
}

fn plan(text: &str) -> Result<Installation, InstallError> {
    Installation::plan(&inf(text), &ids(), &Platform::default())
}

fn planned(text: &str) -> Installation {
    plan(text).expect("an installation")
}

/// What is said of an INF that differs from the good one in one place.
fn complaint(from: &str, to: &str) -> String {
    assert!(INX.contains(from), "{from}");
    match plan(&INX.replacen(from, to, 1)) {
        Ok(_) => "no complaint".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The number of the line with that text.
fn line(text: &str) -> usize {
    1 + INX
        .lines()
        .position(|line| line.contains(text))
        .expect("a line")
}

#[test]
fn a_pci_function_has_the_identifiers_that_windows_gives_it() {
    let ids = ids();
    assert_eq!(
        ids.hardware,
        [
            "PCI\\VEN_1AF4&DEV_1000&SUBSYS_00011AF4&REV_10",
            "PCI\\VEN_1AF4&DEV_1000&SUBSYS_00011AF4",
            "PCI\\VEN_1AF4&DEV_1000&CC_FF0000",
            "PCI\\VEN_1AF4&DEV_1000&CC_FF00",
        ]
    );
    assert_eq!(ids.compatible[1], "PCI\\VEN_1AF4&DEV_1000");
    assert_eq!(
        ids.compatible.last().map(String::as_str),
        Some("PCI\\CC_FF00")
    );
}

#[test]
fn an_inf_is_followed_to_the_service_its_image_and_the_keys() {
    let installation = planned(INX);
    assert_eq!(installation.description, "Some device");
    assert_eq!(installation.provider, "Some, Inc.");
    assert_eq!(installation.class, "System");
    assert_eq!(installation.driver_version, "11/20/2026,1.2.3.4");
    assert_eq!(
        installation.matched_id,
        "PCI\\VEN_1AF4&DEV_1000&SUBSYS_00011AF4"
    );
    assert_eq!(installation.section, "Install.NT");
    assert_eq!(installation.kmdf_version, Some((1, 15)));
    assert_eq!(
        installation.service,
        Service {
            name: "some".to_owned(),
            display_name: Some("Some service".to_owned()),
            image: "some.sys".to_owned(),
            directory: 13,
            start_type: 3,
            error_control: 1,
        }
    );
    assert_eq!(installation.software_key.dword("", "answer"), Some(42));
    assert_eq!(installation.service_key.dword("", "Type"), Some(1));
    assert_eq!(
        installation.service_key.value("ImagePath"),
        Some(&RegistryValue::ExpandString(
            "\\SystemRoot\\System32\\DriverStore\\FileRepository\\some.inf_amd64\\some.sys"
                .to_owned()
        ))
    );
    assert_eq!(installation.not_followed, [""; 0]);
}

#[test]
fn registry_values_get_the_types_and_the_data_that_addreg_says() {
    let installation = planned(INX);
    let parameters = installation
        .service_key
        .open("Parameters")
        .expect("the key");
    let text = |text: &str| text.to_owned();
    for (name, value) in [
        (
            "text",
            RegistryValue::String(text("a \"quoted\" text; no comment, one field")),
        ),
        (
            "Path",
            RegistryValue::ExpandString(text("%SystemRoot%\\some")),
        ),
        (
            "Many",
            RegistryValue::MultiString(vec![text("one"), text("two, three"), text("four")]),
        ),
        ("Bytes", RegistryValue::Binary(vec![1, 10, 255])),
        // Not to be replaced once it is there.
        ("Kept", RegistryValue::Dword(7)),
        ("Wide", RegistryValue::Qword(1 << 32)),
        ("Minus", RegistryValue::Dword(u32::MAX)),
    ] {
        assert_eq!(parameters.value(name), Some(&value), "{name}");
    }
    assert_eq!(parameters.value("Gone"), None);
    assert_eq!(
        installation.hardware_key.value("Security"),
        Some(&RegistryValue::String(text("D:P(A;;GA;;;SY)")))
    );
}

#[test]
fn a_value_has_the_bytes_that_the_kernel_gives_a_driver() {
    let bytes = |value: RegistryValue| (value.kind(), value.to_bytes());
    assert_eq!(
        bytes(RegistryValue::String("a".to_owned())),
        (1, vec![b'a', 0, 0, 0])
    );
    assert_eq!(bytes(RegistryValue::Dword(1)), (4, vec![1, 0, 0, 0]));
    assert_eq!(
        bytes(RegistryValue::MultiString(vec!["a".to_owned()])),
        (7, vec![b'a', 0, 0, 0, 0, 0])
    );
}

#[test]
fn messages_are_granted_only_if_the_inf_asks_for_them() {
    let installation = planned(INX);
    assert_eq!(installation.msi, Some(MsiGrant { limit: Some(2) }));
    assert_eq!(
        installation.affinity,
        AffinityPolicy {
            policy: Some(4),
            priority: None,
            processors: Some(3),
        }
    );
    let off = "MSISupported, 0x00010001, 0";
    let without = planned(&INX.replace("MSISupported, 0x00010001, 1", off));
    assert_eq!(without.msi, None);
    let without = planned(&INX.replace("AddReg = Messages, \\", "AddReg = \\"));
    assert_eq!(without.msi, None);
}

#[test]
fn a_device_that_the_inf_is_not_for_is_told_both_lists() {
    let text = INX.replace("DEV_1000", "DEV_9999");
    let error = plan(&text).expect_err("no match").to_string();
    assert!(
        error.starts_with(
            "some.inx: no model matches the device: it is PCI\\VEN_1AF4&DEV_1000&SUBSYS_00011AF4\
             &REV_10, "
        ),
        "{error}"
    );
    assert!(
        error.ends_with(
            "the INF is for PCI\\VEN_1AF4&DEV_2000, PCI\\VEN_1AF4&DEV_9999, \
             PCI\\VEN_1AF4&DEV_9999&SUBSYS_00011AF4"
        ),
        "{error}"
    );
}

#[test]
fn the_most_specific_identifier_decides() {
    let better = "%Other%  = Other, PCI\\VEN_1AF4&DEV_1000&SUBSYS_00011AF4&REV_10";
    let text = INX.replace("%Other%  = Other, PCI\\VEN_1AF4&DEV_2000", better);
    let text = text
        .replace("Install.NT", "Other.NT")
        .replace("install.nt", "other.nt");
    assert_eq!(planned(&text).description, "Another device");
}

#[test]
fn an_inf_for_another_architecture_or_a_later_windows_does_not_install() {
    let error = complaint(
        "%Maker% = Models, NT$ARCH$.10.0",
        "%Maker% = Models, NTarm64.10.0",
    );
    assert_eq!(
        error,
        format!(
            "some.inx:{}: no models for amd64 Windows 10.0.22631: [Manufacturer] offers \
             NTarm64.10.0...16299; add NTamd64 to it and to the models' section",
            line("[Manufacturer]")
        )
    );
    let later = INX.replace("10.0...16299", "10.0...99999");
    assert!(
        plan(&later)
            .expect_err("too late")
            .to_string()
            .contains("no models for")
    );
    let undecorated = INX.replace(", NT$ARCH$.10.0...16299", "");
    let error = plan(&undecorated).expect_err("x86 only").to_string();
    assert!(error.contains("offers no architecture"), "{error}");
}

#[test]
fn the_models_of_the_latest_windows_that_fits_are_chosen() {
    let text = INX.replace(
        "%Maker% = Models, NT$ARCH$.10.0...16299",
        "%Maker% = Models, NTamd64, NTamd64.10.0...16299, NTamd64.10.0...30000",
    ) + "\n[Models.NTamd64]\n[Models.NTamd64.10.0...30000]\n";
    assert_eq!(planned(&text).description, "Some device");
}

#[test]
fn what_is_missing_is_named_with_the_line_that_wants_it() {
    let at = |text: &str| format!("some.inx:{}: ", line(text));
    assert_eq!(
        complaint("[Models.NT", "[Mdls.NT"),
        at("%Maker% = Models")
            + "section [Models.NTamd64.10.0...16299] is named here and does not exist"
    );
    assert_eq!(
        complaint("[Install.NT]", "[Setup.NT]"),
        at("%Device% =") + "section [Install] is named here and does not exist"
    );
    assert_eq!(
        complaint("[install.nt.services]", "[Install.NT.Servces]"),
        at("[Install.NT]") + "section [Install.NT.Services] is named here and does not exist"
    );
    assert_eq!(
        complaint("[Service]", "[Srvice]"),
        at("AddService =") + "section [Service] is named here and does not exist"
    );
    assert_eq!(
        complaint("[Messages]", "[Mssages]"),
        at("AddReg = Messages") + "section [Messages] is named here and does not exist"
    );
    assert_eq!(
        complaint("StartType     = 3\n", ""),
        at("[Service]") + "section [Service] has no StartType"
    );
    assert_eq!(
        complaint("0x00000002, Service", "0, Service"),
        at("[install.nt.services]")
            + "[Install.NT.Services] must have exactly one AddService with flag 2 (the device's \
               function driver), it has 0"
    );
    assert!(complaint("[Version]", "[Vrsion]").contains("not an INF of Windows"));
    assert!(complaint("[Manufacturer]", "[Maker]").contains("[Manufacturer]"));
}

#[test]
fn what_is_wrong_is_shown_with_what_it_has_to_be() {
    let at = |text: &str| format!("some.inx:{}: ", line(text));
    assert_eq!(
        complaint("= %13%\\some.sys", "= %11%\\some.sys"),
        at("ServiceBinary")
            + "ServiceBinary is \"\\\\some.sys\", it has to be %13%\\name.sys (the driver store) \
               or %12%\\name.sys"
    );
    assert_eq!(
        complaint("DefaultDestDir = 13", "DefaultDestDir = 12"),
        at("[Install.NT]")
            + "ServiceBinary is some.sys in directory 13, and no CopyFiles puts it there (copied: \
               some.sys to 12)"
    );
    assert!(complaint("ServiceType   = 1", "ServiceType   = 0x10").contains("SERVICE_KERNEL"));
    assert!(complaint("some.sys = 1", "other.sys = 1").contains("[SourceDisksFiles] does not"));
    assert!(complaint("some.sys = 1", "some.sys = 2").contains("[SourceDisksNames]"));
    assert!(complaint("HKR,,Answer", "HKLM,,Answer").contains("it has to be HKR"));
    assert!(complaint("0x00010001,42", "0x00010001,many").contains("a 32-bit number"));
    assert!(complaint("KmdfService = some", "KmdfService = other").contains("AddService names"));
}

#[test]
fn a_filter_beside_the_function_driver_has_a_framework_line_of_its_own() {
    let with_filter = INX.replacen(
        "KmdfService = some, Framework",
        "KmdfService = filter, Framework\nKmdfService = some, Framework",
        1,
    );
    assert_eq!(
        planned(&with_filter).kmdf_version,
        planned(INX).kmdf_version
    );
}

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

#[test]
fn an_inf_that_keeps_the_rules_has_no_findings() {
    assert_eq!(verify(&inf(INX)), []);
}

#[test]
fn each_rule_of_a_windows_driver_finds_its_breach() {
    for (rule, at, from, to) in [
        (
            Rule::CatalogFile,
            "[Version]",
            "CatalogFile = some.cat\n",
            "",
        ),
        (
            Rule::PnpLockdown,
            "PnpLockdown",
            "PnpLockdown = 1",
            "PnpLockdown = 0",
        ),
        (Rule::Version, "ClassGuid", "{4d36e97d-e325", "{4d36e97d-"),
        (Rule::Version, "Provider", "= %Maker%\nCat", "=\nCat"),
        (Rule::DriverStore, "DefaultDestDir", "= 13", "= 12"),
        (Rule::DriverStore, "ServiceBinary", "%13%", "%12%"),
        (
            Rule::RelativeRegistry,
            "HKR,,Answer",
            "HKR,,Answer",
            "HKLM,,Answer",
        ),
        (
            Rule::Architecture,
            "%Maker% = Models",
            ", NT$ARCH$.10.0...16299",
            "",
        ),
        (
            Rule::Directive,
            "AddReg    = Software",
            "AddReg    =",
            "DelReg =",
        ),
        (
            Rule::Reference,
            "AddReg = Messages",
            "[Messages]",
            "[Mssages]",
        ),
        (
            Rule::Section,
            "[Software]",
            "[Software]",
            "[Install.NT.CoInstallers]",
        ),
    ] {
        let findings = verify(&inf(&INX.replacen(from, to, 1)));
        let found = findings
            .iter()
            .find(|finding| finding.rule == rule)
            .unwrap_or_else(|| panic!("{rule}: {findings:?}"));
        assert_eq!(
            found.line.map(|line| line as usize),
            Some(line(at)),
            "{found}"
        );
    }
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
