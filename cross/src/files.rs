//! File operations whose errors name the path, and that leave unchanged files untouched.
//!
//! A file that is rewritten with the same bytes gets a new time stamp, and cargo then rebuilds
//! everything that depends on it; so nothing here does that.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Reads a file as text.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::io("read", path, error))
}

/// Reads a file as bytes.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::io("read", path, error))
}

/// Makes a directory and all above it.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| Error::io("create the directory", path, error))
}

/// Writes `contents` to `path` unless the file has them already; says whether it wrote.
pub fn write_if_changed(path: &Path, contents: impl AsRef<[u8]>) -> Result<bool> {
    let contents = contents.as_ref();
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    fs::write(path, contents).map_err(|error| Error::io("write", path, error))?;
    Ok(true)
}

/// Copies a file unless the copy has the same bytes already.
pub fn copy_if_changed(from: &Path, to: &Path) -> Result<bool> {
    write_if_changed(to, read(from)?)
}

/// Makes `link` a symbolic link to `target`, replacing another link.
pub fn link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|old| old == target) {
        return Ok(());
    }
    if link.is_symlink() {
        fs::remove_file(link).map_err(|error| Error::io("replace the link", link, error))?;
    }
    symlink(target, link).map_err(|error| Error::io("create the link", link, error))
}

/// Waits until no other process holds the lock file `path`, then holds it until dropped.
pub fn lock(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    let file = File::create(path).map_err(|error| Error::io("create", path, error))?;
    if file.try_lock().is_err() {
        eprintln!("cross: waiting for another build in this checkout");
        file.lock()
            .map_err(|error| Error::io("lock", path, error))?;
    }
    Ok(file)
}

/// Copies a directory tree of plain files.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    create_dir(to)?;
    let entries = fs::read_dir(from).map_err(|error| Error::io("list", from, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("list", from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| Error::io("copy", &source, error))?;
        }
    }
    Ok(())
}

/// Makes `scratch` a directory of links to what is in `directory`, except these names.
pub fn link_entries(directory: &Path, scratch: &Path, except: &[&str]) -> Result<()> {
    create_dir(scratch)?;
    let entries = fs::read_dir(directory).map_err(|error| Error::io("list", directory, error))?;
    for entry in entries.filter_map(std::result::Result::ok) {
        let name = entry.file_name();
        if !except.iter().any(|other| name == *other) {
            link(&entry.path(), &scratch.join(name))?;
        }
    }
    Ok(())
}

/// Deletes a directory tree if it is there.
pub fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("delete", path, error))
        }
        _ => Ok(()),
    }
}

/// The fingerprint of what a generated thing was generated from, kept in a file beside it.
///
/// Contents decide, never time stamps: a fresh checkout, a branch switch or a copied cache
/// neither rebuilds for nothing nor keeps what is stale.
pub struct Stamp<'a> {
    path: &'a Path,
    digest: String,
}

impl<'a> Stamp<'a> {
    /// The stamp at `path` for these inputs, in this order.
    pub fn of<I: AsRef<[u8]>>(path: &'a Path, inputs: impl IntoIterator<Item = I>) -> Self {
        let mut hasher = Sha256::new();
        for input in inputs {
            let input = input.as_ref();
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update(input.len().to_le_bytes());
            hasher.update(input);
        }
        let digest = hasher
            .finalize()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                use std::fmt::Write as _;
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        Self { path, digest }
    }

    /// Whether the thing was made from these very inputs.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(self.path).is_ok_and(|old| old.trim_end() == self.digest)
    }

    /// Records that it now is. To be called when the thing is complete, not before.
    pub fn record(&self) -> Result<()> {
        write_if_changed(self.path, format!("{}\n", self.digest)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_fresh_only_for_the_inputs_it_was_recorded_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stamp");
        assert!(!Stamp::of(&path, ["a", "b"]).is_fresh());
        Stamp::of(&path, ["a", "b"]).record().unwrap();
        assert!(Stamp::of(&path, ["a", "b"]).is_fresh());
        assert!(!Stamp::of(&path, ["ab", ""]).is_fresh());
        assert!(!Stamp::of(&path, ["a", "c"]).is_fresh());
    }

    #[test]
    fn writing_the_same_contents_again_leaves_the_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/file");
        assert!(write_if_changed(&path, "one").unwrap());
        assert!(!write_if_changed(&path, "one").unwrap());
        assert!(write_if_changed(&path, "two").unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_what_to_do_next() {
        let error = read(Path::new("/nowhere/edu_kmdf.sys"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/nowhere/edu_kmdf.sys") && error.contains("next:"),
            "{error}"
        );
    }
}
