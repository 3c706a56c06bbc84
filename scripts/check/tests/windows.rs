//! The scripts of `scripts/windows`, and what tells how to run them.

use std::{fs, path::Path};

use script_check::{RULES, Script};

fn scripts() -> Vec<Script> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../windows");
    let mut scripts: Vec<Script> = ["", "guest/"]
        .into_iter()
        .flat_map(|below| {
            let files = fs::read_dir(directory.join(below)).expect("the scripts");
            files.filter_map(move |entry| {
                let path = entry.expect("a file").path();
                let name = format!("{below}{}", path.file_name()?.to_str()?);
                let is_script = path.extension().is_some_and(|extension| extension == "ps1");
                let text = is_script.then(|| fs::read_to_string(&path).expect("a text"))?;
                Some(Script::parse(&name, &text))
            })
        })
        .collect();
    scripts.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(scripts.len() >= 12, "{}", scripts.len());
    scripts
}

#[test]
fn the_scripts_for_windows_break_no_rule() {
    let scripts = scripts();
    for rule in RULES {
        let breaches = (rule.breaches)(&scripts);
        assert!(breaches.is_empty(), "{}: {breaches:?}", rule.text);
    }
}

#[test]
fn each_rule_finds_a_script_that_breaks_it() {
    for rule in RULES {
        let (name, text) = rule.broken;
        let breaches = (rule.breaches)(&[Script::parse(name, text)]);
        assert!(!breaches.is_empty(), "{}", rule.text);
    }
}

#[test]
fn a_function_is_known_where_its_script_is_dot_sourced_and_nowhere_else() {
    let function = ("guest/a.ps1", "function Send-Line { param($Value) $Value }");
    let knows = (
        "guest/b.ps1",
        ". \"$PSScriptRoot\\a.ps1\"\nSend-Line -Value 1",
    );
    let guesses = ("c.ps1", "Send-Line -Value 1");
    let scripts = [function, knows, guesses].map(|(name, text)| Script::parse(name, text));
    let rule = RULES
        .iter()
        .find(|rule| rule.text.starts_with("what is called"))
        .expect("the rule");
    let breaches = (rule.breaches)(&scripts);
    assert_eq!(breaches, ["c.ps1:1: there is no such command"]);
}

/// A client's Windows runs no script without it.
#[test]
fn whatever_names_a_script_to_run_says_execution_policy_bypass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in [
        "README.md",
        "Makefile.toml",
        "CONTRIBUTING.md",
        "docs/windows.md",
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            let runs =
                line.contains(".ps1") && (line.contains("powershell") || line.contains("-File"));
            let says = line.contains("-ExecutionPolicy Bypass -File")
                || line.contains("\"-ExecutionPolicy\", \"Bypass\", \"-File\"");
            assert!(!runs || says, "{file}:{number}: {line}");
            let bare = line.trim_start().starts_with("scripts\\windows\\")
                || line.contains("`scripts\\windows\\") && !line.contains("](scripts");
            assert!(
                !bare,
                "{file}:{number} runs a script by its name alone: {line}"
            );
        }
    }
}
