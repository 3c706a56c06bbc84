//! What is finished: kept in the working directory, so that the same command goes on from there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    stage::{Check, STAGES, Stage},
};

/// The name of the file.
const FILE: &str = "progress.json";

/// The empty disk.
pub const EMPTY_DISK: &str = "empty.raw";

/// A finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Its name.
    pub stage: String,
    /// A hash of what it was made with, and of what those before it were.
    pub inputs: String,
    /// What was found.
    pub checks: Vec<Check>,
    /// Which Windows.
    pub windows: String,
}

/// What is finished.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// In the stages' order.
    pub finished: Vec<Finished>,
}

impl Progress {
    /// What a working directory has.
    ///
    /// # Errors
    /// The file there is none of ours.
    pub fn read(directory: &Path) -> Result<Self, Error> {
        let file = directory.join(FILE);
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
        serde_json::from_str(&text).map_err(|error| {
            let file = file.display();
            Error::Input(format!(
                "{file} is damaged ({error}): delete it to begin again"
            ))
        })
    }

    /// Keeps it: whole, or as it was.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let file = directory.join(FILE);
        let new = directory.join(format!("{FILE}.new"));
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        fs::write(&new, text).map_err(Error::io(&new))?;
        fs::rename(&new, &file).map_err(Error::io(&file))
    }

    /// Forgets the stages that were made with other inputs than these, or have no disk any more, and all
    /// after them. Returns the first of them.
    pub fn keep(&mut self, inputs: &[String], directory: &Path) -> Option<Stage> {
        let good = STAGES.iter().zip(&self.finished).zip(inputs);
        let good = good.take_while(|((stage, finished), inputs)| {
            finished.stage == stage.name
                && finished.inputs == **inputs
                && directory.join(overlay(**stage)).exists()
        });
        let good = good.count();
        let forgotten = self.finished.len() > good;
        self.finished.truncate(good);
        forgotten.then(|| STAGES.get(good).copied()).flatten()
    }
}

/// The disk that a stage writes.
#[must_use]
pub fn overlay(stage: Stage) -> String {
    format!("{stage}.qcow2")
}

/// The disk that a stage begins with.
#[must_use]
pub fn disk_before(stage: Stage) -> String {
    match stage.index() {
        0 => EMPTY_DISK.to_owned(),
        index => overlay(STAGES[index - 1]),
    }
}

/// Removes what a stage that is to be done wrote before, with all that was on top of it.
///
/// # Errors
/// It cannot be removed.
pub fn remove_from(stage: Stage, directory: &Path) -> Result<(), Error> {
    for later in &STAGES[stage.index()..] {
        let file: PathBuf = directory.join(overlay(*later));
        if file.exists() {
            fs::remove_file(&file).map_err(Error::io(&file))?;
        }
    }
    Ok(())
}

/// Each stage's inputs, with those before it: of what the stages are each made with.
#[must_use]
pub fn chained(each: &[String]) -> Vec<String> {
    let mut before = String::new();
    let chain = each.iter().map(|inputs| {
        before = format!("{:x}", Sha256::digest(format!("{before}\n{inputs}")));
        before.clone()
    });
    chain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(directory: &Path, inputs: &[String], count: usize) -> Progress {
        let finished = STAGES
            .iter()
            .zip(inputs)
            .take(count)
            .map(|(stage, inputs)| {
                fs::write(directory.join(overlay(*stage)), "").expect("a disk");
                Finished {
                    stage: stage.name.into(),
                    inputs: inputs.clone(),
                    checks: Vec::new(),
                    windows: "10.0".into(),
                }
            });
        Progress {
            finished: finished.collect(),
        }
    }

    fn inputs(packages: &str) -> Vec<String> {
        let each = STAGES.map(|stage| match stage.index() {
            0 => "iso".to_owned(),
            _ => packages.to_owned(),
        });
        chained(&each)
    }

    #[test]
    fn what_is_finished_is_read_again_and_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let inputs = inputs("one");
        let mut progress = progress(directory.path(), &inputs, 3);
        progress.write(directory.path()).expect("written");
        assert_eq!(Progress::read(directory.path()).expect("read"), progress);
        assert_eq!(progress.keep(&inputs, directory.path()), None);
        assert_eq!(progress.finished.len(), 3);
    }

    #[test]
    fn another_package_keeps_windows_and_nothing_after() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut progress = progress(directory.path(), &inputs("one"), 7);
        let first = progress.keep(&inputs("other"), directory.path());
        assert_eq!(first, Stage::named("normal"));
        assert_eq!(progress.finished.len(), 1);
    }

    #[test]
    fn a_stage_without_its_disk_is_done_again_and_all_after_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let inputs = inputs("one");
        let mut progress = progress(directory.path(), &inputs, 7);
        fs::remove_file(directory.path().join("normal-removed.qcow2")).expect("a disk");
        let first = progress.keep(&inputs, directory.path());
        assert_eq!(first, Stage::named("normal-removed"));
        assert_eq!(progress.finished.len(), 3);
        remove_from(STAGES[3], directory.path()).expect("removed");
        assert!(!directory.path().join("passive.qcow2").exists());
        assert!(directory.path().join("normal-verified.qcow2").exists());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(FILE), "{").expect("written");
        let error = Progress::read(directory.path()).expect_err("damaged");
        assert!(error.to_string().contains("delete it"), "{error}");
    }
}
