//! Where a host listens.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The environment variable that names the socket.
pub const SOCKET_VARIABLE: &str = "KMDF_HOST_SOCKET";

/// The socket that hosts and apps use when they are given no other.
///
/// 1. What [`SOCKET_VARIABLE`] names, unless it is empty.
/// 2. `kmdf-host.sock` in `XDG_RUNTIME_DIR`, if that is an absolute path.
/// 3. `/tmp/kmdf-host-UID.sock`, by the numerical id of the effective user.
#[must_use]
pub fn socket_path() -> PathBuf {
    choose(
        env::var_os(SOCKET_VARIABLE),
        env::var_os("XDG_RUNTIME_DIR"),
        rustix::process::geteuid().as_raw(),
    )
}

fn choose(named: Option<OsString>, runtime: Option<OsString>, user: u32) -> PathBuf {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return named.into();
    }
    match runtime {
        Some(runtime) if Path::new(&runtime).is_absolute() => {
            Path::new(&runtime).join("kmdf-host.sock")
        }
        _ => format!("/tmp/kmdf-host-{user}.sock").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_comes_first_then_the_runtime_directory_then_tmp() {
        let some = |path: &str| Some(OsString::from(path));
        assert_eq!(
            choose(some("here.sock"), some("/run/user/7"), 7),
            Path::new("here.sock")
        );
        assert_eq!(
            choose(some(""), some("/run/user/7"), 7),
            Path::new("/run/user/7/kmdf-host.sock")
        );
        assert_eq!(choose(None, None, 7), Path::new("/tmp/kmdf-host-7.sock"));
    }

    #[test]
    fn a_relative_runtime_directory_is_ignored() {
        assert_eq!(
            choose(None, Some("run".into()), 0),
            Path::new("/tmp/kmdf-host-0.sock")
        );
    }
}
