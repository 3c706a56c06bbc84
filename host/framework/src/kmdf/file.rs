//! File objects: one for each handle that an app opens, where the driver wants to know of them.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST},
    types::{UNICODE_STRING, WDF_FILEOBJECT_CONFIG},
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    attributes::Attributes,
    device::Device,
    object::Body,
    serial::{CallbackLock, Constraints, Scope},
};
use crate::host::{Host, services};

/// WDFFILEOBJECT
pub(crate) struct FileObject {
    pub(crate) handle: u64,
    device: u64,
    /// The address that stands for its FILE_OBJECT.
    wdm: u64,
    name: String,
    /// The address of the UNICODE_STRING that is its name, while somebody has asked for it.
    name_address: std::cell::Cell<u64>,
}

impl Body for FileObject {
    const KIND: &'static str = "WDFFILEOBJECT";

    fn destroy(&self, host: &Host) {
        let name = self.name_address.take();
        if name == 0 {
            return;
        }
        let text: UNICODE_STRING = host.memory.read(name);
        for address in [text.Buffer.0, name] {
            let Err(text) = host.memory.free(address) else {
                continue;
            };
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }
}

/// `WdfSynchronizationScopeInheritFromParent` and the scopes after it.
const INHERITED: i32 = 1;
const OF_DEVICE: i32 = 2;
const OF_QUEUE: i32 = 3;

/// `WdfFileObjectCanBeOptional`
const OPTIONAL: i32 = i32::MIN;

impl FileObject {
    /// Whether it is one of a device's.
    pub(crate) fn is_of(&self, device: u64) -> bool {
        self.device == device
    }
}

/// What WdfDeviceInitSetFileObjectConfig said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileConfig {
    pub(crate) callbacks: WDF_FILEOBJECT_CONFIG,
    pub(crate) attributes: Attributes,
}

impl FileConfig {
    /// The lock of its callbacks: the device's, where its attributes say so or inherit it. Without
    /// attributes there is none.
    fn lock(&self, device: &Device) -> CallbackLock {
        match self.attributes.scope {
            INHERITED if device.constraints.scope == Scope::Device => device.lock.clone(),
            OF_DEVICE => device.lock.clone(),
            _ => CallbackLock::None,
        }
    }

    /// Checks it against the constraints of its device.
    ///
    /// # Errors
    /// The callbacks are to be serialized by a queue, or with callbacks at DISPATCH_LEVEL.
    pub(super) fn check(&self, device: Constraints) -> Result<(), NtStatus> {
        let scope = match self.attributes.scope {
            INHERITED => device.scope,
            OF_DEVICE => Scope::Device,
            OF_QUEUE => Scope::Queue,
            _ => Scope::None,
        };
        match scope {
            Scope::None => Ok(()),
            Scope::Device if device.passive => Ok(()),
            Scope::Device | Scope::Queue => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    /// Whether the driver has file objects at all.
    fn has_objects(&self) -> bool {
        /// `WdfFileObjectNotRequired`
        const NOT_REQUIRED: i32 = 1;
        self.callbacks.FileObjectClass.0 & !OPTIONAL != NOT_REQUIRED
    }

    /// Whether a file may have no object.
    fn are_optional(&self) -> bool {
        self.callbacks.FileObjectClass.0 & OPTIONAL != 0
    }
}

impl Host {
    /// Makes the file object of a handle that is being opened; 0 where the device has none.
    pub(crate) fn create_file_object(&self, device: &Device, name: &str, wdm: u64) -> u64 {
        let Some(config) = device.files.filter(FileConfig::has_objects) else {
            return 0;
        };
        let parent = self.object(device.handle);
        let (object, _) =
            self.create_object(Some(&parent), &config.attributes, |handle| FileObject {
                handle,
                device: device.handle,
                wdm,
                name: name.to_owned(),
                name_address: std::cell::Cell::new(0),
            });
        object.handle
    }

    /// Calls EvtDeviceFileCreate, EvtFileCleanup or EvtFileClose.
    pub(crate) fn file_callback(
        &self,
        device: &Device,
        what: &'static str,
        object: u64,
        callback: u64,
        arguments: &[u64],
    ) {
        let lock = device
            .files
            .map_or(CallbackLock::None, |files| files.lock(device));
        if callback != 0 {
            self.strand(|| {
                self.acquires_at(object);
                lock.hold(self, || {
                    self.call_driver(what, object, callback, arguments);
                });
                self.releases_at(object);
            });
        }
    }

    /// Deletes a file object.
    pub(crate) fn delete_file_object(&self, file: u64) {
        if file != 0 {
            let object = self.object(file);
            self.delete_object(&object);
        }
    }
}

services! {
    WdfFileObjectGetDevice <= DISPATCH => device;
    WdfFileObjectGetFlags <= DISPATCH => flags;
    WdfFileObjectGetInitiatorProcessId <= DISPATCH => initiator;
    WdfFileObjectGetFileName <= PASSIVE => name;
    WdfFileObjectWdmGetFileObject <= DISPATCH => wdm;
    WdfDeviceGetFileObject <= DISPATCH => of_wdm;
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<FileObject>(call.arg(0)).device
}

/// WdfFileObjectGetInitiatorProcessId(FileObject): all apps are one process here.
fn initiator(host: &Host, call: &Call) -> u32 {
    host.body::<FileObject>(call.arg(0));
    super::request_info::APP_PROCESS
}

/// WdfFileObjectGetFlags(FileObject): none of those that a driver looks for.
fn flags(host: &Host, call: &Call) -> u32 {
    host.body::<FileObject>(call.arg(0));
    0
}

/// WdfFileObjectGetFileName(FileObject): what followed the device in the name that was opened.
fn name(host: &Host, call: &Call) -> u64 {
    let file = host.body::<FileObject>(call.arg(0));
    if file.name_address.get() == 0 {
        let address = host.lend_string("the name of a file", &file.name);
        file.name_address.set(address);
    }
    file.name_address.get()
}

fn wdm(host: &Host, call: &Call) -> u64 {
    host.body::<FileObject>(call.arg(0)).wdm
}

/// WdfDeviceGetFileObject(Device, FileObject): NULL where the device has no file objects.
fn of_wdm(host: &Host, call: &Call) -> u64 {
    let device = host.body::<Device>(call.arg(0));
    let Some(config) = device.files.filter(FileConfig::has_objects) else {
        return 0;
    };
    let files: Vec<Rc<FileObject>> = host.bodies();
    let wanted = files
        .iter()
        .find(|file| file.wdm == call.arg(1) && file.device == device.handle);
    match wanted {
        Some(file) => file.handle,
        None if config.are_optional() => 0,
        None => host.invalid_operation(
            "WdfDeviceGetFileObject is called for a FILE_OBJECT that is not open here",
        ),
    }
}
