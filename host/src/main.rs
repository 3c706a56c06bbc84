//! `kmdf-host`: runs a KMDF driver against QEMU's devices.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    kmdf_host::cli::main("kmdf-host", &kmdf_host::cli::QemuOnly)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("kmdf-host runs on Linux only: on Windows a driver is installed, not hosted");
    std::process::exit(1);
}
