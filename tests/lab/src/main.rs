//! `edu-lab`: kmdf-host with the edu model among its devices.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    kmdf_host::cli::main("edu-lab", &edu_lab::EduDevices)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("edu-lab runs on Linux only: on Windows a driver is installed, not hosted");
    std::process::exit(1);
}
