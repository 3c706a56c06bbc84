//! The results, as a document.

use std::process::Command;

use crate::{iso::Iso, progress::Finished, run::Settings, stage::STAGES, table};

/// The results as a document.
#[must_use]
pub fn report(settings: &Settings, iso: &Iso, kvm: bool, stages: &[Finished]) -> String {
    let counts = table::count(stages);
    let version = Command::new(&settings.qemu).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = version.unwrap_or_default();
    let mut windows = stages.iter().map(|stage| stage.windows.as_str());
    let unfinished = match STAGES.len() - stages.len() {
        0 => "",
        _ => "**Not finished.** ",
    };
    format!(
        "# What was seen on Windows\n\n\
         Written by `sh scripts/vm.sh`. {unfinished}{} checks passed, {} failed.\n\n\
         - Windows {}, from {} of {}\n- {}{}\n- sources {}\n\n{}",
        counts.passed,
        counts.failed,
        windows.next_back().unwrap_or_default(),
        iso.label,
        iso.made.get(..8).unwrap_or(&iso.made),
        version.lines().next().unwrap_or_default(),
        if kvm { ", KVM" } else { ", without KVM" },
        settings.revision,
        table::markdown(stages)
    )
}
