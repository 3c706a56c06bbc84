//! Requests that are sent to an I/O target.

use super::rule::rules;

rules! { Sending:
    REQUEST_FORMATTED_VALID = "RequestFormattedValid", "RequestFormattedValid (DDI compliance)",
        "A request is formatted before it is sent, unless it is sent and forgotten.";
    REQ_MARK_CANCELABLE_SEND = "ReqMarkCancelableSend", "ReqMarkCancelableSend (DDI compliance)",
        "A cancelable request is not sent.";
    REQ_SEND_WHILE_SPINLOCK = "ReqSendWhileSpinlock", "ReqSendWhileSpinlock (DDI compliance)",
        "No request is sent while a spin lock is held.";
    REQUEST_SEND_SYNC_AT_DISPATCH = "WdfRequestSendSyncAtDispatch", "WdfRequestSendSyncAtDispatch (DDI compliance)",
        "A request is sent synchronously at PASSIVE_LEVEL only.";
}
