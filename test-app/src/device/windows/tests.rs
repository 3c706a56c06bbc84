//! Overlapped I/O with a driver that every Windows has: the named pipe file system. Listening on a
//! pipe stays pending until a client comes, peeking gives output.

use std::{
    fs::OpenOptions,
    io::Write,
    os::windows::io::FromRawHandle,
    process, thread,
    time::{Duration, Instant},
};

use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE, Storage::FileSystem::PIPE_ACCESS_DUPLEX,
    System::Pipes::CreateNamedPipeW,
};

use super::{super::CANCEL_GRACE, pending::completed_with, *};

const FSCTL_PIPE_LISTEN: u32 = 0x0011_0008;
const FSCTL_PIPE_PEEK: u32 = 0x0011_400C;
/// What precedes the data that peeking gives.
const PEEK_HEADER_BYTES: u32 = 16;
const CANCELLED: u32 = 0xC000_0120;
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);

/// A pipe's server end, and its name.
fn pipe(name: &str) -> (Device, String) {
    let name = format!(r"\\.\pipe\eductl-{}-{name}", process::id());
    let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: the name is terminated; the other arguments are plain values.
    let handle = unsafe {
        CreateNamedPipeW(
            wide.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
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
    let file = unsafe { File::from_raw_handle(handle) };
    (Device(Arc::new(file)), name)
}

fn connect(name: &str) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
        .unwrap()
}

fn is_canceled(ended: &Result<Transfer, Error>) -> bool {
    matches!(ended, Err(Error::Failed(error)) if error.status.is_canceled())
}

#[test]
fn a_request_is_pending_until_the_driver_completes_it() {
    let (device, name) = pipe("completes");
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    let listening = listening.wait_timeout(SHORT).unwrap_err();
    let client = thread::spawn(move || {
        thread::sleep(SHORT);
        connect(&name)
    });
    let transfer = listening.wait_timeout(LONG).unwrap().unwrap();
    assert_eq!(transfer.bytes, 0);
    drop(client.join());
}

#[test]
fn output_is_as_long_as_what_was_transferred() {
    let (device, name) = pipe("output");
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    let mut client = connect(&name);
    listening.wait_timeout(LONG).unwrap().unwrap();
    client.write_all(&[7, 8, 9]).unwrap();
    let peeking = device
        .control(FSCTL_PIPE_PEEK, &[], PEEK_HEADER_BYTES + 100)
        .unwrap();
    let transfer = peeking.wait_timeout(LONG).unwrap().unwrap();
    assert_eq!(transfer.bytes, u64::from(PEEK_HEADER_BYTES) + 3);
    assert_eq!(
        transfer.output.get(PEEK_HEADER_BYTES as usize..),
        Some(&[7, 8, 9][..])
    );
}

#[test]
fn a_canceled_request_completes_as_cancelled() {
    let (device, _) = pipe("canceled");
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    listening.cancel().unwrap();
    let ended = listening.wait_timeout(LONG).unwrap();
    assert!(is_canceled(&ended), "{ended:?}");
    let Err(Error::Failed(error)) = ended else {
        unreachable!("it is canceled")
    };
    assert_eq!(error.status.ntstatus(), Some(CANCELLED));
}

#[test]
fn canceling_what_has_completed_is_no_error() {
    let (device, name) = pipe("late");
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    let _client = connect(&name);
    listening.wait(LONG).unwrap();
    listening.cancel().unwrap();
    listening.wait_timeout(LONG).unwrap().unwrap();
}

#[test]
fn dropping_a_pending_request_takes_it_back_from_the_driver() {
    let (device, name) = pipe("dropped");
    let start = Instant::now();
    drop(device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap());
    assert!(start.elapsed() < CANCEL_GRACE);
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    let _client = connect(&name);
    listening.wait_timeout(LONG).unwrap().unwrap();
}

#[test]
fn a_request_may_outlive_its_device() {
    let (device, name) = pipe("outlives");
    let listening = device.control(FSCTL_PIPE_LISTEN, &[], 0).unwrap();
    drop(device);
    let _client = connect(&name);
    listening.wait_timeout(LONG).unwrap().unwrap();
}

#[test]
fn a_request_that_fails_at_once_says_why() {
    let (device, _) = pipe("fails");
    let error = match device.control(0x0011_3FFC, &[1, 2], 8) {
        Ok(pending) => pending.wait_timeout(LONG).unwrap().unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, Error::Failed(_)), "{error:?}");
}

#[test]
fn the_status_of_a_completion_has_32_bits() {
    assert_eq!(completed_with(0), Some(0));
    assert_eq!(completed_with(0xC000_0120), Some(CANCELLED));
    assert_eq!(completed_with(0xFFFF_FFFF_C000_0120), Some(CANCELLED));
    assert_eq!(completed_with(0x103), None);
    assert_eq!(completed_with(0x1_0000_0103), None);
}

#[test]
fn a_system_without_the_device_says_so() {
    let error = Device::open(&Options { index: 99 }).unwrap_err();
    assert!(matches!(error, Error::NoDevice { .. }), "{error:?}");
}
