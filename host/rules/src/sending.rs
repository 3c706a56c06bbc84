//! Requests that are sent to an I/O target.

use crate::rule::declare;

declare! { Sending:
    REQUEST_FORMATTED_VALID = Compliance "RequestFormattedValid", "RequestFormattedValid; KMDF: STATUS_REQUEST_NOT_ACCEPTED (fxiotarget.cpp)",
        "A request is formatted before it is sent, unless it is sent and forgotten.";
    REQUEST_WITHOUT_IRP = System "RequestWithoutIrp", "0xD1 or 0x50, in KMDF, which reads an IRP that is not there (FxRequest::GetStatus, fxrequest.cpp)",
        "A request that the driver made without a target is formatted, or given a target, before it is asked for its status or information.";
    REQ_MARK_CANCELABLE_SEND = Compliance "ReqMarkCancelableSend", "ReqMarkCancelableSend",
        "A cancelable request is not sent.";
    REQ_SEND_WHILE_SPINLOCK = Compliance "ReqSendWhileSpinlock", "ReqSendWhileSpinlock",
        "No request is sent while a spin lock is held.";
    REQUEST_SEND_SYNC_AT_DISPATCH = Compliance "WdfRequestSendSyncAtDispatch", "WdfRequestSendSyncAtDispatch",
        "A request is sent synchronously at PASSIVE_LEVEL only.";
    IRP = System "Irp", "bug checks 0x35 and 0x44; kmdf-host for what corrupts the I/O manager",
        "An IRP is one that the driver has: it goes to a device of the stack with a stack location left, is completed once and not with STATUS_PENDING, and one of IoAllocateIrp is kept by a completion routine.";
}
