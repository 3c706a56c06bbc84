//! The I/O manager's part: files, IRPs, and how they reach the driver.

mod file;

pub use file::File;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use kmdf_abi::ntstatus::{NtStatus, STATUS_DELETE_PENDING, STATUS_INVALID_DEVICE_REQUEST};

use kmdf_bus::{Sent, SentKind};

use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        request::Request,
    },
};

/// What an IRP asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    /// `IRP_MJ_CREATE`
    Create,
    /// `IRP_MJ_READ`
    Read,
    /// `IRP_MJ_WRITE`
    Write,
    /// `IRP_MJ_DEVICE_CONTROL`
    DeviceControl,
    /// `IRP_MJ_INTERNAL_DEVICE_CONTROL`, which only drivers send.
    InternalControl,
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

/// Who is told how an IRP ended that a driver has sent.
type Back = Box<dyn FnOnce(&Host, &Outcome)>;

/// One I/O request, of an app or of a driver.
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
    /// Whether a driver has sent it.
    pub(crate) of_kernel: bool,
    /// `Parameters.Others`: its arguments 1, 2 and 4, where a driver has sent it with those.
    pub(crate) others: Option<[u64; 3]>,
    pub(crate) canceled: Cell<bool>,
    back: RefCell<Option<Back>>,
    /// The file it was sent through: its WDFFILEOBJECT, and what identifies it.
    file: Cell<(u64, u64)>,
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

    fn attach(&self, file: &File) {
        self.file.set((file.object(), file.id()));
    }

    /// How its control code passes buffers: `METHOD_BUFFERED`, `METHOD_IN_DIRECT`,
    /// `METHOD_OUT_DIRECT` or `METHOD_NEITHER`, 0 to 3.
    pub(crate) const fn method(&self) -> u32 {
        self.code & 3
    }

    /// The WDFFILEOBJECT of the file it was sent through, or 0.
    pub(crate) fn file_object(&self) -> u64 {
        self.file.get().0
    }

    /// What identifies the file it was sent through.
    pub(crate) fn file_id(&self) -> u64 {
        self.file.get().1
    }

    fn finish(&self, outcome: Outcome) {
        *self.outcome.borrow_mut() = Some(outcome);
    }

    /// The same, sent by a driver. `back` is told how it ended.
    pub(crate) fn of_target(sent: Sent, others: Option<[u64; 3]>, back: Back) -> Self {
        let major = match sent.kind {
            SentKind::Read => Major::Read,
            SentKind::Write => Major::Write,
            SentKind::Control => Major::DeviceControl,
            SentKind::InternalControl => Major::InternalControl,
        };
        let offset = sent.offset.cast_unsigned();
        Self {
            of_kernel: true,
            others,
            back: RefCell::new(Some(back)),
            ..Self::new(major, sent.code, sent.input, sent.output_length, offset)
        }
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
    /// Sends a request through a file, in a thread of its own. It has ended when its [`Irp::outcome`] is
    /// there.
    pub fn submit(&self, file: &File, operation: Operation) -> Rc<Irp> {
        let irp = file.prepare(operation);
        if !irp.is_finished() {
            let (device, sent) = (file.device(), Rc::clone(&irp));
            self.spawn("app", move |host| host.dispatch(device, &sent));
        }
        irp
    }

    /// Cancels a request, as CancelIoEx does, in a thread of its own. It ends when the driver lets it.
    pub fn cancel(&self, irp: &Rc<Irp>) {
        irp.canceled.set(true);
        let irp = Rc::clone(irp);
        self.spawn("app cancels", move |host| host.cancel_here(&irp));
    }

    /// Cancels a request in this thread.
    pub fn cancel_here(&self, irp: &Irp) {
        irp.canceled.set(true);
        let request = irp.request.borrow().upgrade();
        if let Some(request) = request {
            self.cancel_request(&request);
        }
    }

    /// Ends an IRP.
    pub(crate) fn finish_irp(&self, irp: &Irp, outcome: &Outcome) {
        irp.finish(outcome.clone());
        let back = irp.back.take();
        if let Some(back) = back {
            back(self, outcome);
        }
    }

    /// Ends an IRP that no driver has seen.
    pub(crate) fn fail_irp(&self, irp: &Irp, status: NtStatus) {
        let outcome = Outcome {
            status,
            information: 0,
            output: Vec::new(),
        };
        self.finish_irp(irp, &outcome);
    }

    /// Presents an IRP to its device, in the sender's thread.
    pub fn dispatch(&self, device: u64, irp: &Rc<Irp>) {
        let fail = |status| self.fail_irp(irp, status);
        if self.framework().objects.was(device, "WDFDEVICE") {
            return fail(STATUS_DELETE_PENDING);
        }
        let device = self.body::<Device>(device);
        if matches!(device.phase.get(), Phase::Removed | Phase::Adding) {
            return fail(STATUS_DELETE_PENDING);
        }
        if self.preprocess(&device, irp) {
            return;
        }
        let is_taken = device.in_caller_context != 0 || device.queue_taking(irp.major).is_some();
        if !is_taken && !device.chooses_queue(irp.major) {
            return fail(STATUS_INVALID_DEVICE_REQUEST);
        }
        let request = self.create_request(&device, irp);
        self.dispatch_or_ask(&device, &request);
    }
}

impl Irp {
    /// That of a request which no app has sent.
    pub(crate) fn of_driver() -> Self {
        Self::new(Major::DeviceControl, 0, Vec::new(), 0, 0)
    }

    fn new(major: Major, code: u32, input: Vec<u8>, output_length: usize, offset: u64) -> Self {
        Self {
            major,
            code,
            input,
            output_length,
            offset,
            of_kernel: false,
            others: None,
            canceled: Cell::new(false),
            back: RefCell::default(),
            file: Cell::new((0, 0)),
            request: RefCell::default(),
            outcome: RefCell::new(None),
        }
    }
}
