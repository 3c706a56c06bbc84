//! Each rule has an INF that breaks it, a change of one that breaks none.

use super::*;
use crate::{InfError, Stamp};

const INX: &str = r#"[Version]
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
1 = %Disk%

[SourceDisksFiles]
some.sys = 1

[Manufacturer]
%Maker% = Models, NT$ARCH$.10.0...16299

[Models.NT$ARCH$.10.0...16299]
%Device% = Install, PCI\VEN_1AF4&DEV_1000

[Install.NT]
CopyFiles = Files

[Files]
some.sys

[Install.NT.HW]
AddReg = Messages
Include = machine.inf
Needs = Elsewhere.HW

[Messages]
HKR,, Answer, 0x00010001, 42

[Install.NT.Services]
AddService = some, 0x00000002, Service

[Service]
ServiceType   = 1
StartType     = 3
ErrorControl  = 1
ServiceBinary = %13%\some.sys
AddReg        = Parameters

[Parameters]
HKR, Parameters, Many, 0x00010000, one

[Install.NT.Wdf]
KmdfService = some, Framework

[Framework]
KmdfLibraryVersion = $KMDFVERSION$

[Strings]
Maker  = "Some, Inc."
Device = "Some device"
Disk   = "Some disk"
"#;

fn parse(text: &str) -> Result<Inf, InfError> {
    let stamp = Stamp {
        architecture: "amd64".to_owned(),
        kmdf_version: "1.15".to_owned(),
        date: "11/20/2026".to_owned(),
        version: "1.2.3.4".to_owned(),
    };
    Inf::parse("some.inx", text.as_bytes(), Some(&stamp))
}

#[test]
fn an_inf_that_keeps_the_rules_has_no_findings() {
    assert_eq!(verify(&parse(INX).expect("an INF")), []);
}

#[test]
fn the_section_of_a_umdf_service_has_to_exist_as_that_of_a_kmdf_service() {
    let umdf = INX
        .replace("KmdfService = some", "UmdfService = some")
        .replace(
            "KmdfLibraryVersion = $KMDFVERSION$",
            "UmdfLibraryVersion = 2.15.0",
        );
    assert_eq!(verify(&parse(&umdf).expect("an INF")), []);
    let findings = verify(&parse(&umdf.replace("[Framework]", "[Frmwork]")).expect("an INF"));
    let rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&Rule::SectionNotFound), "{findings:?}");
}

/// Each rule, the line that is blamed, and the change that breaks it.
const BROKEN: &[(Rule, &str, &str, &str)] = &[
    (
        Rule::TooNewSyntax,
        "%Maker% =",
        "NT$ARCH$.10.0...16299\n\n",
        "NT$ARCH$.10.0\n\n",
    ),
    (
        Rule::SectionNotFound,
        "AddReg = Messages",
        "[Messages]",
        "[Mssages]",
    ),
    (Rule::SectionNotFound, "%Maker% =", "[Models.NT", "[Mdls.NT"),
    (
        Rule::SectionNotFound,
        "%Device% =",
        "= Install,",
        "= Setup,",
    ),
    (
        Rule::SectionNotFound,
        "AddService",
        ", Service\n",
        ", Srvice\n",
    ),
    (Rule::SectionNotFound, "CopyFiles", "= Files", "= some.sys"),
    (
        Rule::ProviderMicrosoft,
        "Provider",
        "%Maker%",
        "\"Microsoft\"",
    ),
    (
        Rule::SharedSection,
        "AddReg        =",
        "= Parameters",
        "= Files",
    ),
    (
        Rule::DefaultInstall,
        "[DefaultInstall",
        "[Strings]",
        "[DefaultInstall.NTamd64]\n[Strings]",
    ),
    (Rule::DriverVersion, "[Version]", "DriverVer   =\n", ""),
    (
        Rule::ServicesKey,
        "HKLM",
        "HKR,,",
        "HKLM,SYSTEM\\CurrentControlSet\\Services\\some,",
    ),
    (
        Rule::SourceFile,
        "other.dll",
        "[Files]\nsome.sys",
        "[Files]\nother.dll\nsome.sys",
    ),
    (
        Rule::CatalogFile,
        "[Version]",
        "CatalogFile = some.cat\n",
        "",
    ),
    (Rule::CatalogFile, "CatalogFile", "some.cat", "some.inf"),
    (Rule::ReservedClass, "Class       =", "= System", "= Sample"),
    (
        Rule::ClassInstall,
        "[ClassInstall32]",
        "[Strings]",
        "[ClassInstall32]\n[Strings]",
    ),
    (
        Rule::NoService,
        "[Install.NT]",
        "[Install.NT.Services]",
        "[Install.NT.Servces]",
    ),
    (
        Rule::NoDevice,
        "[Manufacturer]",
        ", PCI\\VEN_1AF4&DEV_1000",
        "",
    ),
    (
        Rule::LegacySection,
        "[Install.NT.CoInst",
        "[Strings]",
        "[Install.NT.CoInstallers]\n[Strings]",
    ),
    (
        Rule::LegacyOperation,
        "DelReg",
        "AddReg = Messages",
        "DelReg = Messages",
    ),
    (
        Rule::CoInstaller,
        "CoInstallers32",
        "Answer,",
        "CoInstallers32,",
    ),
    (Rule::AppendedStrings, "Many", "0x00010000", "0x00010008"),
    (
        Rule::NeedsWithoutInclude,
        "Needs",
        "Include = machine.inf\n",
        "",
    ),
    (
        Rule::RegistryKey,
        "HKLM",
        "HKR,, Answer, 0x00010001, 42",
        "HKLM, Software\\Some",
    ),
    (
        Rule::RegistryValue,
        "HKLM",
        "HKR,, Answer",
        "HKLM, Software\\Some, Answer",
    ),
    (Rule::DriverStore, "DefaultDestDir", "= 13", "= 12"),
    (Rule::DriverStore, "DefaultDestDir", "= 13", "= 13,below"),
    (Rule::DriverStore, "ServiceBinary", "%13%", "%12%"),
    (Rule::ServiceParameters, "Many", "HKR, Parameters,", "HKR,,"),
    (Rule::PnpLockdown, "[Version]", "PnpLockdown = 1\n", ""),
    (
        Rule::PnpLockdown,
        "PnpLockdown",
        "= 1\n\n[Dest",
        "= 0\n\n[Dest",
    ),
    (
        Rule::UnusedSection,
        "[Lonely]",
        "[Strings]",
        "[Lonely]\n[Strings]",
    ),
    (
        Rule::ServiceBinary,
        "ServiceBinary",
        "%13%\\some.sys",
        "%13%\\other.sys",
    ),
    (
        Rule::IgnoredDirective,
        "LogConfig",
        "CopyFiles = Files",
        "CopyFiles = Files\nLogConfig = Files",
    ),
    (Rule::Version, "Signature", "$WINDOWS NT$", "$CHICAGO"),
    (Rule::Version, "ClassGuid", "{4d36e97d-e325", "{4d36e97d-"),
    (Rule::ClassGuid, "ClassGuid", "{4d36e97d", "{4d36e972"),
    (Rule::ClassGuid, "ClassGuid", "= System", "= Mine"),
    (Rule::ClassNeeds, "Class       =", "= System", "= Net"),
    (Rule::Models, "%Maker% =", ", NT$ARCH$.10.0...16299", ""),
    (
        Rule::Models,
        "%Maker% =",
        "Models, NT$ARCH$.10.0...",
        "Models, NT$ARCH$.10.0.3..",
    ),
    (Rule::StartType, "StartType", "= 3", "= 0"),
    (Rule::Wdf, "[Install.NT]", "[Install.NT.Wdf]", "[Lonely]"),
];

#[test]
fn each_rule_finds_its_breach_and_blames_the_line() {
    for (rule, at, from, to) in BROKEN {
        assert!(INX.contains(from), "{from}");
        let text = INX.replacen(from, to, 1);
        let findings = verify(&parse(&text).expect("an INF"));
        let found = findings
            .iter()
            .find(|finding| finding.rule == *rule)
            .unwrap_or_else(|| panic!("{rule}: {from} -> {to}: {findings:?}"));
        let line = text.lines().position(|line| line.contains(at));
        assert_eq!(
            found.line,
            line.map(|line| u32::try_from(line + 1).expect("short")),
            "{found}"
        );
    }
}

#[test]
fn no_rule_is_without_an_inf_that_breaks_it() {
    for rule in Rule::ALL {
        assert!(BROKEN.iter().any(|(broken, ..)| broken == rule), "{rule}");
    }
}

#[test]
fn a_network_adapter_with_what_its_class_installer_wants_is_left_alone() {
    let text = INX
        .replace("= System", "= Net")
        .replace("{4d36e97d", "{4d36e972")
        .replace("[Install.NT]\n", "[Install.NT]\nCharacteristics = 0x84\n");
    assert_eq!(verify(&parse(&text).expect("an INF")), []);
}
