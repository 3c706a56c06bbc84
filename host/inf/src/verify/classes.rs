//! Setup classes that Windows brings.

use super::{Checker, Rule};

/// Names and GUIDs, as the documentation of the system's classes lists them.
const CLASSES: [(&str, &str); 38] = [
    ("1394", "6bdd1fc1-810f-11d0-bec7-08002be2092f"),
    ("Battery", "72631e54-78a4-11d0-bcf7-00aa00b7b32a"),
    ("Biometric", "53d29ef7-377c-4d14-864b-eb3a85769359"),
    ("Bluetooth", "e0cbf06c-cd8b-4647-bb8a-263b43f0f974"),
    ("Camera", "ca3e7ab9-b4c3-4ae6-8251-579ef933890f"),
    ("CDROM", "4d36e965-e325-11ce-bfc1-08002be10318"),
    ("DiskDrive", "4d36e967-e325-11ce-bfc1-08002be10318"),
    ("Display", "4d36e968-e325-11ce-bfc1-08002be10318"),
    ("Extension", "e2f84ce7-8efa-411c-aa69-97454ca4cb57"),
    ("FDC", "4d36e969-e325-11ce-bfc1-08002be10318"),
    ("Firmware", "f2e7dd72-6468-4e36-b6f1-6488f42c1b52"),
    ("FloppyDisk", "4d36e980-e325-11ce-bfc1-08002be10318"),
    ("HDC", "4d36e96a-e325-11ce-bfc1-08002be10318"),
    ("HIDClass", "745a17a0-74d3-11d0-b6fe-00a0c90f57da"),
    ("Image", "6bdd1fc6-810f-11d0-bec7-08002be2092f"),
    ("Infrared", "6bdd1fc5-810f-11d0-bec7-08002be2092f"),
    ("Keyboard", "4d36e96b-e325-11ce-bfc1-08002be10318"),
    ("MEDIA", "4d36e96c-e325-11ce-bfc1-08002be10318"),
    ("Modem", "4d36e96d-e325-11ce-bfc1-08002be10318"),
    ("Monitor", "4d36e96e-e325-11ce-bfc1-08002be10318"),
    ("Mouse", "4d36e96f-e325-11ce-bfc1-08002be10318"),
    ("MTD", "4d36e970-e325-11ce-bfc1-08002be10318"),
    ("MultiFunction", "4d36e971-e325-11ce-bfc1-08002be10318"),
    ("Net", "4d36e972-e325-11ce-bfc1-08002be10318"),
    ("PCMCIA", "4d36e977-e325-11ce-bfc1-08002be10318"),
    ("Ports", "4d36e978-e325-11ce-bfc1-08002be10318"),
    ("Printer", "4d36e979-e325-11ce-bfc1-08002be10318"),
    ("Processor", "50127dc3-0f36-415e-a6cc-4cb3be910b65"),
    ("Sample", "78a1c341-4539-11d3-b88d-00c04fad5171"),
    ("SCSIAdapter", "4d36e97b-e325-11ce-bfc1-08002be10318"),
    ("Sensor", "5175d334-c371-4806-b3ba-71fd53c9258d"),
    ("SmartCardReader", "50dd5230-ba8a-11d1-bf5d-0000f805f530"),
    ("SoftwareComponent", "5c4c3332-344d-483c-8739-259e934c9cc8"),
    ("SoftwareDevice", "62f9c741-b25a-46ce-b54c-9bccce08b6f2"),
    ("System", "4d36e97d-e325-11ce-bfc1-08002be10318"),
    ("USB", "36fc9e60-c465-11cf-8056-444553540000"),
    ("USBDevice", "88bae032-5a81-49f0-bc3d-a4ff138216d6"),
    ("Volume", "71a27cdd-812a-11d0-bec7-08002be2092f"),
];

/// Classes for Microsoft's own packages.
const RESERVED: [&str; 1] = ["Sample"];

/// What the class installer wants in every install section, by class.
const NEEDS: [(&str, &str); 1] = [("Net", "Characteristics")];

impl Checker<'_> {
    pub(super) fn class(&mut self) {
        let inf = self.inf;
        let entry = |key| inf.entry("Version", key);
        let (Some(class), Some(guid)) = (entry("Class"), entry("ClassGuid")) else {
            return;
        };
        let by_name = CLASSES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(class.text(0)));
        let by_guid = CLASSES
            .iter()
            .find(|(_, known)| format!("{{{known}}}").eq_ignore_ascii_case(guid.text(0)));
        if by_name != by_guid {
            let text = match (by_name, by_guid) {
                (Some((name, known)), _) => format!("the GUID of class {name} is {{{known}}}"),
                (_, Some((name, _))) => format!("this is the GUID of class {name}"),
                _ => unreachable!("two that differ are not both missing"),
            };
            self.find(Rule::ClassGuid, Some(guid.number), text);
        }
        let is = |name: &str| class.text(0).eq_ignore_ascii_case(name);
        if RESERVED.into_iter().any(is) {
            let text = format!("class {} is Microsoft's; make one", class.text(0));
            self.find(Rule::ReservedClass, Some(class.number), text);
        }
        if by_name.is_some() {
            for name in inf.section_names() {
                if name.to_lowercase().starts_with("classinstall32") {
                    let text = format!("[{name}] is for a class of one's own");
                    self.find(Rule::ClassInstall, inf.line_of(name), text);
                }
            }
        }
        for (_, needed) in NEEDS.into_iter().filter(|(name, _)| is(name)) {
            for (section, _) in self.install_sections() {
                if inf.entry(&section, needed).is_none() {
                    let text = format!(
                        "the class installer of {} refuses [{section}]: it has no {needed}",
                        class.text(0)
                    );
                    self.find(Rule::ClassNeeds, Some(class.number), text);
                }
            }
        }
    }
}
