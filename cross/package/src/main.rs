//! `driver-package`: makes a test-signed driver package of an image, an INX and further files.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use driver_package::{Identity, Package, package::Request};

/// Makes a test-signed driver package: signed image, stamped INF, catalog, certificate, zip.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The image.
    #[arg(long, value_name = "FILE.sys")]
    image: PathBuf,
    /// The INX it is installed from.
    #[arg(long, value_name = "FILE.inx")]
    inx: PathBuf,
    /// The architecture, as stampinf calls it.
    #[arg(long, default_value = "amd64")]
    architecture: String,
    /// The KMDF version that the image is for.
    #[arg(long, default_value = "1.15")]
    kmdf: String,
    /// When it is made, in seconds since 1970: DriverVer and the catalog's time.
    #[arg(long, value_name = "SECONDS")]
    time: u64,
    /// Where the test certificate and its key are, or are made.
    #[arg(long, value_name = "DIRECTORY")]
    identity: PathBuf,
    /// The directory to make. It must not be there.
    #[arg(long, value_name = "DIRECTORY")]
    out: PathBuf,
    /// More files for the package; the catalog does not name them.
    beside: Vec<PathBuf>,
}

fn run(arguments: Arguments) -> Result<(), driver_package::Error> {
    let time = Duration::from_secs(arguments.time);
    let identity = Identity::in_directory(&arguments.identity, time)?;
    let package = Package::make(
        &Request {
            image: arguments.image,
            inx: arguments.inx,
            architecture: arguments.architecture,
            kmdf_version: arguments.kmdf,
            time,
            beside: arguments.beside,
        },
        &identity,
    )?;
    package.write(&arguments.out)?;
    println!("{}", arguments.out.display());
    Ok(())
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
