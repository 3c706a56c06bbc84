//! What a DMA transaction is about: the memory of an MDL, or a request's buffer.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
        STATUS_WDF_TOO_FRAGMENTED, STATUS_WDF_TOO_MANY_TRANSFERS,
    },
    types::MDL,
};
use kmdf_machine::cpu::stub::Call;

use super::{
    enabler::pages,
    transaction::{Buffer, Transaction},
};
use crate::{
    host::{Host, services},
    io::Major,
    kmdf::{buffer::Side, request::Request},
};

services! {
    WdfDmaTransactionInitialize <= DISPATCH => initialize;
    WdfDmaTransactionInitializeUsingRequest <= DISPATCH => using_request;
    WdfDmaTransactionInitializeUsingOffset <= DISPATCH => using_offset;
}

/// `METHOD_BUFFERED`
const BUFFERED: u32 = 0;

/// Whether a WDF_DMA_DIRECTION is from the device.
fn direction(value: u32) -> Result<bool, NtStatus> {
    match value {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

/// WdfDmaTransactionInitialize(DmaTransaction, EvtProgramDmaFunction, DmaDirection, Mdl,
/// VirtualAddress, Length)
fn initialize(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let mdl: MDL = host.memory.read(call.arg(3));
    let start = mdl.StartVa.0 + u64::from(mdl.ByteOffset);
    by_mdl(host, call, &mdl, call.arg(4).checked_sub(start))
}

/// WdfDmaTransactionInitializeUsingOffset(…, Mdl, Offset, Length)
fn using_offset(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let mdl: MDL = host.memory.read(call.arg(3));
    by_mdl(host, call, &mdl, Some(call.arg(4)))
}

fn by_mdl(host: &Host, call: &Call, mdl: &MDL, offset: Option<u64>) -> Result<(), NtStatus> {
    let transaction = host.body::<Transaction>(call.arg(0));
    let bytes = call.arg(5);
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let from_device = direction(call.arg32(2))?;
    let whole = u64::from(mdl.ByteCount);
    let offset = offset
        .filter(|&offset| offset < whole)
        .ok_or(STATUS_INVALID_PARAMETER)?;
    let too_long = bytes > whole - offset;
    if too_long && mdl.Next.0 != 0 {
        host.unsupported("a DMA transaction of a chain of MDLs");
    }
    let buffer = Buffer {
        program: call.arg(1),
        from_device,
        memory: mdl.MappedSystemVa.0 + offset,
        bytes,
        request: 0,
    };
    take(host, &transaction, buffer, too_long)
}

/// WdfDmaTransactionInitializeUsingRequest(DmaTransaction, Request, EvtProgramDmaFunction,
/// DmaDirection)
fn using_request(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let transaction = host.body::<Transaction>(call.arg(0));
    let from_device = direction(call.arg32(3))?;
    let request = host.driver_request(call.arg(1), "WdfDmaTransactionInitializeUsingRequest");
    let side = side(&request, from_device)?;
    let (memory, bytes) = host.request_buffer(&request, side)?;
    let irp = &request.irp;
    let mut too_long = false;
    let is_control = matches!(irp.major, Major::DeviceControl | Major::InternalControl);
    if is_control && irp.method() == BUFFERED {
        // The MDL that the framework makes of such a buffer is as long as the input, in both directions.
        if irp.input.is_empty() {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        too_long = bytes > irp.input.len() as u64;
    }
    let buffer = Buffer {
        program: call.arg(2),
        from_device,
        memory,
        bytes,
        request: request.handle,
    };
    take(host, &transaction, buffer, too_long)
}

/// Which buffer of a request a transfer in that direction is about.
fn side(request: &Request, from_device: bool) -> Result<Side, NtStatus> {
    match (request.irp.major, request.irp.method(), from_device) {
        (Major::Read, _, true)
        | (Major::DeviceControl | Major::InternalControl, 0 | 2, true)
        | (Major::DeviceControl | Major::InternalControl, 1, false) => Ok(Side::Output),
        (Major::Write, _, false) | (Major::DeviceControl | Major::InternalControl, 0, false) => {
            Ok(Side::Input)
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

/// Gives a transaction its buffer, or says why it cannot be transferred. `too_long` is one that ends
/// behind its MDL: only enablers that take chains of MDLs look for a next one.
fn take(
    host: &Host,
    transaction: &Transaction,
    buffer: Buffer,
    too_long: bool,
) -> Result<(), NtStatus> {
    let enabler = &transaction.enabler;
    if too_long && enabler.packet && !enabler.version_3 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    transaction.begin(host, buffer);
    let fits = if too_long {
        Err(STATUS_BUFFER_TOO_SMALL)
    } else {
        fits(transaction, buffer)
    };
    if fits.is_err() {
        transaction.reset(host);
    }
    fits
}

fn fits(transaction: &Transaction, buffer: Buffer) -> Result<(), NtStatus> {
    let enabler = &transaction.enabler;
    if transaction.single.get() {
        if buffer.bytes > enabler.maximum {
            return Err(STATUS_WDF_TOO_MANY_TRANSFERS);
        }
        let in_pieces = enabler.packet && pages(buffer.memory, buffer.bytes) > 1;
        if in_pieces || enabler.is_too_fragmented(buffer.memory, buffer.bytes) {
            return Err(STATUS_WDF_TOO_FRAGMENTED);
        }
        return Ok(());
    }
    let step = usize::try_from(enabler.maximum.max(1)).unwrap_or(usize::MAX);
    let mut transfers = (0..buffer.bytes).step_by(step);
    let too_fragmented = transfers.any(|done| {
        let bytes = (buffer.bytes - done).min(enabler.maximum);
        enabler.is_too_fragmented(buffer.memory + done, bytes)
    });
    if too_fragmented {
        return Err(STATUS_WDF_TOO_FRAGMENTED);
    }
    Ok(())
}
