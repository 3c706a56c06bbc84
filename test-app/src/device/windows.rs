//! The device interface on Windows: overlapped I/O.
//!
//! All of eductl's unsafe code is here. What the kernel reads and writes while a request is pending
//! (the OVERLAPPED, the event, both buffers) belongs to an [`Operation`] on the heap, which is
//! freed only once the request is seen completed, and leaked if it never is.

use std::{
    fs::{File, OpenOptions},
    io, iter,
    os::windows::{
        ffi::OsStringExt,
        fs::OpenOptionsExt,
        io::{AsRawHandle, FromRawHandle, OwnedHandle},
    },
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

use edu_spec::interface::DEVICE_INTERFACE;
use windows_sys::{
    Win32::{
        Devices::DeviceAndDriverInstallation::{
            CM_GET_DEVICE_INTERFACE_LIST_PRESENT, CM_Get_Device_Interface_List_SizeW,
            CM_Get_Device_Interface_ListW, CR_BUFFER_SMALL, CR_SUCCESS,
        },
        Foundation::{ERROR_IO_PENDING, ERROR_NOT_FOUND, HANDLE, STATUS_PENDING},
        Storage::FileSystem::{
            FILE_FLAG_OVERLAPPED, FILE_SHARE_READ, FILE_SHARE_WRITE, ReadFile, WriteFile,
        },
        System::{
            IO::{
                CancelIoEx, DeviceIoControl, GetOverlappedResultEx, OVERLAPPED, OVERLAPPED_0,
                OVERLAPPED_0_0,
            },
            Threading::{CreateEventW, INFINITE},
        },
    },
    core::{BOOL, GUID},
};

use super::{CANCEL_GRACE, Error, Options, RequestError, Status, Transfer};

/// The interface class, in the system's form.
static INTERFACE: GUID = GUID {
    data1: DEVICE_INTERFACE.data1,
    data2: DEVICE_INTERFACE.data2,
    data3: DEVICE_INTERFACE.data3,
    data4: DEVICE_INTERFACE.data4,
};

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

    /// Sends the request that `call` starts, at a file offset.
    ///
    /// What `call` is given is valid until the request has completed: the file is open as long as
    /// `self` and, by its clone, as the request; the buffers are as long as is said; the OVERLAPPED
    /// has an event of its own; and only [`Pending`] frees the operation, once it has completed.
    fn send(
        &self,
        offset: u64,
        input: &[u8],
        output_length: u32,
        call: impl FnOnce(&Buffers) -> BOOL,
    ) -> Result<Pending, Error> {
        let mut operation = Box::new(Operation::new(offset, input, output_length)?);
        let input_length = u32::try_from(operation.input.len()).map_err(|_| Error::Malformed {
            reason: "an input buffer above 4 GiB".into(),
        })?;
        let input: *const u8 = operation.input.as_ptr();
        let output: *mut u8 = operation.output.as_mut_ptr();
        let operation = NonNull::from(Box::leak(operation));
        let done = call(&Buffers {
            file: self.0.as_raw_handle(),
            input,
            input_length,
            output,
            output_length,
            // The operation's first field.
            overlapped: operation.as_ptr().cast(),
        });
        let error = io::Error::last_os_error();
        let pending = Pending {
            file: Arc::clone(&self.0),
            operation: Some(operation),
        };
        if done == 0 && !is(&error, ERROR_IO_PENDING) {
            // It failed at once: the kernel has nothing of ours.
            let status = pending.ntstatus();
            pending.free();
            return Err(Error::Failed(request_error(&error, status)));
        }
        Ok(pending)
    }
}

/// What the system is given with a request.
struct Buffers {
    file: HANDLE,
    input: *const u8,
    input_length: u32,
    output: *mut u8,
    output_length: u32,
    overlapped: *mut OVERLAPPED,
}

/// What the kernel uses while a request is pending.
#[repr(C)]
struct Operation {
    /// First, so that its address is the operation's.
    overlapped: OVERLAPPED,
    /// Signaled by the completion; the OVERLAPPED names it.
    _event: OwnedHandle,
    input: Box<[u8]>,
    output: Vec<u8>,
}

impl Operation {
    fn new(offset: u64, input: &[u8], output_length: u32) -> Result<Self, Error> {
        // SAFETY: no attributes, a manual-reset event that is not signaled, without a name.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if event.is_null() {
            let error = io::Error::last_os_error();
            return Err(Error::Failed(request_error(&error, None)));
        }
        // SAFETY: the event was made above and nobody else closes it.
        let owned = unsafe { OwnedHandle::from_raw_handle(event) };
        let [low, high] = halves(offset);
        Ok(Self {
            overlapped: OVERLAPPED {
                Anonymous: OVERLAPPED_0 {
                    Anonymous: OVERLAPPED_0_0 {
                        Offset: low,
                        OffsetHigh: high,
                    },
                },
                hEvent: event,
                ..OVERLAPPED::default()
            },
            _event: owned,
            input: input.into(),
            output: vec![0; output_length as usize],
        })
    }
}

#[derive(Debug)]
pub(super) struct Pending {
    file: Arc<File>,
    /// `None` only once it was freed or leaked.
    operation: Option<NonNull<Operation>>,
}

// SAFETY: the operation is on the heap and used by one thread at a time, the one that has the
// `Pending`; any thread may wait for it, cancel it and free it.
unsafe impl Send for Pending {}

impl Pending {
    /// `Err` is the request that is still pending.
    pub(super) fn wait_timeout(self, timeout: Duration) -> Result<Result<Transfer, Error>, Self> {
        // It may complete right after the time is up: what counts is whether it has by now.
        drop(self.wait(timeout));
        let Some(status) = self.ntstatus() else {
            return Err(self);
        };
        Ok(match self.wait(Duration::ZERO) {
            Ok(bytes) => Ok(Transfer {
                bytes: u64::from(bytes),
                output: self.free().into_iter().take(bytes as usize).collect(),
            }),
            Err(error) => {
                self.free();
                Err(Error::Failed(request_error(&error, Some(status))))
            }
        })
    }

    /// How many bytes were transferred, if the request completes with success in that time.
    fn wait(&self, timeout: Duration) -> io::Result<u32> {
        let Some(operation) = self.operation else {
            return Ok(0);
        };
        // Up, for whoever waits until a moment would spin through the rest of a millisecond.
        let milliseconds =
            u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1);
        let mut bytes = 0;
        // SAFETY: the file is open and the OVERLAPPED is the one that the request was sent with.
        let done = unsafe {
            GetOverlappedResultEx(
                self.file.as_raw_handle(),
                operation.as_ptr().cast(),
                &raw mut bytes,
                milliseconds,
                0,
            )
        };
        if done == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(bytes)
        }
    }

    pub(super) fn cancel(&self) -> Result<(), Error> {
        let Some(operation) = self.operation else {
            return Ok(());
        };
        // SAFETY: the file is open and the OVERLAPPED is the one that the request was sent with.
        let done = unsafe { CancelIoEx(self.file.as_raw_handle(), operation.as_ptr().cast()) };
        let error = io::Error::last_os_error();
        // That nothing was found to be cancelled means that it completed meanwhile.
        if done == 0 && !is(&error, ERROR_NOT_FOUND) {
            return Err(Error::Failed(request_error(&error, None)));
        }
        Ok(())
    }

    /// The NTSTATUS of the completion, or `None` while there is none.
    fn ntstatus(&self) -> Option<u32> {
        let operation = self.operation?;
        let overlapped = operation.as_ptr().cast::<OVERLAPPED>();
        // SAFETY: the operation is not freed, for then there would be none. The kernel may write
        // the field at any time: so the read is volatile and makes no reference.
        let overlapped = unsafe { overlapped.read_volatile() };
        completed_with(overlapped.Internal)
    }

    /// Frees the operation, which must have completed or never have been sent, and gives its
    /// output buffer.
    fn free(mut self) -> Vec<u8> {
        self.operation.take().map_or_else(Vec::new, |operation| {
            // SAFETY: it came from a `Box`; by the contract of this function the kernel no longer
            // uses it, and nobody else has the pointer.
            unsafe { Box::from_raw(operation.as_ptr()) }.output
        })
    }
}

impl Drop for Pending {
    /// Cancels the request and waits for the kernel to let go of it. If a driver does not complete
    /// it even then, it is leaked rather than freed under the kernel's hands.
    fn drop(&mut self) {
        if self.operation.is_none() {
            return;
        }
        let pending = Self {
            file: Arc::clone(&self.file),
            operation: self.operation.take(),
        };
        drop(pending.cancel());
        match pending.wait_timeout(CANCEL_GRACE) {
            Ok(ended) => drop(ended),
            Err(mut stuck) => stuck.operation = None,
        }
    }
}

/// The paths of the interfaces that are present, as the system stores them: without a terminator.
fn interfaces() -> Result<Vec<Vec<u16>>, Error> {
    loop {
        let mut length = 0;
        // SAFETY: both pointers are to live values of their types; no device id filters the list.
        let result = unsafe {
            CM_Get_Device_Interface_List_SizeW(
                &raw mut length,
                &raw const INTERFACE,
                ptr::null(),
                CM_GET_DEVICE_INTERFACE_LIST_PRESENT,
            )
        };
        if result != CR_SUCCESS {
            return Err(not_listed(result));
        }
        let mut list: Vec<u16> = iter::repeat_n(0, length as usize).collect();
        // SAFETY: as above, and the buffer has `length` characters.
        let result = unsafe {
            CM_Get_Device_Interface_ListW(
                &raw const INTERFACE,
                ptr::null(),
                list.as_mut_ptr(),
                length,
                CM_GET_DEVICE_INTERFACE_LIST_PRESENT,
            )
        };
        match result {
            CR_SUCCESS => {
                return Ok(list
                    .split(|character| *character == 0)
                    .filter(|path| !path.is_empty())
                    .map(<[u16]>::to_vec)
                    .collect());
            }
            // A device came between the two calls.
            CR_BUFFER_SMALL => {}
            other => return Err(not_listed(other)),
        }
    }
}

fn not_listed(result: u32) -> Error {
    Error::NoDevice {
        reason: format!("the device interfaces could not be listed: CONFIGRET {result:#x}"),
        hint: "the Plug and Play service must be running",
    }
}

/// The NTSTATUS in `OVERLAPPED.Internal`, or `None` while the request is pending. The kernel writes 32 bits
/// of it.
fn completed_with(internal: usize) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the other bits mean nothing"
    )]
    let status = internal as u32;
    (status != STATUS_PENDING.cast_unsigned()).then_some(status)
}

/// The low and the high half of a file offset.
fn halves(offset: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "each half has 32 bits")]
    [offset as u32, (offset >> 32) as u32]
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
