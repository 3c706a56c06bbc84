//! Where QEMU is.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use kmdf_bus::DeviceError;
use rustix::fs::{Access, access};

/// Names QEMU's program, for machines where it is not in `PATH`.
pub const VARIABLE: &str = "KMDF_HOST_QEMU";

/// The program's name in `PATH`.
const PROGRAM: &str = "qemu-system-x86_64";

const HINT: &str = "install QEMU (Debian: apt-get install qemu-system-x86), or say where its \
                    qemu-system-x86_64 is, by option or in the environment variable KMDF_HOST_QEMU";

/// Finds QEMU: the path that was asked for, the one in [`VARIABLE`], or the first in `PATH`.
pub(super) fn find(asked: Option<&Path>) -> Result<PathBuf, DeviceError> {
    look(asked, env::var_os(VARIABLE), env::var_os("PATH"))
}

fn look(
    asked: Option<&Path>,
    variable: Option<OsString>,
    search: Option<OsString>,
) -> Result<PathBuf, DeviceError> {
    let named = asked
        .map(Path::to_path_buf)
        .or_else(|| variable.filter(|path| !path.is_empty()).map(PathBuf::from));
    if let Some(path) = named {
        return if is_program(&path) {
            Ok(path)
        } else {
            Err(missing(&path.display().to_string()))
        };
    }
    env::split_paths(&search.unwrap_or_default())
        .map(|folder| folder.join(PROGRAM))
        .find(|path| is_program(path))
        .ok_or_else(|| missing(PROGRAM))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// The error for a program that is not there.
pub(super) fn missing(what: &str) -> DeviceError {
    DeviceError::Missing {
        what: what.to_owned(),
        hint: HINT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(error: DeviceError) -> (String, String) {
        match error {
            DeviceError::Missing { what, hint } => (what, hint),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_path_asked_for_comes_before_the_variable_and_that_before_the_search_path() {
        let found = look(Some(Path::new("/bin/sh")), Some("/bin/cat".into()), None);
        assert_eq!(found.expect("it is there"), Path::new("/bin/sh"));
        let found = look(None, Some("/bin/cat".into()), None);
        assert_eq!(found.expect("it is there"), Path::new("/bin/cat"));
    }

    #[test]
    fn what_is_named_and_not_there_is_not_looked_for_elsewhere() {
        let error = look(Some(Path::new("/nowhere/qemu")), None, Some("/bin".into()));
        let (what, hint) = words(error.expect_err("it is not there"));
        assert_eq!(what, "/nowhere/qemu");
        assert!(hint.contains("apt-get install qemu-system-x86"), "{hint}");
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let error = look(Some(Path::new("/etc/passwd")), None, None);
        assert_eq!(words(error.expect_err("it is data")).0, "/etc/passwd");
    }

    #[test]
    fn without_any_name_the_search_path_decides() {
        let error = look(None, Some(OsString::new()), Some("/nowhere:/etc".into()));
        assert_eq!(words(error.expect_err("it is not there")).0, PROGRAM);
    }
}
