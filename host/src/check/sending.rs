//! Requests that are sent to an I/O target.

use super::rule::rules;

rules! { Sending:
    REQUEST_FORMATTED_VALID = Compliance "RequestFormattedValid", "RequestFormattedValid; KMDF: STATUS_REQUEST_NOT_ACCEPTED (fxiotarget.cpp)",
        "A request is formatted before it is sent, unless it is sent and forgotten.";
    REQ_MARK_CANCELABLE_SEND = Compliance "ReqMarkCancelableSend", "ReqMarkCancelableSend",
        "A cancelable request is not sent.";
    REQ_SEND_WHILE_SPINLOCK = Compliance "ReqSendWhileSpinlock", "ReqSendWhileSpinlock",
        "No request is sent while a spin lock is held.";
    REQUEST_SEND_SYNC_AT_DISPATCH = Compliance "WdfRequestSendSyncAtDispatch", "WdfRequestSendSyncAtDispatch",
        "A request is sent synchronously at PASSIVE_LEVEL only.";
}
