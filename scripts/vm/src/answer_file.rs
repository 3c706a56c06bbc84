//! The answer file for Windows Setup: filled in, and held against what an installation without a hand takes.

use roxmltree::{Document, Node};

use crate::Error;

const TEMPLATE: &str = include_str!("autounattend.xml");

/// What differs between media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The medium's language.
    pub language: String,
    /// Which of the medium's editions: its number, or its name.
    pub edition: String,
    /// A product key, or nothing.
    pub product_key: String,
}

/// Fills the answer file in.
///
/// # Errors
/// The result is no answer file.
pub fn fill_in(wishes: &Wishes) -> Result<String, Error> {
    let is_number = wishes.edition.bytes().all(|byte| byte.is_ascii_digit());
    let key = if is_number { "INDEX" } else { "NAME" };
    let text = TEMPLATE
        .replace("@LANGUAGE@", &escaped(&wishes.language))
        .replace("@EDITION_KEY@", key)
        .replace("@EDITION@", &escaped(&wishes.edition))
        .replace("@PRODUCT_KEY@", &escaped(&wishes.product_key))
        // Setup is a program for Windows.
        .replace('\n', "\r\n");
    match faults(&text).as_slice() {
        [] => Ok(text),
        faults => Err(Error::Input(format!(
            "this makes no answer file: {}",
            faults.join("; ")
        ))),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What Setup must find: the pass, the component, the path below it, and the value where it is one only.
const NEEDED: &[(&str, &str, &str, &str)] = {
    const SETUP: &str = "Microsoft-Windows-Setup";
    const SHELL: &str = "Microsoft-Windows-Shell-Setup";
    const PE: &str = "windowsPE";
    const OOBE: &str = "oobeSystem";
    &[
        (
            PE,
            "Microsoft-Windows-International-Core-WinPE",
            "SetupUILanguage/UILanguage",
            "",
        ),
        (
            PE,
            "Microsoft-Windows-International-Core-WinPE",
            "UILanguage",
            "",
        ),
        (PE, SETUP, "UserData/AcceptEula", "true"),
        (PE, SETUP, "UserData/ProductKey/WillShowUI", "OnError"),
        (PE, SETUP, "DiskConfiguration/Disk/DiskID", "0"),
        (PE, SETUP, "DiskConfiguration/Disk/WillWipeDisk", "true"),
        (
            PE,
            SETUP,
            "DiskConfiguration/Disk/CreatePartitions/CreatePartition/Extend",
            "true",
        ),
        (
            PE,
            SETUP,
            "DiskConfiguration/Disk/ModifyPartitions/ModifyPartition/Active",
            "true",
        ),
        (PE, SETUP, "ImageInstall/OSImage/InstallTo/DiskID", "0"),
        (PE, SETUP, "ImageInstall/OSImage/InstallTo/PartitionID", "2"),
        (
            PE,
            SETUP,
            "ImageInstall/OSImage/InstallFrom/MetaData/Key",
            "",
        ),
        (
            PE,
            SETUP,
            "ImageInstall/OSImage/InstallFrom/MetaData/Value",
            "",
        ),
        ("specialize", SHELL, "ComputerName", ""),
        ("specialize", SHELL, "TimeZone", "UTC"),
        (
            OOBE,
            "Microsoft-Windows-International-Core",
            "UILanguage",
            "",
        ),
        (OOBE, SHELL, "OOBE/HideEULAPage", "true"),
        (OOBE, SHELL, "OOBE/HideOnlineAccountScreens", "true"),
        (OOBE, SHELL, "OOBE/HideWirelessSetupInOOBE", "true"),
        (OOBE, SHELL, "OOBE/ProtectYourPC", "3"),
        (
            OOBE,
            SHELL,
            "UserAccounts/LocalAccounts/LocalAccount/Group",
            "Administrators",
        ),
        (OOBE, SHELL, "AutoLogon/Enabled", "true"),
        (OOBE, SHELL, "AutoLogon/LogonCount", ""),
    ]
};

/// Parts of commands that must be run: the pass, and the text.
const COMMANDS: &[(&str, &str)] = &[
    ("windowsPE", "LabConfig /v BypassTPMCheck "),
    ("windowsPE", "LabConfig /v BypassSecureBootCheck "),
    ("windowsPE", "LabConfig /v BypassRAMCheck "),
    ("windowsPE", "LabConfig /v BypassCPUCheck "),
    ("windowsPE", "LabConfig /v BypassStorageCheck "),
    ("specialize", "OOBE /v BypassNRO "),
    (
        "oobeSystem",
        "-ExecutionPolicy Bypass -File %d:\\edu_kmdf\\windows\\guest\\begin.ps1",
    ),
];

/// The longest command that Setup takes.
const LONGEST_COMMAND: usize = 259;

/// What is wrong with an answer file.
#[must_use]
pub fn faults(text: &str) -> Vec<String> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![format!("it is not XML: {error}")],
    };
    let root = document.root_element();
    let mut faults = Vec::new();
    if !root.has_tag_name(("urn:schemas-microsoft-com:unattend", "unattend")) {
        faults.push("its root is not unattend".to_owned());
    }
    for (pass, component, path, wanted) in NEEDED {
        let found = values(root, pass, component, path);
        let right = found.iter().any(|value| match *wanted {
            "" => !value.is_empty(),
            wanted => value == wanted,
        });
        if !right {
            faults.push(format!(
                "{pass}/{component}/{path} is {found:?}, not {wanted:?}"
            ));
        }
    }
    for (pass, part) in COMMANDS {
        if !commands(root, pass).any(|command| command.contains(part)) {
            faults.push(format!("{pass} does not run {part:?}"));
        }
    }
    let all = ["windowsPE", "specialize", "oobeSystem"].map(|pass| commands(root, pass));
    for long in all
        .into_iter()
        .flatten()
        .filter(|command| command.len() > LONGEST_COMMAND)
    {
        faults.push(format!("a command is too long: {long}"));
    }
    for component in root
        .descendants()
        .filter(|node| node.tag_name().name() == "component")
    {
        if component.attribute("processorArchitecture") != Some("amd64") {
            faults.push(format!("{:?} is not for x64", component.attribute("name")));
        }
    }
    faults.extend(account(root));
    faults
}

/// Who is logged on must be the account that is made, by the same password.
fn account(root: Node) -> Option<String> {
    let of = |path: &str| values(root, "oobeSystem", "Microsoft-Windows-Shell-Setup", path);
    let made = "UserAccounts/LocalAccounts/LocalAccount";
    let same = of(&format!("{made}/Name")) == of("AutoLogon/Username")
        && of(&format!("{made}/Password/Value")) == of("AutoLogon/Password/Value");
    (!same).then(|| "who is logged on is not the account that is made".to_owned())
}

fn named<'a>(node: Node<'a, 'a>, name: &str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children()
        .filter(move |child| child.tag_name().name() == name)
}

/// The texts at a path.
fn values(root: Node, pass: &str, component: &str, path: &str) -> Vec<String> {
    let mut nodes: Vec<_> = named(root, "settings")
        .filter(|node| node.attribute("pass") == Some(pass))
        .flat_map(|settings| named(settings, "component"))
        .filter(|node| node.attribute("name") == Some(component))
        .collect();
    for name in path.split('/') {
        nodes = nodes
            .into_iter()
            .flat_map(|node| named(node, name))
            .collect();
    }
    let texts = nodes
        .into_iter()
        .map(|node| node.text().unwrap_or_default());
    texts.map(|text| text.trim().to_owned()).collect()
}

/// The commands of a pass.
fn commands<'a>(root: Node<'a, 'a>, pass: &str) -> impl Iterator<Item = &'a str> {
    named(root, "settings")
        .filter(move |node| node.attribute("pass") == Some(pass))
        .flat_map(|settings| settings.descendants())
        .filter(|node| matches!(node.tag_name().name(), "Path" | "CommandLine"))
        .filter_map(|node| node.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes {
            language: "en-US".into(),
            edition: "1".into(),
            product_key: String::new(),
        }
    }

    #[test]
    fn the_answer_file_has_all_that_an_installation_without_a_hand_takes() {
        let text = fill_in(&wishes()).expect("an answer file");
        assert!(text.contains("<Key>/IMAGE/INDEX</Key>"));
        assert!(!text.contains('@'), "a word is not filled in");
    }

    #[test]
    fn an_edition_may_be_named_and_needs_no_escaping_by_the_user() {
        let edition = "Windows 11 <Pro & N>".into();
        let text = fill_in(&Wishes {
            edition,
            ..wishes()
        })
        .expect("an answer file");
        assert!(text.contains("<Key>/IMAGE/NAME</Key>"));
        assert!(text.contains("Windows 11 &lt;Pro &amp; N&gt;"));
    }

    #[test]
    fn an_empty_wish_makes_no_answer_file() {
        let language = String::new();
        let error = fill_in(&Wishes {
            language,
            ..wishes()
        })
        .expect_err("no language");
        assert!(error.to_string().contains("UILanguage"), "{error}");
    }

    #[test]
    fn each_line_that_is_needed_is_missed() {
        let text = fill_in(&wishes()).expect("an answer file");
        for (pass, _, path, _) in NEEDED {
            let name = path.rsplit('/').next().expect("a name");
            let broken = text.replace(&format!("<{name}>"), "<Other>");
            let broken = broken.replace(&format!("</{name}>"), "</Other>");
            assert!(!faults(&broken).is_empty(), "{pass}/{path}");
        }
        for (_, part) in COMMANDS {
            assert!(!faults(&text.replace(part, "")).is_empty(), "{part}");
        }
        for (from, to) in [
            ("</unattend>", ""),
            (
                "<unattend xmlns=\"urn:schemas-microsoft-com:unattend\"",
                "<unattend xmlns=\"urn:x\"",
            ),
            ("amd64", "arm64"),
            ("<Username>tester", "<Username>other"),
            ("<Path>reg.exe", &format!("<Path>{}", "x".repeat(300))),
        ] {
            assert!(!faults(&text.replacen(from, to, 1)).is_empty(), "{from}");
        }
    }
}
