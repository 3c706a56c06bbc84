//! What is known of a request: its parameters, its information and status, where it comes from.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::NtStatus,
    types::{
        WDF_REQUEST_PARAMETERS, WDF_REQUEST_PARAMETERS_Parameters_DeviceIoControl,
        WDF_REQUEST_PARAMETERS_Parameters_Others, WDF_REQUEST_PARAMETERS_Parameters_Read,
        WDF_REQUEST_PARAMETERS_Parameters_Write, WDF_REQUEST_TYPE,
    },
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    device::Device,
    file::FileObject,
    request::{Owner, Request},
};
use crate::{
    host::{Host, services},
    io::{Irp, Major},
};

/// The process that apps are, to the driver.
pub(super) const APP_PROCESS: u32 = 0x1000;

services! {
    WdfRequestSetInformation <= DISPATCH => set_information;
    WdfRequestGetInformation <= DISPATCH => information;
    WdfRequestGetStatus <= DISPATCH => status;
    WdfRequestGetParameters <= DISPATCH => parameters;
    WdfRequestGetFileObject <= DISPATCH => file_object;
    WdfRequestGetIoQueue <= DISPATCH => io_queue;
    WdfRequestGetRequestorMode <= DISPATCH => requestor_mode;
    WdfRequestGetRequestorProcessId <= DISPATCH => requestor_process;
    WdfRequestIsFrom32BitProcess <= DISPATCH => no;
    WdfRequestIsReserved <= DISPATCH => no;
}

/// `Parameters.Others` of a request that was sent with those.
fn others_of(
    code: u32,
    [first, second, fourth]: [u64; 3],
) -> WDF_REQUEST_PARAMETERS_Parameters_Others {
    let mut others = WDF_REQUEST_PARAMETERS_Parameters_Others::default();
    others.Arg1.0 = first;
    others.Arg2.0 = second;
    others.IoControlCode = code;
    others.Arg4.0 = fourth;
    others
}

impl Host {
    /// Whether a WDF_REQUEST_PARAMETERS has room for all of it.
    pub(super) fn takes_parameters(&self, address: u64) -> bool {
        let size: u16 = self.memory.read(address);
        usize::from(size) >= size_of::<WDF_REQUEST_PARAMETERS>()
    }

    /// Writes the WDF_REQUEST_PARAMETERS of a request.
    pub(crate) fn write_parameters(&self, irp: &Irp, out: u64) {
        let mut parameters: WDF_REQUEST_PARAMETERS = self.memory.read(out);
        parameters.Size = size_of::<WDF_REQUEST_PARAMETERS>() as u16;
        let (input, output) = (irp.input.len() as u64, irp.output_length as u64);
        parameters.MinorFunction = 0;
        parameters.Parameters.storage = [0; 4];
        match irp.major {
            Major::Create => parameters.Type = WDF_REQUEST_TYPE::WdfRequestTypeCreate,
            Major::Read => {
                parameters.Type = WDF_REQUEST_TYPE::WdfRequestTypeRead;
                let read = WDF_REQUEST_PARAMETERS_Parameters_Read {
                    Length: output,
                    DeviceOffset: irp.offset.cast_signed(),
                    ..Default::default()
                };
                parameters.Parameters.set_Read(read);
            }
            Major::Write => {
                parameters.Type = WDF_REQUEST_TYPE::WdfRequestTypeWrite;
                let write = WDF_REQUEST_PARAMETERS_Parameters_Write {
                    Length: input,
                    DeviceOffset: irp.offset.cast_signed(),
                    ..Default::default()
                };
                parameters.Parameters.set_Write(write);
            }
            Major::DeviceControl | Major::InternalControl => {
                parameters.Type = if irp.major == Major::DeviceControl {
                    WDF_REQUEST_TYPE::WdfRequestTypeDeviceControl
                } else {
                    WDF_REQUEST_TYPE::WdfRequestTypeDeviceControlInternal
                };
                let control = WDF_REQUEST_PARAMETERS_Parameters_DeviceIoControl {
                    OutputBufferLength: output,
                    InputBufferLength: input,
                    IoControlCode: irp.code,
                    ..Default::default()
                };
                parameters.Parameters.set_DeviceIoControl(control);
                if let Some(others) = irp.others {
                    parameters
                        .Parameters
                        .set_Others(others_of(irp.code, others));
                }
            }
        }
        self.memory.write(out, &parameters);
    }
}

impl Host {
    /// The request with that handle, which the driver must own and which must have an IRP.
    fn request_with_irp(&self, handle: u64, what: &str) -> Rc<Request> {
        let request = self.driver_request(handle, what);
        if !request.has_irp.get() {
            self.violation(
                &rules::REQUEST_WITHOUT_IRP,
                format!(
                    "{what} is called for a request that the driver made without a target and has not \
                     formatted: it has no IRP"
                ),
            );
        }
        request
    }
}

fn set_information(host: &Host, call: &Call) {
    let request = host.request_with_irp(call.arg(0), "WdfRequestSetInformation");
    request.information.set(call.arg(1));
}

fn information(host: &Host, call: &Call) -> u64 {
    let request = host.request_with_irp(call.arg(0), "WdfRequestGetInformation");
    request.information.get()
}

/// WdfRequestGetStatus(Request): that of a request nobody has sent anywhere is success.
fn status(host: &Host, call: &Call) -> NtStatus {
    let request = host.request_with_irp(call.arg(0), "WdfRequestGetStatus");
    if !request.has_status.get() && host.checks_all() {
        host.violation(
            &rules::REQUEST_GET_STATUS_VALID,
            "WdfRequestGetStatus is called for a request that the driver has not sent",
        );
    }
    request.sent.get()
}

/// WdfRequestGetParameters(Request, Parameters): also for a request that was only found.
fn parameters(host: &Host, call: &Call) {
    let what = "WdfRequestGetParameters is called";
    host.check_not_in("EvtIoStop", &rules::EVT_IO_STOP_GET_PARAM, what);
    host.check_not_in("EvtIoResume", &rules::EVT_IO_RESUME_GET_PARAM, what);
    let request = host.body::<Request>(call.arg(0));
    let size: u16 = host.memory.read(call.arg(1));
    if usize::from(size) != size_of::<WDF_REQUEST_PARAMETERS>() {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_REQUEST_PARAMETERS.Size is not that of the structure",
        );
    }
    if request.made_by_driver {
        host.invalid_operation("a request of the driver's own is asked what it was sent with");
    }
    host.write_parameters(&request.irp, call.arg(1));
}

/// WdfRequestGetFileObject(Request): NULL where the device has none. Not for one that was only found.
fn file_object(host: &Host, call: &Call) -> u64 {
    let sent = host.body::<Request>(call.arg(0));
    let request = match sent.owner.get() {
        Owner::Target(_) => sent,
        _ => host.driver_request(call.arg(0), "WdfRequestGetFileObject"),
    };
    let is_configured = || host.body::<Device>(request.device.get()).files.is_some();
    if host.checks_all() && !request.made_by_driver && !is_configured() {
        host.violation(
            &rules::FILE_OBJECT_CONFIGURED,
            "WdfRequestGetFileObject is called, and WdfDeviceInitSetFileObjectConfig was not",
        );
    }
    // One that was forwarded to a parent is of a device that has no file for it.
    let file = request.irp.file_object();
    if file == 0 || host.body::<FileObject>(file).is_of(request.device.get()) {
        file
    } else {
        0
    }
}

fn io_queue(host: &Host, call: &Call) -> u64 {
    let request = host.body::<Request>(call.arg(0));
    match request.owner.get() {
        Owner::Driver(0) if request.irp.major == Major::Create && !request.made_by_driver => {
            host.invalid_operation("EvtDeviceFileCreate asks for the queue of its request")
        }
        Owner::Driver(queue) | Owner::Queue(queue) | Owner::Target(queue) => queue,
        Owner::Completed => 0,
    }
}

/// WdfRequestGetRequestorMode(Request): `UserMode` of an app's, `KernelMode` of a driver's.
fn requestor_mode(host: &Host, call: &Call) -> u8 {
    let request = host.body::<Request>(call.arg(0));
    u8::from(!request.irp.of_kernel && !request.made_by_driver)
}

/// WdfRequestGetRequestorProcessId(Request): all apps are one process here.
fn requestor_process(host: &Host, call: &Call) -> u32 {
    host.driver_request(call.arg(0), "WdfRequestGetRequestorProcessId");
    APP_PROCESS
}

fn no(host: &Host, call: &Call) -> bool {
    host.body::<Request>(call.arg(0));
    false
}
