//! The IRPs behind requests, as a driver sees them that goes past the framework.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_PENDING,
};

use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{buffer::Side, device::Device, request::Request};
use crate::{
    host::{Host, services},
    io::{Irp, Major},
    irp::Described,
};

/// `IRP_MJ_MAXIMUM_FUNCTION`
const MOST_MAJOR: u8 = 0x1B;

services! {
    WdfRequestWdmGetIrp <= DISPATCH => irp_of;
    WdfRequestCreateFromIrp <= DISPATCH => create_from_irp;
    WdfDeviceInitAssignWdmIrpPreprocessCallback <= DISPATCH => assign_preprocess;
    WdfDeviceWdmDispatchPreprocessedIrp <= DISPATCH => dispatch_preprocessed;
}

/// EvtDeviceWdmIrpPreprocess, for requests of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preprocess {
    major: u8,
    callback: u64,
}

/// `IRP_MJ_CREATE` and so on.
pub(super) const fn major_function(major: Major) -> u8 {
    match major {
        Major::Create => 0x00,
        Major::Read => 0x03,
        Major::Write => 0x04,
        Major::DeviceControl => 0x0E,
        Major::InternalControl => 0x0F,
    }
}

/// WdfRequestWdmGetIrp(Request)
fn irp_of(host: &Host, call: &Call) -> u64 {
    let request = host.driver_request(call.arg(0), "WdfRequestWdmGetIrp");
    host.wdm_irp(&request)
}

/// WdfRequestCreateFromIrp(RequestAttributes, Irp, RequestFreesIrp, Request)
fn create_from_irp(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(3), &0_u64);
    let attributes = host.attributes(call.arg(0))?;
    let irp = call.arg(1);
    host.require_irp(irp, "WdfRequestCreateFromIrp");
    let parent = host.parent_or_driver(attributes.parent)?;
    let request = host.create_own_request(&parent, &attributes, 0);
    request.has_irp.set(true);
    request.wdm.set(irp);
    request.frees_wdm.set(call.flag(2));
    host.memory.write(call.arg(3), &request.handle);
    Ok(())
}

/// WdfDeviceInitAssignWdmIrpPreprocessCallback(DeviceInit, EvtDeviceWdmIrpPreprocess, MajorFunction,
/// MinorFunctions, NumMinorFunctions). Minor functions are those of PnP, power and WMI.
fn assign_preprocess(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (callback, major) = (call.arg(1), call.arg8(2));
    if major > MOST_MAJOR {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let played = [Major::Read, Major::Write, Major::DeviceControl];
    if !played
        .into_iter()
        .any(|played| major_function(played) == major)
    {
        host.unsupported(format!(
            "the preprocessing of IRPs with the major function {major:#x}: of no others than reads, writes \
             and control requests"
        ));
    }
    host.device_init(call.arg(0), |init| {
        init.preprocess.retain(|other| other.major != major);
        init.preprocess.push(Preprocess { major, callback });
    });
    Ok(())
}

/// WdfDeviceWdmDispatchPreprocessedIrp(Device, Irp): the framework takes it from here.
fn dispatch_preprocessed(host: &Host, call: &Call) -> NtStatus {
    let device = host.body::<Device>(call.arg(0));
    let handle = host.request_of_irp(call.arg(1));
    let Some(handle) = handle.filter(|&handle| !host.framework().objects.was(handle, "WDFREQUEST"))
    else {
        host.violation(
            &rules::IRP,
            format!(
                "WdfDeviceWdmDispatchPreprocessedIrp is called with {:#x}, which \
                 EvtDeviceWdmIrpPreprocess was not given, or which is complete",
                call.arg(1)
            ),
        )
    };
    let request = host.body::<Request>(handle);
    if !request.preprocessing.replace(false) {
        host.violation(
            &rules::IRP,
            "WdfDeviceWdmDispatchPreprocessedIrp is called twice for one IRP",
        );
    }
    host.bring_back(call.arg(1));
    host.dispatch_or_ask(&device, &request)
}

impl Host {
    /// The IRP of a request, made when it is first asked for.
    pub(crate) fn wdm_irp(&self, request: &Rc<Request>) -> u64 {
        if request.wdm.get() == 0 && request.has_irp.get() {
            let irp = self.describe_irp(request);
            request.wdm.set(irp);
        }
        request.wdm.get()
    }

    fn describe_irp(&self, request: &Rc<Request>) -> u64 {
        let irp = &request.irp;
        if request.made_by_driver {
            return self.irp_of_request(request.handle, &Described::default());
        }
        let mut described = Described {
            major: major_function(irp.major),
            canceled: irp.canceled.get(),
            code: irp.code,
            offset: irp.offset,
            input_length: irp.input.len() as u32,
            output_length: irp.output_length as u32,
            ..Described::default()
        };
        let sides = match irp.major {
            Major::Read => &[Side::Output][..],
            Major::Write => &[Side::Input],
            Major::DeviceControl | Major::InternalControl => &[Side::Input, Side::Output],
            Major::Create => &[],
        };
        for &side in sides {
            if let Ok((address, _)) = self.user_buffer(request, side, 0) {
                match side {
                    Side::Input if irp.major != Major::Write => described.type3 = address,
                    _ => described.user = address,
                }
            } else if self.has_direct_buffer(request, side) {
                described.mdl = self.request_mdl(request, side).unwrap_or(0);
            } else if let Ok((address, _)) = self.request_buffer(request, side) {
                described.system = address;
            }
        }
        self.irp_of_request(request.handle, &described)
    }

    /// Lets the driver see an IRP before the framework does, if it wants to; whether it does.
    pub(crate) fn preprocess(&self, device: &Device, irp: &Rc<Irp>) -> bool {
        let major = major_function(irp.major);
        let Some(&preprocess) = device.preprocess.iter().find(|other| other.major == major) else {
            return false;
        };
        let request = self.create_request(device, irp);
        request.preprocessing.set(true);
        let address = self.wdm_irp(&request);
        let arguments = [device.handle, address];
        self.call_driver(
            "EvtDeviceWdmIrpPreprocess",
            device.handle,
            preprocess.callback,
            &arguments,
        );
        true
    }

    /// Gives a request to what takes it: EvtIoInCallerContext, or a queue.
    pub(crate) fn dispatch_request(&self, device: &Device, request: &Rc<Request>) -> NtStatus {
        if device.in_caller_context != 0 {
            self.call_in_caller_context(device, request);
            return STATUS_PENDING;
        }
        let Some(queue) = device.queue_taking(request.irp.major) else {
            self.complete_request(request, STATUS_INVALID_DEVICE_REQUEST, 0);
            return STATUS_INVALID_DEVICE_REQUEST;
        };
        self.enqueue_new(&queue, request);
        STATUS_PENDING
    }

    /// The driver completes the IRP of a request by IoCompleteRequest: it may where it has preprocessed it and
    /// the framework has not had it.
    pub(crate) fn complete_request_irp(&self, handle: u64, status: NtStatus, information: u64) {
        if self.framework().objects.was(handle, "WDFREQUEST") {
            self.violation(&rules::IRP, "an IRP is completed that is complete");
        }
        let request = self.body::<Request>(handle);
        if !request.preprocessing.replace(false) && !request.choosing.replace(false) {
            self.violation(
                &rules::IRP,
                "IoCompleteRequest is called for the IRP of a request that the framework has: \
                 WdfRequestComplete completes it",
            );
        }
        self.complete_request(&request, status, information);
    }

    /// What a target has answered is the result of the driver's own IRP, too.
    pub(crate) fn answer_wdm_irp(&self, request: &Request, status: NtStatus, information: u64) {
        if request.made_by_driver && request.wdm.get() != 0 {
            self.set_irp_status(request.wdm.get(), status, information);
        }
    }

    /// A request goes, and its IRP with it, unless that is the driver's own.
    pub(crate) fn drop_wdm_irp(&self, request: &Request) {
        let irp = request.wdm.replace(0);
        if irp != 0 {
            self.release_irp(irp, request.frees_wdm.get());
        }
    }
}
