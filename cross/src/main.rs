//! `cross`: builds and checks edu_kmdf.sys away from Windows.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    cross::cli::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("cross builds the driver away from Windows; on Windows: cargo make build");
    std::process::exit(1);
}
