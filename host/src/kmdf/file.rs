//! File objects: one for each handle that an app opens, where the driver wants to know of them.

use std::rc::Rc;

use kmdf_abi::types::{UNICODE_STRING, WDF_FILEOBJECT_CONFIG};

use super::{attributes::Attributes, device::Device, object::Body};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

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

/// What WdfDeviceInitSetFileObjectConfig said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileConfig {
    pub(crate) callbacks: WDF_FILEOBJECT_CONFIG,
    pub(crate) attributes: Attributes,
}

impl FileConfig {
    /// Whether the driver has file objects at all.
    fn has_objects(&self) -> bool {
        /// `WdfFileObjectNotRequired`
        const NOT_REQUIRED: i32 = 1;
        self.callbacks.FileObjectClass.0 != NOT_REQUIRED
    }
}

impl Host {
    /// Makes the file object of a handle that is being opened; 0 where the device has none.
    pub(crate) fn create_file_object(&self, device: &Device, name: &str) -> u64 {
        let Some(config) = device.files.filter(FileConfig::has_objects) else {
            return 0;
        };
        let parent = self.object(device.handle);
        let (object, _) =
            self.create_object(Some(&parent), &config.attributes, |handle| FileObject {
                handle,
                device: device.handle,
                wdm: self.memory.new_handle(),
                name: name.to_owned(),
                name_address: std::cell::Cell::new(0),
            });
        object.handle
    }

    /// Calls EvtFileCleanup or EvtFileClose.
    pub(crate) fn file_callback(&self, what: &'static str, callback: u64, file: u64) {
        if callback != 0 {
            self.call_driver(what, file, callback, &[file]);
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

/// WdfDeviceGetFileObject(Device, FileObject): NULL for one that is not open.
fn of_wdm(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0));
    let files: Vec<Rc<FileObject>> = host.bodies();
    let wanted = files.iter().find(|file| file.wdm == call.arg(1));
    wanted.map_or(0, |file| file.handle)
}
