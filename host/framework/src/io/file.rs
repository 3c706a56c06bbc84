//! Files: handles that apps have open, from CreateFile to the last close.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_DELETE_PENDING, STATUS_INVALID_HANDLE,
    STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};

use super::{Irp, Major, Operation, Outcome};
use crate::{
    host::Host,
    kmdf::device::{Device, Phase},
};

/// `FILE_READ_DATA`, which FILE_READ_ACCESS in a control code asks for.
const FILE_READ_DATA: u32 = 1;
/// `FILE_WRITE_DATA`, which FILE_WRITE_ACCESS in a control code asks for.
const FILE_WRITE_DATA: u32 = 2;

/// A handle of a device.
pub struct File {
    device: u64,
    access: u32,
    /// What follows the device's name in the one that was opened.
    name: String,
    id: u64,
    /// How opening it ended, once it has.
    opened: Cell<Option<NtStatus>>,
    /// Whether its handle was closed.
    closing: Cell<bool>,
    /// Whether the driver has seen the last of it.
    closed: Cell<bool>,
    /// The WDFFILEOBJECT, or 0.
    object: Cell<u64>,
    /// The address that stands for its FILE_OBJECT.
    wdm: u64,
    /// Whether a driver has opened it.
    of_kernel: bool,
    /// IRPs that were sent through it, as long as they live.
    irps: RefCell<Vec<Weak<Irp>>>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file {} ({:?})", self.id, self.opened.get())
    }
}

impl File {
    /// How opening it ended: `None` while the driver has not answered yet.
    #[must_use]
    pub fn opened(&self) -> Option<NtStatus> {
        self.opened.get()
    }

    /// Whether its handle was closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Whether closing it is over: the driver has seen cleanup and close.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// The WDFDEVICE.
    pub const fn device(&self) -> u64 {
        self.device
    }

    /// The address that stands for its FILE_OBJECT.
    pub(crate) const fn wdm(&self) -> u64 {
        self.wdm
    }

    /// Whether an app has opened it, and not a driver.
    pub(crate) const fn is_of_app(&self) -> bool {
        !self.of_kernel
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn object(&self) -> u64 {
        self.object.get()
    }

    /// Makes the IRP of a request. It has ended if the handle does not allow it.
    pub fn prepare(&self, operation: Operation) -> Rc<Irp> {
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
        if let Err(status) = self.check(&irp) {
            irp.finish(Outcome {
                status,
                information: 0,
                output: Vec::new(),
            });
            return irp;
        }
        self.send_through(&irp);
        irp
    }

    /// An IRP is sent through it.
    pub(crate) fn send_through(&self, irp: &Rc<Irp>) {
        irp.attach(self);
        let mut irps = self.irps.borrow_mut();
        irps.retain(|other| other.strong_count() > 0);
        irps.push(Rc::downgrade(irp));
    }

    /// What the I/O manager checks before a driver sees the request.
    pub(super) fn check(&self, irp: &Irp) -> Result<(), NtStatus> {
        let open = self.opened.get().is_some_and(NtStatus::is_success);
        if self.closing.get() || !open {
            return Err(STATUS_INVALID_HANDLE);
        }
        let needed = match irp.major {
            Major::Create => 0,
            Major::Read => FILE_READ_DATA,
            Major::Write => FILE_WRITE_DATA,
            // The access bits of a control code.
            Major::DeviceControl | Major::InternalControl => irp.code >> 14 & 3,
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

    fn is_idle(&self) -> bool {
        self.irps
            .borrow()
            .iter()
            .filter_map(Weak::upgrade)
            .all(|irp| irp.is_finished())
    }
}

impl Host {
    /// Opens a device interface, as CreateFile does, and runs the machine until the driver has
    /// answered. Not from within [`Host::run_until`] and relatives: see [`Host::begin_open`].
    ///
    /// `class` is the interface's GUID as its 16 bytes lie in memory, `instance` counts the
    /// enabled interfaces of that class from 0, and `access` is an access mask.
    ///
    /// # Errors
    /// As [`Host::begin_open`]; what the driver answered; `STATUS_UNSUCCESSFUL` when the run
    /// stopped, which whatever runs the machine next reports.
    pub fn open(&self, class: [u8; 16], instance: u32, access: u32) -> Result<Rc<File>, NtStatus> {
        let file = self.begin_open(class, instance, access)?;
        self.finish_open(file)
    }

    /// Opens what a symbolic link leads to, as [`Host::begin_open_path`], and runs the machine until
    /// the driver has answered.
    ///
    /// # Errors
    /// As [`Host::open`].
    pub fn open_path(&self, path: &str, access: u32) -> Result<Rc<File>, NtStatus> {
        let file = self.begin_open_path(path, access)?;
        self.finish_open(file)
    }

    fn finish_open(&self, file: Rc<File>) -> Result<Rc<File>, NtStatus> {
        if let Err(stop) = self.run_until(|_| file.opened().is_some()) {
            self.stop_with(stop);
            return Err(kmdf_abi::ntstatus::STATUS_UNSUCCESSFUL);
        }
        match file.opened() {
            Some(status) if !status.is_success() => Err(status),
            _ => Ok(file),
        }
    }

    /// Begins to open a device interface. It has ended when [`File::opened`] says how.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND` when no such interface is enabled, `STATUS_ACCESS_DENIED`
    /// when the device is exclusive and open, or its security descriptor does not give the app's user
    /// that access.
    pub fn begin_open(
        &self,
        class: [u8; 16],
        instance: u32,
        access: u32,
    ) -> Result<Rc<File>, NtStatus> {
        let (device, name) = self
            .bodies::<Device>()
            .into_iter()
            .flat_map(|device| {
                let interfaces = device.interfaces.borrow().clone();
                let enabled = interfaces
                    .into_iter()
                    .filter(move |interface| interface.enabled && interface.class == class);
                enabled.map(move |interface| (Rc::clone(&device), interface.file_name()))
            })
            .nth(instance as usize)
            .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.begin_open_file(device, name, access)
    }

    /// Begins to open what a symbolic link leads to, as CreateFile does with a path such as
    /// `\\.\Toaster` or, with the name of a file of the device, `\\.\Toaster\slot`. It has ended when
    /// [`File::opened`] says how.
    ///
    /// # Errors
    /// As [`Host::begin_open`].
    pub fn begin_open_path(&self, path: &str, access: u32) -> Result<Rc<File>, NtStatus> {
        let (device, name) = self
            .device_of_link(path)
            .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.begin_open_file(device, name, access)
    }

    fn begin_open_file(
        &self,
        device: Rc<Device>,
        name: String,
        access: u32,
    ) -> Result<Rc<File>, NtStatus> {
        if !self.lets_in(device.slot, access) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let file = self.new_file(&device, name, access, false)?;
        let opening = Rc::clone(&file);
        self.spawn("app opens", move |host| host.create_file(&device, &opening));
        Ok(file)
    }

    /// Opens a device in this thread, as ZwCreateFile does for a driver, whose access nobody checks.
    pub(crate) fn open_here(
        &self,
        device: &Rc<Device>,
        name: String,
        access: u32,
    ) -> Result<Rc<File>, NtStatus> {
        let file = self.new_file(device, name, access, true)?;
        self.create_file(device, &file);
        match file.opened() {
            Some(status) if !status.is_success() => Err(status),
            _ => Ok(file),
        }
    }

    fn new_file(
        &self,
        device: &Device,
        name: String,
        access: u32,
        of_kernel: bool,
    ) -> Result<Rc<File>, NtStatus> {
        if device.exclusive && !device.open.borrow().is_empty() {
            return Err(STATUS_ACCESS_DENIED);
        }
        let file = Rc::new(File {
            device: device.handle,
            access,
            name,
            id: self.memory.new_handle(),
            opened: Cell::new(None),
            closing: Cell::new(false),
            closed: Cell::new(false),
            object: Cell::new(0),
            wdm: self.memory.new_handle(),
            of_kernel,
            irps: RefCell::default(),
        });
        device.open.borrow_mut().push(Rc::clone(&file));
        Ok(file)
    }

    /// IRP_MJ_CREATE, in the app's thread.
    fn create_file(&self, device: &Rc<Device>, file: &Rc<File>) {
        let gone = matches!(device.phase.get(), Phase::Removed | Phase::Adding);
        let status = if gone || device.removing.get() {
            STATUS_DELETE_PENDING
        } else {
            let object = self.create_file_object(device, &file.name, file.wdm);
            file.object.set(object);
            self.send_create(device, file)
        };
        if !status.is_success() {
            self.forget_file(device, file);
        }
        file.opened.set(Some(status));
    }

    /// Lets the driver decide, by EvtDeviceFileCreate or a queue for create requests.
    fn send_create(&self, device: &Rc<Device>, file: &Rc<File>) -> NtStatus {
        let callback = device
            .files
            .map_or(0, |files| files.callbacks.EvtDeviceFileCreate.0);
        let queue = device.queue_for(Major::Create);
        if callback == 0 && queue.is_none() {
            return STATUS_SUCCESS;
        }
        let irp = Rc::new(Irp {
            of_kernel: file.of_kernel,
            ..Irp::new(Major::Create, 0, Vec::new(), 0, 0)
        });
        irp.attach(file);
        let request = self.create_request(device, &irp);
        if let Some(queue) = queue {
            self.enqueue_new(&queue, &request);
        } else {
            let arguments = [device.handle, request.handle, file.object()];
            drop(request);
            let what = "EvtDeviceFileCreate";
            self.file_callback(device, what, device.handle, callback, &arguments);
        }
        let waited = Rc::clone(&irp);
        self.block_until(move |_| waited.is_finished());
        irp.outcome()
            .map_or(STATUS_SUCCESS, |outcome| outcome.status)
    }

    /// Closes a file, as CloseHandle does: what waits in a queue of it is canceled, the driver gets
    /// cleanup, and close when nothing of it is pending any more. What the driver has of it goes on.
    pub fn close(&self, file: &Rc<File>) {
        if file.closing.replace(true) {
            return;
        }
        let file = Rc::clone(file);
        self.spawn("app closes", move |host| host.close_file(&file));
    }

    /// Ends a file as the end of its process does: what is pending is canceled, then it is closed.
    pub fn abandon(&self, file: &Rc<File>) {
        for irp in file.pending() {
            if !irp.canceled.get() {
                self.cancel(&irp);
            }
        }
        self.close(file);
    }

    /// Closes a file in this thread, which sees to its cleanup; its close comes when nothing of it is
    /// pending any more.
    pub fn close_here(&self, file: &Rc<File>) {
        if !file.closing.replace(true)
            && let Some(device) = self.clean_up_file(file)
        {
            let file = Rc::clone(file);
            self.spawn("file closes", move |host| {
                host.release_file(&device, &file);
            });
        }
    }

    fn close_file(&self, file: &Rc<File>) {
        if let Some(device) = self.clean_up_file(file) {
            self.release_file(&device, file);
        }
    }

    /// IRP_MJ_CLEANUP: the last handle is gone. The device, if its driver has the file.
    fn clean_up_file(&self, file: &Rc<File>) -> Option<Rc<Device>> {
        let waited = Rc::clone(file);
        // Not for calls that other threads are just making with it: those have the FILE_OBJECT, not
        // the handle, so what they send may reach the driver after its cleanup, and before its close.
        self.block_until(move |_| waited.opened().is_some());
        if !file.opened().is_some_and(NtStatus::is_success) {
            file.closed.set(true);
            return None;
        }
        let device = self.body::<Device>(file.device);
        let callbacks = device.files.map(|files| files.callbacks);
        let cleanup = callbacks.map_or(0, |callbacks| callbacks.EvtFileCleanup.0);
        let object = file.object();
        self.file_callback(&device, "EvtFileCleanup", object, cleanup, &[object]);
        self.flush_file(&device, file.id());
        Some(device)
    }

    /// IRP_MJ_CLOSE: nobody has the FILE_OBJECT any more.
    fn release_file(&self, device: &Rc<Device>, file: &Rc<File>) {
        let waited = Rc::clone(file);
        self.block_until(move |_| waited.is_idle());
        let callbacks = device.files.map(|files| files.callbacks);
        let close = callbacks.map_or(0, |callbacks| callbacks.EvtFileClose.0);
        let object = file.object();
        self.file_callback(device, "EvtFileClose", object, close, &[object]);
        self.forget_file(device, file);
    }

    fn forget_file(&self, device: &Device, file: &Rc<File>) {
        self.delete_file_object(file.object.take());
        self.releases_at(device.handle);
        device
            .open
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, file));
        file.closed.set(true);
    }
}
