//! `cross`: builds and checks edu_kmdf.sys without Windows.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    cross::cli::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!(
        "cross builds the driver on systems other than Windows; on Windows use: cargo make build"
    );
    std::process::exit(1);
}
