//! `windows-vm`: what `scripts/vm.sh` runs.

use std::{process::ExitCode, sync::atomic::Ordering};

use clap::Parser;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use windows_vm::{cli::Cli, guest::INTERRUPTED};

fn main() -> ExitCode {
    // QEMU must not outlive this process: a signal ends the wait, and what waits ends QEMU.
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        std::thread::spawn(move || {
            signals
                .forever()
                .for_each(|_| INTERRUPTED.store(true, Ordering::Relaxed));
        });
    }
    match Cli::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
