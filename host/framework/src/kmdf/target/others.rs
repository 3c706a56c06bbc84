//! Internal control requests whose arguments are not their buffers: `Parameters.Others` of a stack location,
//! as drivers of a port and of a class agree on it.

use kmdf_abi::ntstatus::NtStatus;
use kmdf_bus::SentKind;
use kmdf_machine::cpu::stub::Call;

use super::{
    IoTarget,
    format::{Format, Part, format_request},
    send::Options,
    synchronous::send_and_wait,
};
use crate::host::{Host, services};

services! {
    WdfIoTargetSendInternalIoctlOthersSynchronously <= PASSIVE => send;
    WdfIoTargetFormatRequestForInternalIoctlOthers <= DISPATCH => format;
}

/// A request with these arguments.
fn with(code: u32, others: [Part; 3]) -> Format {
    let (input, output) = (Part::default(), Part::default());
    Format {
        others: Some(others),
        ..Host::format_control(SentKind::InternalControl, code, input, output)
    }
}

/// WdfIoTargetSendInternalIoctlOthersSynchronously(IoTarget, Request, IoctlCode, OtherArg1, OtherArg2, OtherArg4,
/// RequestOptions, BytesReturned)
fn send(host: &Host, call: &Call) -> NtStatus {
    send_others(host, call).unwrap_or_else(|status| status)
}

fn send_others(host: &Host, call: &Call) -> Result<NtStatus, NtStatus> {
    let options = Options::read(host, call.arg(6))?;
    let others = [
        host.described_part(call.arg(3))?,
        host.described_part(call.arg(4))?,
        host.described_part(call.arg(5))?,
    ];
    let format = with(call.arg32(2), others);
    let what = "WdfIoTargetSendInternalIoctlOthersSynchronously";
    Ok(send_and_wait(
        host,
        call,
        format,
        options,
        call.arg(7),
        what,
    ))
}

/// WdfIoTargetFormatRequestForInternalIoctlOthers(IoTarget, Request, IoctlCode, OtherArg1, OtherArg1Offsets,
/// OtherArg2, OtherArg2Offsets, OtherArg4, OtherArg4Offsets)
fn format(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<IoTarget>(call.arg(0));
    let what = "WdfIoTargetFormatRequestForInternalIoctlOthers";
    let request = host.driver_request(call.arg(1), what);
    let others = [
        host.part(call.arg(3), call.arg(4))?,
        host.part(call.arg(5), call.arg(6))?,
        host.part(call.arg(7), call.arg(8))?,
    ];
    format_request(host, &request, with(call.arg32(2), others));
    Ok(())
}
