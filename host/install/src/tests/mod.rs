//! What is read from an INF, and what is installed by it.

mod plan;
mod text;

use kmdf_bus::Identity;
use proptest::prelude::*;

use super::*;

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
%Other%  = Install, PCI\VEN_1AF4&DEV_2000

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
        messages: 1,
        interrupt_pin: true,
        ..Identity::default()
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
