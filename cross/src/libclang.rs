//! libclang, which bindgen reads the headers with: the system's if there is one, else the
//! distribution's package in a private directory.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{command, error::Result, packages::Packages};

/// Where libclang is, and where the libraries are that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibClang {
    /// The directory of libclang, or the library itself: the value of `LIBCLANG_PATH`.
    pub path: PathBuf,
    /// Directories for the child's `LD_LIBRARY_PATH`; empty for the system's own.
    pub library_paths: Vec<PathBuf>,
}

impl LibClang {
    /// `LIBCLANG_PATH` if set, else a library of the system, else the distribution's package.
    pub fn find(packages: &Packages) -> Result<Self> {
        if let Some(path) = env::var_os("LIBCLANG_PATH") {
            return Ok(Self { path: path.into(), library_paths: Vec::new() });
        }
        if let Some(path) = system_directories().into_iter().find_map(|dir| library_in(&dir)) {
            return Ok(Self { path, library_paths: Vec::new() });
        }
        let root = packages.unpack(
            &["libclang1"],
            "install libclang by the system's own means (Fedora: clang-libs, Arch: clang), or set \
             LIBCLANG_PATH to the directory that has libclang.so",
        )?;
        let library_paths = directories_in(&root);
        let found = library_paths.iter().find_map(|dir| library_in(dir));
        found.map(|path| Self { path, library_paths }).ok_or_else(|| {
            crate::error::Error::missing(
                format!("the package libclang1 has no libclang below {}", root.display()),
                "delete target/cross/packages and run this again, or set LIBCLANG_PATH",
            )
        })
    }
}

fn system_directories() -> Vec<PathBuf> {
    let mut directories: Vec<_> =
        command::answer("llvm-config", &["--libdir"]).map(PathBuf::from).into_iter().collect();
    directories.extend(directories_in(Path::new("/")));
    directories
}

/// The directories below `root` in which distributions put libclang, the newest LLVM first.
fn directories_in(root: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    for (parent, suffix) in [("usr/lib", "lib"), ("usr/lib", "")] {
        let Ok(entries) = fs::read_dir(root.join(parent)) else { continue };
        let mut found: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if suffix.is_empty() { name.ends_with("-linux-gnu") } else { name.starts_with("llvm-") }
            })
            .map(|path| if suffix.is_empty() { path } else { path.join(suffix) })
            .collect();
        found.sort();
        found.reverse();
        directories.append(&mut found);
    }
    directories.extend(["usr/lib64", "usr/lib", "usr/local/lib"].map(|dir| root.join(dir)));
    directories.retain(|dir| dir.is_dir());
    directories
}

/// libclang in this directory: `libclang.so`, `libclang.so.19`, `libclang-14.so.1` and the like,
/// but not the C++ or the run-time libraries with similar names.
fn library_in(directory: &Path) -> Option<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix("libclang").is_some_and(|rest| {
                let rest = rest.trim_start_matches(|c: char| c == '-' || c == '.' || c.is_ascii_digit());
                let rest = rest.strip_prefix("so").unwrap_or("not a shared library");
                rest.chars().all(|c| c == '.' || c.is_ascii_digit())
            })
        })
        // A dangling link is no library.
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            files::write_if_changed(&dir.path().join(path), "").unwrap();
        }
        dir
    }

    #[test]
    fn the_newest_llvms_libclang_is_found() {
        let dir = tree(&["usr/lib/llvm-14/lib/libclang.so.1", "usr/lib/llvm-19/lib/libclang.so.19"]);
        let found = directories_in(dir.path()).iter().find_map(|dir| library_in(dir));
        assert_eq!(found, Some(dir.path().join("usr/lib/llvm-19/lib/libclang.so.19")));
    }

    #[test]
    fn a_multiarch_directory_is_searched() {
        let dir = tree(&["usr/lib/x86_64-linux-gnu/libclang-14.so.1"]);
        let found = directories_in(dir.path()).iter().find_map(|dir| library_in(dir));
        assert_eq!(found, Some(dir.path().join("usr/lib/x86_64-linux-gnu/libclang-14.so.1")));
    }

    #[test]
    fn the_cpp_library_is_not_taken_for_libclang() {
        let dir = tree(&["libclang-cpp.so.14", "libclang_rt.asan.so", "libclang-cpp14.so"]);
        assert_eq!(library_in(dir.path()), None);
    }
}
