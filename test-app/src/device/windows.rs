//! The device interface on Windows: overlapped I/O.
//!
//! All of eductl's unsafe code is here and below. What the kernel reads and writes while a request is
//! pending (the OVERLAPPED, the event, both buffers) belongs to an operation on the heap, which is
//! freed only once the request is seen completed, and leaked if it never is.

mod interfaces;
mod pending;

use std::{
    fs::{File, OpenOptions},
    io,
    os::windows::{ffi::OsStringExt, fs::OpenOptionsExt},
    ptr,
    sync::Arc,
};

use edu_spec::interface::DEVICE_INTERFACE;
use windows_sys::{
    Win32::{
        Foundation::ERROR_IO_PENDING,
        Storage::FileSystem::{
            FILE_FLAG_OVERLAPPED, FILE_SHARE_READ, FILE_SHARE_WRITE, ReadFile, WriteFile,
        },
        System::IO::DeviceIoControl,
    },
    core::BOOL,
};

use super::{Error, Options, RequestError, Status, Transfer};
use interfaces::interfaces;
use pending::Buffers;

pub(super) use pending::Pending;

#[derive(Debug)]
pub(super) struct Device(Arc<File>);

impl Device {
    pub(super) fn open(options: &Options) -> Result<Self, Error> {
        let path = interfaces()?
            .into_iter()
            .nth(options.index as usize)
            .ok_or_else(|| Error::NoDevice {
                reason: format!(
                    "no edu device with index {} is present (interface {DEVICE_INTERFACE})",
                    options.index
                ),
                hint: "give the virtual machine -device edu and install the driver; then Device \
                       Manager says whether it started",
            })?;
        OpenOptions::new()
            .read(true)
            .write(true)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            .open(std::ffi::OsString::from_wide(&path))
            .map(|file| Self(Arc::new(file)))
            .map_err(|error| Error::NotOpened(request_error(&error, None)))
    }

    pub(super) fn control(
        &self,
        code: u32,
        input: &[u8],
        output_length: u32,
    ) -> Result<Pending, Error> {
        self.send(0, input, output_length, |buffers| {
            // SAFETY: `send` promises that everything in `buffers` is valid until the request has
            // completed.
            unsafe {
                DeviceIoControl(
                    buffers.file,
                    code,
                    buffers.input.cast(),
                    buffers.input_length,
                    buffers.output.cast(),
                    buffers.output_length,
                    ptr::null_mut(),
                    buffers.overlapped,
                )
            }
        })
    }

    pub(super) fn read(&self, offset: u64, length: u32) -> Result<Pending, Error> {
        self.send(offset, &[], length, |buffers| {
            // SAFETY: as for DeviceIoControl.
            unsafe {
                ReadFile(
                    buffers.file,
                    buffers.output,
                    buffers.output_length,
                    ptr::null_mut(),
                    buffers.overlapped,
                )
            }
        })
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) -> Result<Pending, Error> {
        self.send(offset, data, 0, |buffers| {
            // SAFETY: as for DeviceIoControl.
            unsafe {
                WriteFile(
                    buffers.file,
                    buffers.input,
                    buffers.input_length,
                    ptr::null_mut(),
                    buffers.overlapped,
                )
            }
        })
    }

    /// Sends the request that `call` starts, at a file offset. What `call` is given is valid until the
    /// request has completed.
    fn send(
        &self,
        offset: u64,
        input: &[u8],
        output_length: u32,
        call: impl FnOnce(&Buffers) -> BOOL,
    ) -> Result<Pending, Error> {
        let (pending, buffers) =
            Pending::prepare(Arc::clone(&self.0), offset, input, output_length)?;
        let done = call(&buffers);
        let error = io::Error::last_os_error();
        if done == 0 && !is(&error, ERROR_IO_PENDING) {
            // It failed at once: the kernel has nothing of ours.
            let status = pending.ntstatus();
            pending.free();
            return Err(Error::Failed(request_error(&error, status)));
        }
        Ok(pending)
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().map(i32::cast_unsigned) == Some(code)
}

fn request_error(error: &io::Error, ntstatus: Option<u32>) -> RequestError {
    let win32 = error.raw_os_error().unwrap_or_default().cast_unsigned();
    RequestError {
        status: Status::from_win32(win32, ntstatus.filter(|status| *status >= 0x8000_0000)),
    }
}

#[cfg(test)]
mod tests;
