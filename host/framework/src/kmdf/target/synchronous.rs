//! Sending and waiting in one call.

use kmdf_abi::ntstatus::NtStatus;
use kmdf_bus::SentKind;
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    IoTarget,
    format::Format,
    send::{Options, Until},
};
use crate::{
    host::{Host, services},
    kmdf::{attributes::Attributes, request::Request},
};

services! {
    WdfIoTargetSendReadSynchronously <= PASSIVE => read;
    WdfIoTargetSendWriteSynchronously <= PASSIVE => write;
    WdfIoTargetSendIoctlSynchronously <= PASSIVE => control;
    WdfIoTargetSendInternalIoctlSynchronously <= PASSIVE => internal_control;
}

fn read(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetSendReadSynchronously";
    io(host, call, SentKind::Read, what).unwrap_or_else(|status| status)
}

fn write(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetSendWriteSynchronously";
    io(host, call, SentKind::Write, what).unwrap_or_else(|status| status)
}

/// WdfIoTargetSendReadSynchronously(IoTarget, Request, Buffer, DeviceOffset, RequestOptions, BytesRead),
/// and for writing
fn io(host: &Host, call: &Call, kind: SentKind, what: &str) -> Result<NtStatus, NtStatus> {
    let options = Options::read(host, call.arg(4))?;
    let buffer = host.described_part(call.arg(2))?;
    let format = host.format_io(kind, buffer, call.arg(3));
    Ok(send_and_wait(
        host,
        call,
        format,
        options,
        call.arg(5),
        what,
    ))
}

fn control(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetSendIoctlSynchronously";
    send_control(host, call, SentKind::Control, what).unwrap_or_else(|status| status)
}

fn internal_control(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfIoTargetSendInternalIoctlSynchronously";
    send_control(host, call, SentKind::InternalControl, what).unwrap_or_else(|status| status)
}

/// WdfIoTargetSendIoctlSynchronously(IoTarget, Request, IoctlCode, InputBuffer, OutputBuffer,
/// RequestOptions, BytesReturned), and for internal ones
fn send_control(
    host: &Host,
    call: &Call,
    kind: SentKind,
    what: &str,
) -> Result<NtStatus, NtStatus> {
    let options = Options::read(host, call.arg(5))?;
    let input = host.described_part(call.arg(3))?;
    let output = host.described_part(call.arg(4))?;
    let format = Host::format_control(kind, call.arg32(2), input, output);
    Ok(send_and_wait(
        host,
        call,
        format,
        options,
        call.arg(6),
        what,
    ))
}

/// Sends the request that a call names, or one made for it, and waits for the answer. The completion
/// routine of the driver's own request is not called.
pub(super) fn send_and_wait(
    host: &Host,
    call: &Call,
    format: Format,
    options: Options,
    returned: u64,
    what: &str,
) -> NtStatus {
    let target = host.body::<IoTarget>(call.arg(0));
    let made = call.arg(1) == 0;
    let request = if made {
        let parent = host.object(target.device);
        host.create_own_request(&parent, &Attributes::default(), target.device)
    } else {
        host.driver_request(call.arg(1), what)
    };
    request.has_irp.set(true);
    check_kind(host, &request, format.kind, what);
    host.check_send(&request, true);
    let sent = host.submit_or_queue(
        call.arg(0),
        &target,
        &request,
        format,
        Until::Waited,
        options,
    );
    match sent {
        Ok(()) => host.wait_for_return(&request),
        Err(status) => request.end_sending(status),
    }
    let status = request.sent.get();
    if returned != 0 {
        host.memory.write(returned, &request.information());
    }
    if made {
        let object = host.object(request.handle);
        host.delete_object(&object);
    }
    status
}

/// Checks that an app's request is sent as what it is.
fn check_kind(host: &Host, request: &Request, kind: SentKind, what: &str) {
    let Some((given, _)) = request.given.get().filter(|_| host.checks_all()) else {
        return;
    };
    let (rule, own) = match given {
        "EvtIoRead" => (&rules::READ_REQS, SentKind::Read),
        "EvtIoWrite" => (&rules::WRITE_REQS, SentKind::Write),
        "EvtIoDeviceControl" => (&rules::IOCTL_REQS, SentKind::Control),
        _ => return,
    };
    if kind != own {
        host.violation(rule, format!("{what} is called with a request of {given}"));
    }
}
