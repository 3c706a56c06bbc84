//! Debian packages, unpacked into a private directory: nothing is installed on the system.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command,
    error::{Error, Result},
    files::{self, Stamp},
};

/// A private directory with unpacked packages.
#[derive(Debug)]
pub struct Packages {
    directory: PathBuf,
}

impl Packages {
    /// Packages unpacked below `directory`.
    #[must_use]
    pub fn below(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Whether this system has apt at all.
    #[must_use]
    pub fn available() -> bool {
        command::answer("apt-get", &["--version"]).is_some()
            && command::answer("dpkg-deb", &["--version"]).is_some()
    }

    /// Downloads the packages with what they depend on and the system lacks, and unpacks all of
    /// it. Does nothing if that was done before. Returns the root of what was unpacked.
    ///
    /// `otherwise` tells what to do on a system that has no apt.
    pub fn unpack(&self, names: &[&str], otherwise: &str) -> Result<PathBuf> {
        let directory = self.directory.join(names.join("+"));
        let (root, stamp_path) = (directory.join("root"), directory.join("stamp"));
        let stamp = Stamp::of(&stamp_path, names);
        if stamp.is_fresh() && root.is_dir() {
            return Ok(root);
        }
        if !Self::available() {
            return Err(Error::missing(
                format!(
                    "this system has no apt-get and dpkg-deb to fetch {} with",
                    names.join(" ")
                ),
                otherwise,
            ));
        }
        files::remove_tree(&directory)?;
        let archives = directory.join("archives");
        // apt wants `partial` below it.
        files::create_dir(&archives.join("partial"))?;
        files::create_dir(&root)?;
        eprintln!(
            "cross: fetching {} into {}",
            names.join(" "),
            directory.display()
        );
        let system = AptState { private: None };
        // The system's lists may be empty, or too old to name what the archive has now.
        if !system.knows(names) || system.download(names, &archives).is_err() {
            self.private_lists(names)?.download(names, &archives)?;
        }
        let entries =
            fs::read_dir(&archives).map_err(|error| Error::io("list", &archives, error))?;
        for archive in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if archive
                .extension()
                .is_some_and(|extension| extension == "deb")
            {
                command::capture(
                    Command::new("dpkg-deb")
                        .arg("--extract")
                        .arg(&archive)
                        .arg(&root),
                    &format!("unpacking {}", archive.display()),
                    "delete target/cross/packages and run this again",
                )?;
            }
        }
        files::remove_tree(&archives)?;
        stamp.record()?;
        Ok(root)
    }

    /// Freshly fetched package lists that leave the system's alone.
    fn private_lists(&self, names: &[&str]) -> Result<AptState> {
        let directory = self.directory.join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            files::create_dir(&directory.join(part))?;
        }
        let private = AptState {
            private: Some(directory),
        };
        eprintln!("cross: fetching private package lists");
        command::capture(
            private.apt("apt-get").arg("update"),
            "fetching apt's package lists",
            "check the network and /etc/apt/sources.list, then run this again",
        )?;
        if private.knows(names) {
            return Ok(private);
        }
        Err(Error::missing(
            format!("apt's sources do not offer all of {}", names.join(" ")),
            "check the network; if it is there, add the distribution's main archive (and Debian's \
             security archive) to apt's sources",
        ))
    }
}

/// Which package lists apt uses: the system's, or private ones that need no root to update.
struct AptState {
    private: Option<PathBuf>,
}

impl AptState {
    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            // Only a download into our own directory: no lock of the system's is needed, and
            // apt's own user could not write there.
            .args([
                "--option=Debug::NoLocking=true",
                "--option=APT::Sandbox::User=",
            ])
            .env("LC_ALL", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive");
        if let Some(private) = &self.private {
            let private = Path::display(private);
            command
                .arg(format!("--option=Dir::State::lists={private}/lists/"))
                .arg(format!("--option=Dir::Cache={private}/cache/"));
        }
        command
    }

    fn download(&self, names: &[&str], archives: &Path) -> Result<()> {
        command::capture(
            self.apt("apt-get")
                .args([
                    "install",
                    "--yes",
                    "--download-only",
                    "--no-install-recommends",
                ])
                .arg(format!(
                    "--option=Dir::Cache::archives={}/",
                    archives.display()
                ))
                .args(names),
            &format!("fetching the packages {}", names.join(" ")),
            "check the network and apt's sources, then run this again",
        )
        .map(drop)
    }

    fn knows(&self, names: &[&str]) -> bool {
        names.iter().all(|name| {
            let output = self.apt("apt-cache").args(["policy", name]).output();
            output.is_ok_and(|output| {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.contains("Candidate:") && !text.contains("Candidate: (none)")
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_unpacked_before_are_used_without_asking_apt() {
        let dir = tempfile::tempdir().unwrap();
        let unpacked = dir.path().join("no-such-package");
        files::create_dir(&unpacked.join("root")).unwrap();
        Stamp::of(&unpacked.join("stamp"), ["no-such-package"])
            .record()
            .unwrap();
        let packages = Packages::below(dir.path().to_owned());
        assert_eq!(
            packages.unpack(&["no-such-package"], "").unwrap(),
            unpacked.join("root")
        );
    }
}
