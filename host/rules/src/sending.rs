//! Requests that are sent to an I/O target.

use crate::rule::declare;

declare! { Sending:
    REQUEST_FORMATTED_VALID = Compliance "RequestFormattedValid", "RequestFormattedValid; KMDF: STATUS_REQUEST_NOT_ACCEPTED (fxiotarget.cpp)",
        "A request is formatted before it is sent, unless it is sent and forgotten.";
    REQUEST_WITHOUT_IRP = System "RequestWithoutIrp", "0xD1 or 0x50, in KMDF, which reads an IRP that is not there (FxRequest::GetStatus, fxrequest.cpp)",
        "A request that the driver created without a target is formatted, or gets a target, before its status or information is read.";
    REQ_MARK_CANCELABLE_SEND = Compliance "ReqMarkCancelableSend", "ReqMarkCancelableSend",
        "A cancelable request is not sent.";
    REQ_SEND_WHILE_SPINLOCK = Compliance "ReqSendWhileSpinlock", "ReqSendWhileSpinlock",
        "No request is sent while a spin lock is held.";
    REQUEST_SEND_SYNC_AT_DISPATCH = Compliance "WdfRequestSendSyncAtDispatch", "WdfRequestSendSyncAtDispatch",
        "A request is sent synchronously only at PASSIVE_LEVEL.";
    IRP = System "Irp", "bug checks 0x35 and 0x44; kmdf-host for what corrupts the I/O manager",
        "The driver uses only IRPs that it owns. An IRP is sent to a device of the stack while it has a stack location left, is completed once and not with STATUS_PENDING; a completion routine keeps an IRP of IoAllocateIrp.";
}
