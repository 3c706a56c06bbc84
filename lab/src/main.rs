//! `edu-lab`: kmdf-host with the edu model among its devices.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmdf_host::cli::main("edu-lab", &edu_lab::EduDevices)
}
