//! What an INF leaves of a device.

use super::*;

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
    let text = INX.replace("%Other%  = Install, PCI\\VEN_1AF4&DEV_2000", better);
    let text = text
        .replace("= Install,", "= Other,")
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
    let text = INX.replace("10.0...16299", "10.0...17134").replace(
        "%Maker% = Models, NT$ARCH$.10.0...17134",
        "%Maker% = Models, NTamd64.10.0...16299, NTamd64.10.0...17134, NTamd64.10.0...30000",
    ) + "\n[Models.NTamd64.10.0...16299]\n[Models.NTamd64.10.0...30000]\n";
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
    assert!(complaint("HKR,,Answer", "HKEY,,Answer").contains("it has to be HKR"));
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
fn an_inf_that_no_package_can_be_signed_with_is_refused() {
    for (from, to, code) in [
        ("CatalogFile = some.cat\n", "", "1233"),
        ("{4d36e97d", "{4d36e972", "class-guid"),
        ("[Install.NT.Wdf]", "[Elsewhere]", "wdf"),
        ("StartType     = 3", "StartType     = 0", "start-type"),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(code), "{complaint}");
    }
    let net = INX
        .replace("Class       = System", "Class       = Net")
        .replace("{4d36e97d", "{4d36e972");
    let error = plan(&net).expect_err("a network adapter").to_string();
    assert!(error.contains("class-needs"), "{error}");
}

#[test]
fn an_inf_that_is_not_isolated_installs_and_is_told_of() {
    assert_eq!(planned(INX).not_isolated, []);
    for (from, to, code) in [
        ("PnpLockdown = 1\n", "", "1324"),
        ("HKR,,Answer", "HKLM,Software\\Some,Answer", "1321"),
        ("NT$ARCH$.10.0...16299", "NT$ARCH$", "1199"),
    ] {
        assert!(INX.contains(from), "{from}");
        let found = planned(&INX.replace(from, to)).not_isolated;
        let codes: Vec<_> = found.iter().map(|finding| finding.rule.code()).collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn what_another_package_wrote_into_the_hardware_key_is_still_there() {
    let before = planned(INX);
    let text = INX.replace("MSISupported, 0x00010001, 1", "Unrelated, 0x00010001, 1");
    let over = |key: &RegistryKey| {
        Installation::plan_over(key, &inf(&text), &ids(), &Platform::default()).expect("installed")
    };
    assert_eq!(over(&RegistryKey::default()).msi, None);
    assert_eq!(over(&before.hardware_key).msi, before.msi);
}

#[test]
fn a_security_descriptor_that_cannot_be_read_is_refused() {
    let complaint = complaint("D:P(A;;GA;;;SY)", "everybody");
    assert!(complaint.contains("SDDL"), "{complaint}");
}
