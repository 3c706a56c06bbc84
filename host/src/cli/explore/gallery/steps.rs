//! What is done with each driver of a gallery: scripts, written to files so that `replay` can read them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Something that is done with a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The heading of its column.
    pub(super) title: &'static str,
    /// The end of its script's name.
    name: &'static str,
    /// What happens to the device before the app's script, and after it.
    before: &'static str,
    after: &'static str,
    /// Whether the app's script is a part of it.
    with_script: bool,
}

/// All of them. Where one ends, the device is removed and the driver unloaded.
pub(super) const STEPS: [Step; 6] = [
    Step {
        title: "start",
        name: "start",
        before: "",
        after: "",
        with_script: false,
    },
    Step {
        title: "requests",
        name: "requests",
        before: "",
        after: "",
        with_script: true,
    },
    Step {
        title: "sleep",
        name: "sleep",
        before: "device sleep\ndevice wake\n",
        after: "",
        with_script: true,
    },
    Step {
        title: "rebalance",
        name: "rebalance",
        before: "device stop\ndevice start\n",
        after: "",
        with_script: true,
    },
    Step {
        title: "removal",
        name: "removal",
        before: "",
        after: "device remove\n",
        with_script: true,
    },
    Step {
        title: "surprise removal",
        name: "surprise-removal",
        before: "",
        after: "device surprise-remove\n",
        with_script: true,
    },
];
/// The step that schedules and failing calls are tried with.
pub(super) const EXPLORED: usize = 1;

impl Step {
    /// Whether there is something to do for a driver with or without a device and a script.
    pub(super) fn applies(&self, has_device: bool, has_script: bool) -> bool {
        let is_of_device = !self.before.is_empty() || !self.after.is_empty();
        match (is_of_device, self.with_script) {
            (true, _) => has_device,
            (false, true) => has_script,
            (false, false) => true,
        }
    }

    /// Writes its script for a driver.
    pub(super) fn write(
        &self,
        directory: &Path,
        driver: &str,
        script: Option<&Path>,
    ) -> io::Result<PathBuf> {
        let mut text = self.before.to_owned();
        if let Some(script) = script.filter(|_| self.with_script) {
            text.push_str(&fs::read_to_string(script)?);
            text.push('\n');
        }
        text.push_str(self.after);
        let path = directory.join(format!("{driver}-{}.script", self.name));
        fs::write(&path, text)?;
        Ok(path)
    }
}
