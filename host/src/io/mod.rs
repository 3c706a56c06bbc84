//! The I/O manager's part: files, IRPs, and how they reach the driver.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_DELETE_PENDING, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_OBJECT_NAME_NOT_FOUND,
};

use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        request::Request,
    },
};

/// `FILE_READ_DATA`, which FILE_READ_ACCESS in a control code asks for.
const FILE_READ_DATA: u32 = 1;
/// `FILE_WRITE_DATA`, which FILE_WRITE_ACCESS in a control code asks for.
const FILE_WRITE_DATA: u32 = 2;

/// What an IRP asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    /// `IRP_MJ_READ`
    Read,
    /// `IRP_MJ_WRITE`
    Write,
    /// `IRP_MJ_DEVICE_CONTROL`
    DeviceControl,
}

/// How an IRP ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// With which status.
    pub status: NtStatus,
    /// With how many bytes, or whatever else the driver said.
    pub information: u64,
    /// The bytes it gave.
    pub output: Vec<u8>,
}

/// An open handle of a device.
#[derive(Debug)]
pub struct File {
    device: u64,
    access: u32,
    closed: Cell<bool>,
    /// IRPs that were sent through it, as long as they live.
    irps: RefCell<Vec<Weak<Irp>>>,
}

/// One I/O request of an app.
pub struct Irp {
    /// What it asks for.
    pub major: Major,
    /// The control code, for DeviceControl.
    pub code: u32,
    /// The bytes it takes in.
    pub input: Vec<u8>,
    /// How many bytes it can give.
    pub output_length: usize,
    /// File offset, for Read and Write.
    pub offset: u64,
    pub(crate) cancelled: Cell<bool>,
    pub(crate) request: RefCell<Weak<Request>>,
    outcome: RefCell<Option<Outcome>>,
}

impl fmt::Debug for Irp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:#x}, {:?}", self.major, self.code, self.outcome())
    }
}

impl Irp {
    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.borrow().clone()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        *self.outcome.borrow_mut() = Some(outcome);
    }
}

/// What an app asks a file for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `DeviceIoControl`
    Control {
        /// The control code.
        code: u32,
        /// The bytes it takes in.
        input: Vec<u8>,
        /// How many bytes it can give.
        output_length: usize,
    },
    /// `ReadFile`
    Read {
        /// File offset in bytes.
        offset: u64,
        /// How many bytes.
        length: usize,
    },
    /// `WriteFile`
    Write {
        /// File offset in bytes.
        offset: u64,
        /// The bytes.
        data: Vec<u8>,
    },
}

impl Host {
    /// Opens a device interface, as CreateFile does.
    ///
    /// `class` is the interface's GUID as its 16 bytes lie in memory, `instance` counts the
    /// enabled interfaces of that class from 0, and `access` is an access mask.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND` when no such interface is enabled.
    pub fn open(&self, class: [u8; 16], instance: u32, access: u32) -> Result<Rc<File>, NtStatus> {
        let device = self
            .bodies::<Device>()
            .into_iter()
            .filter(|device| {
                let interfaces = device.interfaces.borrow();
                interfaces
                    .iter()
                    .any(|interface| interface.enabled && interface.class == class)
            })
            .nth(instance as usize)
            .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let file = Rc::new(File {
            device: device.handle,
            access,
            closed: Cell::new(false),
            irps: RefCell::default(),
        });
        Ok(file)
    }

    /// Sends a request through a file. It has ended when its [`Irp::outcome`] is there.
    pub fn submit(&self, file: &File, operation: Operation) -> Rc<Irp> {
        let irp = Rc::new(match operation {
            Operation::Control {
                code,
                input,
                output_length,
            } => Irp::new(Major::DeviceControl, code, input, output_length, 0),
            Operation::Read { offset, length } => {
                Irp::new(Major::Read, 0, Vec::new(), length, offset)
            }
            Operation::Write { offset, data } => Irp::new(Major::Write, 0, data, 0, offset),
        });
        if let Err(status) = file.check(&irp) {
            irp.finish(Outcome {
                status,
                information: 0,
                output: Vec::new(),
            });
            return irp;
        }
        let mut irps = file.irps.borrow_mut();
        irps.retain(|other| other.strong_count() > 0);
        irps.push(Rc::downgrade(&irp));
        let (device, sent) = (file.device, Rc::clone(&irp));
        self.spawn("app", move |host| host.dispatch(device, &sent));
        irp
    }

    /// Cancels a request, as CancelIoEx does. It ends when the driver lets it.
    pub fn cancel(&self, irp: &Rc<Irp>) {
        irp.cancelled.set(true);
        let irp = Rc::clone(irp);
        self.spawn("app cancels", move |host| {
            let request = irp.request.borrow().upgrade();
            if let Some(request) = request {
                host.cancel_request(&request);
            }
        });
    }

    /// Closes a file, as CloseHandle does: what is pending on it is cancelled.
    pub fn close(&self, file: &File) {
        file.closed.set(true);
        for irp in file.pending() {
            self.cancel(&irp);
        }
    }

    /// Presents an IRP to its device, in the app's thread.
    fn dispatch(&self, device: u64, irp: &Rc<Irp>) {
        let fail = |status| {
            irp.finish(Outcome {
                status,
                information: 0,
                output: Vec::new(),
            })
        };
        if self.framework.objects.was(device, "WDFDEVICE") {
            return fail(STATUS_DELETE_PENDING);
        }
        let device = self.body::<Device>(device);
        if matches!(device.phase.get(), Phase::Removed | Phase::Adding) {
            return fail(STATUS_DELETE_PENDING);
        }
        let Some(queue) = device.default_queue() else {
            return fail(STATUS_INVALID_DEVICE_REQUEST);
        };
        let request = self.create_request(device.handle, irp);
        self.enqueue(&queue, &request);
    }
}

impl Irp {
    fn new(major: Major, code: u32, input: Vec<u8>, output_length: usize, offset: u64) -> Self {
        Self {
            major,
            code,
            input,
            output_length,
            offset,
            cancelled: Cell::new(false),
            request: RefCell::default(),
            outcome: RefCell::new(None),
        }
    }
}

impl File {
    /// What the I/O manager checks before a driver sees the request.
    fn check(&self, irp: &Irp) -> Result<(), NtStatus> {
        if self.closed.get() {
            return Err(kmdf_abi::ntstatus::STATUS_INVALID_HANDLE);
        }
        let needed = match irp.major {
            Major::Read => FILE_READ_DATA,
            Major::Write => FILE_WRITE_DATA,
            // The access bits of a control code.
            Major::DeviceControl => irp.code >> 14 & 3,
        };
        if self.access & needed == needed {
            Ok(())
        } else {
            Err(STATUS_ACCESS_DENIED)
        }
    }

    /// The requests that have not ended.
    #[must_use]
    pub fn pending(&self) -> Vec<Rc<Irp>> {
        self.irps
            .borrow()
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|irp| !irp.is_finished())
            .collect()
    }
}
