//! Requests that are sent to an I/O target.

use crate::rule::declare;

declare! { Sending:
    REQUEST_FORMATTED_VALID = Compliance "RequestFormattedValid", "RequestFormattedValid; KMDF: STATUS_REQUEST_NOT_ACCEPTED (fxiotarget.cpp)",
        "A request is formatted before it is sent, unless it is sent and forgotten.";
    REQ_COMPLETION_ROUTINE = Compliance "ReqCompletionRoutine", "ReqCompletionRoutine; KMDF Verifier for an app's request: FxRequestBase::ValidateTarget and WdfRequestSend break (fxrequestapi.cpp)",
        "A request has a completion routine when it is sent, unless the driver waits for it or forgets it.";
    SEND_AND_FORGET_NO_FORMATTING = Compliance "RequestSendAndForgetNoFormatting", "RequestSendAndForgetNoFormatting, RequestSendAndForgetNoFormatting2; KMDF Verifier: WdfRequestSend breaks (fxrequestapi.cpp)",
        "A request that is sent and forgotten goes as it came: it was not formatted for its target.";
    REQUEST_GET_STATUS_VALID = Compliance "RequestGetStatusValid", "RequestGetStatusValid",
        "WdfRequestGetStatus is called only when the request was sent: WdfRequestSend has failed, has waited, or the request is back.";
    SYNC_REQ_SEND_2 = Compliance "SyncReqSend2", "SyncReqSend2",
        "WdfRequestSend that waits for the answer has a timeout: a device that does not answer holds up the thread.";
    READ_REQS = Compliance "ReadReqs", "ReadReqs",
        "A read request of EvtIoRead is sent only as a read.";
    WRITE_REQS = Compliance "WriteReqs", "WriteReqs",
        "A write request of EvtIoWrite is sent only as a write.";
    IOCTL_REQS = Compliance "IoctlReqs", "IoctlReqs",
        "A control request of EvtIoDeviceControl is sent only as a control request, and not as an internal one.";
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
