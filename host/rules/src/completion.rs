//! Completing requests.

use crate::rule::declare;

declare! { Completion:
    DOUBLE_COMPLETION = Compliance "DoubleCompletion", "DoubleCompletion, DoubleCompletionLocal; KMDF Verifier: FxRequest::VerifyRequestIsNotCompleted (fxrequest.cpp)",
        "A request is completed once.";
    REQUEST_COMPLETED = Compliance "RequestCompleted", "RequestCompleted, RequestCompletedLocal; KMDF Verifier: FxRequest::VerifyRequestIsNotCompleted (fxrequest.cpp)",
        "A request is not used after it was completed.";
    MEM_AFTER_REQ_COMPLETED = Compliance "MemAfterReqCompleted", "MemAfterReqCompleted*; KMDF Verifier for an object that is held beyond the completion: 0x10D, 0x3 WDF_VERIFIER_FATAL_ERROR (fxrequest.cpp)",
        "The WDFMEMORY of a request's buffer is not used after the request was completed.";
    REQ_DELETE = Compliance "ReqDelete", "ReqDelete; KMDF: WdfObjectDelete breaks, STATUS_CANNOT_DELETE (fxobjectapi.cpp)",
        "A request that came from a queue is completed, never deleted; one that the driver made is deleted, never completed.";
    INVALID_REQ_ACCESS = Compliance "InvalidReqAccess", "InvalidReqAccess; KMDF Verifier: FxRequest::VerifyRequestIsDriverOwned (fxrequest.cpp)",
        "A request is used by the driver only while the driver owns it: not while it waits in a queue, or while a driver below has it.";
    INFORMATION_TOO_LARGE = Framework "InformationTooLarge", "KMDF Verifier: 0x10D, 0x6 WDF_REQUEST_FATAL_ERROR, 0x4 INFORMATION_LENGTH_MISMATCH (FxRequest::VerifyCompleteInternal, fxrequest.cpp)",
        "A request is completed with no more bytes than its buffer has.";
    OUTPUT_NOT_WRITTEN = Own "OutputNotWritten", "kmdf-host; WdfRequestCompleteWithInformation",
        "A request is completed with as many bytes as the driver has written to its buffer: the app is given them all.";
    COMPLETE_PENDING = System "CompletePending", "Driver Verifier, I/O verification: bug check 0xC9, 0x6",
        "A request is completed with the status of its end, not with STATUS_PENDING.";
}
