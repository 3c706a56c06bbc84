//! The guest's empty disk, and room for what is written over it.

use std::{fs::File, path::Path};

use crate::{Error, progress::EMPTY_DISK};

/// The guest's disk: what Windows 11 asks for. The file grows as it is written.
const DISK_BYTES: u64 = 64 << 30;

/// What a run writes, at most: for all of it, and without the installation.
const FREE_BYTES: [u64; 2] = [40 << 30, 15 << 30];

/// Whether there is room for what will be written: by all stages, or by those after the first.
///
/// # Errors
/// There is not.
pub fn room(directory: &Path, all: bool) -> Result<(), Error> {
    let stat =
        rustix::fs::statvfs(directory).map_err(|error| Error::io(directory)(error.into()))?;
    enough(directory, stat.f_bavail.saturating_mul(stat.f_frsize), all)
}

fn enough(directory: &Path, free: u64, all: bool) -> Result<(), Error> {
    let [whole, rest] = FREE_BYTES;
    let needed = if all { whole } else { rest };
    if free >= needed {
        return Ok(());
    }
    Err(Error::Lacking(format!(
        "{} has {} GiB free; what is to be done takes up to {} GiB. --work names another directory",
        directory.display(),
        free >> 30,
        needed >> 30
    )))
}

/// Makes the empty disk: a hole.
///
/// # Errors
/// It cannot be made.
pub fn empty_disk(directory: &Path) -> Result<(), Error> {
    let file = directory.join(EMPTY_DISK);
    let disk = File::create(&file).map_err(Error::io(&file))?;
    disk.set_len(DISK_BYTES).map_err(Error::io(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_of_before_anything_is_written() {
        let enough = |free: u64, all| enough(Path::new("work"), free << 30, all);
        assert!(enough(40, true).is_ok() && enough(15, false).is_ok());
        let error = enough(39, true).expect_err("too little");
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("39 GiB free"), "{error}");
        assert!(enough(14, false).is_err());
    }
}
