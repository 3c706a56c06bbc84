//! clang and libclang: the system's if it has both, else the distribution's packages in a
//! private directory.
//!
//! bindgen reads the headers with libclang, and `wdk-sys` compiles one C file that includes them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    command,
    error::{Error, Result},
    packages::Packages,
};

/// Where clang and libclang are, and where the libraries are that they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clang {
    /// The compiler.
    pub compiler: PathBuf,
    /// libclang: the value of `LIBCLANG_PATH`.
    pub library: PathBuf,
    /// Directories for the child's `LD_LIBRARY_PATH`; empty for the system's own.
    pub library_paths: Vec<PathBuf>,
}

impl Clang {
    /// What `CLANG_PATH` and `LIBCLANG_PATH` name, else the system's, else the distribution's
    /// packages.
    pub fn find(packages: &Packages) -> Result<Self> {
        let named = |variable| env::var_os(variable).map(PathBuf::from);
        let compiler = named("CLANG_PATH").or_else(|| compiler_below(Path::new("/")));
        let library = named("LIBCLANG_PATH").or_else(system_library);
        if let (Some(compiler), Some(library)) = (compiler, library) {
            return Ok(Self {
                compiler,
                library,
                library_paths: Vec::new(),
            });
        }
        let root = packages.unpack(
            &["clang", "libclang1"],
            "install clang and libclang by the system's own means (Fedora: clang clang-libs, Arch: \
             clang), or set CLANG_PATH to the compiler and LIBCLANG_PATH to the directory that \
             has libclang.so",
        )?;
        let library_paths = library_directories(&root);
        let library = library_paths.iter().find_map(|dir| library_in(dir));
        let (Some(compiler), Some(library)) = (compiler_below(&root), library) else {
            return Err(Error::missing(
                format!(
                    "the packages clang and libclang1 have neither below {}",
                    root.display()
                ),
                "delete target/cross/packages and run this again, or set CLANG_PATH and \
                 LIBCLANG_PATH",
            ));
        };
        Ok(Self {
            compiler,
            library,
            library_paths,
        })
    }
}

/// Directories of LLVM versions below `root`, the newest first.
fn llvm_directories(root: &Path) -> Vec<PathBuf> {
    let version = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("llvm-")?.parse::<u32>().ok()
    };
    let mut found: Vec<_> = fs::read_dir(root.join("usr/lib"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|path| Some((version(&path)?, path)))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

fn compiler_below(root: &Path) -> Option<PathBuf> {
    let versioned = llvm_directories(root)
        .into_iter()
        .map(|path| path.join("bin/clang"));
    [root.join("usr/bin/clang")]
        .into_iter()
        .chain(versioned)
        // A dangling link, as a metapackage's, is no compiler.
        .find(|path| path.exists())
}

fn system_library() -> Option<PathBuf> {
    command::answer("llvm-config", &["--libdir"])
        .map(PathBuf::from)
        .into_iter()
        .chain(library_directories(Path::new("/")))
        .find_map(|directory| library_in(&directory))
}

/// The directories below `root` in which distributions put libclang and what it needs.
fn library_directories(root: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<_> = llvm_directories(root)
        .into_iter()
        .map(|path| path.join("lib"))
        .collect();
    let host = env::consts::ARCH;
    directories.extend(
        [
            &format!("usr/lib/{host}-linux-gnu"),
            "usr/lib64",
            "usr/lib",
            "usr/local/lib",
        ]
        .map(|directory| root.join(directory)),
    );
    directories.retain(|directory| directory.is_dir());
    directories
}

/// libclang in this directory: `libclang.so`, `libclang.so.19`, `libclang-14.so.1` and the like,
/// but not the C++ or the run-time libraries with similar names.
fn library_in(directory: &Path) -> Option<PathBuf> {
    let is_version = |text: &str| text.chars().all(|c| c == '.' || c.is_ascii_digit());
    let mut found: Vec<_> = fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some((stem, version)) = name.split_once(".so") else {
                return false;
            };
            let Some(suffix) = stem.strip_prefix("libclang") else {
                return false;
            };
            is_version(suffix.strip_prefix('-').unwrap_or(suffix)) && is_version(version)
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
    fn the_newest_llvm_is_taken() {
        let dir = tree(&[
            "usr/lib/llvm-9/lib/libclang.so.1",
            "usr/lib/llvm-9/bin/clang",
            "usr/lib/llvm-19/lib/libclang.so.19",
            "usr/lib/llvm-19/bin/clang",
        ]);
        let root = dir.path();
        let library = library_directories(root)
            .iter()
            .find_map(|dir| library_in(dir));
        assert_eq!(
            library,
            Some(root.join("usr/lib/llvm-19/lib/libclang.so.19"))
        );
        assert_eq!(
            compiler_below(root),
            Some(root.join("usr/lib/llvm-19/bin/clang"))
        );
    }

    #[test]
    fn a_library_with_its_version_before_or_after_so_is_libclang() {
        for name in [
            "libclang.so",
            "libclang.so.19",
            "libclang-14.so.1",
            "libclang-22.so",
        ] {
            let dir = tree(&[name]);
            assert_eq!(library_in(dir.path()), Some(dir.path().join(name)));
        }
    }

    #[test]
    fn the_cpp_library_is_not_taken_for_libclang() {
        let dir = tree(&[
            "libclang-cpp.so.14",
            "libclang_rt.asan.so",
            "libclang-cpp14.so",
        ]);
        assert_eq!(library_in(dir.path()), None);
    }
}
