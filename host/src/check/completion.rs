//! Completing requests.

use super::rule::rules;

rules! { Completion:
    DOUBLE_COMPLETION = "DoubleCompletion", "DoubleCompletion, DoubleCompletionLocal (DDI compliance)",
        "A request is completed once.";
    REQUEST_COMPLETED = "RequestCompleted", "RequestCompleted, RequestCompletedLocal (DDI compliance)",
        "A request is not used after it was completed.";
    MEM_AFTER_REQ_COMPLETED = "MemAfterReqCompleted", "MemAfterReqCompleted* (DDI compliance)",
        "The WDFMEMORY of a request's buffer is not used after the request was completed.";
    REQ_DELETE = "ReqDelete", "ReqDelete (DDI compliance)",
        "A request that came from a queue is completed, never deleted; one that the driver made is deleted, never completed.";
    INVALID_REQ_ACCESS = "InvalidReqAccess", "InvalidReqAccess (DDI compliance)",
        "A request is used by the driver only while the driver owns it: not while it waits in a queue, or while a driver below has it.";
    INFORMATION_TOO_LARGE = "InformationTooLarge", "WdfRequestCompleteWithInformation",
        "A request is completed with no more bytes than its buffer has.";
    OUTPUT_NOT_WRITTEN = "OutputNotWritten", "kmdf-host; WdfRequestCompleteWithInformation",
        "A request is completed with as many bytes as the driver has written to its buffer: the app is given them all.";
    COMPLETE_PENDING = "CompletePending", "WdfRequestComplete",
        "A request is completed with the status of its end, not with STATUS_PENDING.";
}
