//! The list of a gallery: text, a line for each option of a driver.
//!
//! ```text
//! # The paths are relative to this file.
//! driver viorng.sys
//!   inf    viorng.inf
//!   device qemu:virtio-rng-pci
//!   script viorng.script
//! ```
//!
//! The words are those of the options of `explore`. A line `driver` begins the next driver.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use kmdf_install::User;

use super::super::{
    super::{machine::Granted, registry::Registry},
    common::Common,
    scripts::Scripts,
};

/// What `--help` says of it.
pub(super) const HELP: &str =
    "The list has a line for each option; `#` begins a comment. Paths are relative to the list.
  driver FILE.sys       begins a driver
  inf FILE.inf          the INF to install it from; without one it is started as a service
  pdb FILE.pdb          its symbols [default: those beside the image]
  device DEVICE         its device, or several, one in a line; `run --help` lists the kinds
  script FILE           what an app does with it; `talk --help` lists the steps
  interrupts KIND       auto, line or one-message
  shared-line           the interrupt pins of all devices are wired together
  user USER             whose app the script is, as in `run`
  registry NAME=DWORD   a value beside those of the INF";

/// A driver of a list.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its files and its devices. The script is what an app does with it.
    pub(super) common: Common,
}

/// A list that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", line.map_or_else(String::new, |line| format!(":{line}")))]
pub(super) struct BadList {
    file: String,
    line: Option<usize>,
    problem: String,
}

/// Reads a list.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, BadList> {
    let file = path.display().to_string();
    let bad = |line, problem: String| BadList {
        file: file.clone(),
        line,
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(None, error.to_string()))?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let entries = parse(&text, directory).map_err(|(line, problem)| bad(Some(line), problem))?;
    if entries.is_empty() {
        return Err(bad(
            None,
            "there is no driver in it: `driver FILE.sys` names one".to_owned(),
        ));
    }
    Ok(entries)
}

fn parse(text: &str, directory: &Path) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries: Vec<Entry> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let wrong = |problem: String| (line, problem);
        if word == "driver" {
            let driver = there(directory, rest).map_err(wrong)?;
            entries.push(entry(driver));
            continue;
        }
        let entry = entries.last_mut();
        let entry = entry.ok_or_else(|| {
            wrong(format!(
                "`{word}` is about no driver: a line `driver FILE.sys` comes before it"
            ))
        })?;
        option(&mut entry.common, word, rest, directory).map_err(wrong)?;
    }
    Ok(entries)
}

fn entry(driver: PathBuf) -> Entry {
    const PROCESSORS: u32 = 2;
    Entry {
        common: Common {
            driver,
            inf: None,
            pdb: None,
            processors: PROCESSORS,
            registry: Registry::default(),
            scripts: Scripts::default(),
            json: false,
        },
    }
}

/// One line about a driver.
fn option(common: &mut Common, word: &str, rest: &str, directory: &Path) -> Result<(), String> {
    match word {
        "inf" => common.inf = Some(there(directory, rest)?),
        "pdb" => common.pdb = Some(there(directory, rest)?),
        "script" if common.scripts.script.is_empty() => {
            common.scripts.script.push(there(directory, rest)?);
        }
        "script" => return Err("the driver has a script already".to_owned()),
        "device" if rest.is_empty() => return Err("`device` names no device".to_owned()),
        "device" => common.scripts.device.push(rest.to_owned()),
        "interrupts" => {
            common.scripts.interrupts = Granted::from_str(rest, false)
                .map_err(|_| format!("interrupts are auto, line or one-message, not `{rest}`"))?;
        }
        "shared-line" if rest.is_empty() => common.scripts.shared_line = true,
        "user" => {
            common.scripts.user = User::from_str(rest, false)
                .map_err(|_| format!("`{rest}` is no user: `run --help` lists them"))?;
        }
        "registry" => common.registry.add(rest)?,
        _ => {
            return Err(format!(
                "`{word}` is no option: driver, inf, pdb, device, script, interrupts, shared-line, user \
                 or registry"
            ));
        }
    }
    Ok(())
}

/// A file that a line names.
fn there(directory: &Path, name: &str) -> Result<PathBuf, String> {
    if name.is_empty() {
        return Err("no file is named".to_owned());
    }
    let path = directory.join(name);
    match path.metadata() {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("a.sys"), "").expect("written");
        let (line, problem) = parse(text, directory.path()).expect_err("refused");
        format!("{line}: {problem}")
    }

    #[test]
    fn a_list_has_drivers_and_their_options() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["a.sys", "a.inf", "b.sys"] {
            std::fs::write(directory.path().join(name), "").expect("written");
        }
        let text = "driver a.sys # the first\n inf a.inf\n device qemu:x -object y\n shared-line\n\n\
                    registry A=0x10\n driver b.sys\n interrupts line";
        let entries = parse(text, directory.path()).expect("a list");
        let [first, second] = &entries[..] else {
            panic!("{entries:?}");
        };
        assert_eq!(first.common.scripts.device, ["qemu:x -object y"]);
        assert!(first.common.inf.is_some() && first.common.scripts.shared_line);
        assert_eq!(first.common.registry.to_string(), " --registry A=0x10");
        assert!(second.common.inf.is_none() && second.common.scripts.device.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_line() {
        assert!(problem("\ninf a.inf").starts_with("2: `inf` is about no driver"));
        assert!(problem("driver a.sys\ninff a.inf").starts_with("2: `inff` is no option"));
        assert!(problem("driver b.sys").contains("b.sys: "));
        assert!(problem("driver").contains("no file is named"));
        assert!(problem("driver a.sys\ninterrupts none").contains("not `none`"));
        assert!(problem("driver a.sys\nregistry A").contains("NAME=DWORD"));
        assert!(problem("driver a.sys\ndevice").contains("names no device"));
        let twice = "driver a.sys\nscript a.sys\nscript a.sys";
        assert!(problem(twice).starts_with("3: the driver has a script"));
    }
}
