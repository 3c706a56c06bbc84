//! `kmdf-host`: runs a KMDF driver against QEMU's devices.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmdf_host::cli::main("kmdf-host", &kmdf_host::cli::QemuOnly)
}
