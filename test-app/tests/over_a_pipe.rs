//! The program on Windows, with a named pipe in the device's place: open, overlapped reads and writes,
//! cancellation, errors in the system's words. What needs the driver's control codes is not shown by it.
//!
//! `sh scripts/wine.sh` gives Wine a `cfgmgr32.dll` that lists the pipe as the only device. A Windows has no
//! such thing, so there these tests are ignored.
#![cfg(windows)]

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::windows::io::{AsRawHandle, FromRawHandle},
    process::{Command, Output, Stdio},
    ptr,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use windows_sys::{
    Win32::{
        Foundation::INVALID_HANDLE_VALUE,
        Storage::FileSystem::PIPE_ACCESS_DUPLEX,
        System::Pipes::{ConnectNamedPipe, CreateNamedPipeW},
    },
    w,
};

/// There is one name, and one instance of it.
static PIPE: Mutex<()> = Mutex::new(());

/// Runs eductl while `serve` has the other end of the pipe, and gives what `serve` does.
fn eductl<T: Send>(args: &[&str], serve: impl FnOnce(File) -> T + Send) -> (Output, T) {
    let _one = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the name is terminated; the other arguments are plain values.
    let handle = unsafe {
        CreateNamedPipeW(
            w!(r"\\.\pipe\edu"),
            PIPE_ACCESS_DUPLEX,
            0,
            1,
            4096,
            4096,
            0,
            ptr::null(),
        )
    };
    assert_ne!(handle, INVALID_HANDLE_VALUE);
    // SAFETY: the handle was made above and nobody else closes it.
    let pipe = unsafe { File::from_raw_handle(handle) };
    thread::scope(|scope| {
        let served = scope.spawn(move || {
            // It fails if eductl was there first.
            // SAFETY: the handle is open, and was not opened for overlapped requests.
            unsafe { ConnectNamedPipe(pipe.as_raw_handle(), ptr::null_mut()) };
            serve(pipe)
        });
        let output = Command::new(env!("CARGO_BIN_EXE_eductl"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output, served.join().unwrap())
    })
}

#[track_caller]
fn ends(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes| str::from_utf8(bytes).unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(text(&output.stdout), stdout);
    assert!(text(&output.stderr).starts_with(stderr), "{output:?}");
    assert_eq!(output.stderr.is_empty(), stderr.is_empty(), "{output:?}");
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn what_is_read_is_shown() {
    let (output, ()) = eductl(&["read", "0x10", "4"], |mut pipe| {
        pipe.write_all(b"edu!").unwrap();
        // Until eductl closes its end.
        drop(pipe.read(&mut [0]));
    });
    ends(
        &output,
        0,
        "00000010: 6564 7521                                edu!\n",
        "",
    );
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_read_that_gives_less_is_wrong() {
    let (output, ()) = eductl(&["read", "0", "4"], |mut pipe| {
        pipe.write_all(b"ed").unwrap();
        drop(pipe.read(&mut [0]));
    });
    let shown = "00000000: 6564                                     ed\nWRONG, 2 of 4 bytes came\n";
    ends(&output, 1, shown, "");
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn what_is_written_arrives() {
    let (output, came) = eductl(&["write", "0", "--hex", "00ff1a"], |mut pipe| {
        let mut came = Vec::new();
        // It ends with an error once the other end is closed.
        drop(pipe.read_to_end(&mut came));
        came
    });
    ends(&output, 0, "wrote 3 bytes at offset 0\n", "");
    assert_eq!(came, [0, 0xFF, 0x1A]);
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_path_may_be_longer_than_260_characters() {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let deep = directory.path().join(r"directory\".repeat(30));
    fs::create_dir_all(&deep).unwrap();
    let [given, taken] = ["given", "taken"].map(|name| deep.join(name));
    fs::write(&given, b"edu").unwrap();
    let input = ["write", "0", "--input", given.to_str().unwrap()];
    let (output, came) = eductl(&input, |mut pipe| {
        let mut came = Vec::new();
        drop(pipe.read_to_end(&mut came));
        came
    });
    ends(&output, 0, "wrote 3 bytes at offset 0\n", "");
    assert_eq!(came, b"edu");
    let output = [
        "read",
        "0",
        "1",
        "--output",
        taken.to_str().unwrap(),
        "--json",
    ];
    let (output, ()) = eductl(&output, |mut pipe| {
        pipe.write_all(b"!").unwrap();
        drop(pipe.read(&mut [0]));
    });
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::read(&taken).unwrap(), b"!");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["output"].as_str(), taken.to_str());
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_request_that_takes_too_long_is_canceled() {
    let (output, ()) = eductl(&["read", "0", "4", "--timeout", "0.2"], |mut pipe| {
        drop(pipe.read(&mut [0]));
    });
    let said = "eductl: the driver did not complete the request within 0.2 s; it was canceled\n";
    ends(&output, 5, "", said);
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_device_that_goes_away_ends_a_pending_request_in_the_systems_words() {
    let (output, ()) = eductl(&["read", "0", "4", "--json"], |pipe| {
        thread::sleep(Duration::from_millis(100));
        drop(pipe);
    });
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = &found["error"];
    assert_eq!(error["kind"], "request_failed");
    assert_eq!(error["ntstatus"], "0xC000014B");
    assert_eq!(error["win32"], 109);
    let message = error["message"].as_str().unwrap();
    let end = " (NTSTATUS 0xC000014B; Win32 error 109)";
    assert!(message.ends_with(end), "{message}");
    assert!(!message.contains("without a name"), "{message}");
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_control_request_that_the_driver_does_not_know_ends_with_code_4() {
    for command in ["info", "stats", "cancel", "stress", "watch"] {
        let (output, ()) = eductl(&[command], |mut pipe| drop(pipe.read(&mut [0])));
        ends(&output, 4, "", "eductl: the request failed: ");
    }
}

#[test]
#[ignore = "needs the cfgmgr32.dll of scripts/wine.sh"]
fn a_device_that_cannot_be_opened_ends_with_code_3() {
    let _one = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env!("CARGO_BIN_EXE_eductl"))
        .arg("info")
        .output()
        .unwrap();
    let said = "eductl: the device could not be opened: there is no such device \
                (Win32 ERROR_FILE_NOT_FOUND 2)\n";
    ends(&output, 3, "", said);
}
