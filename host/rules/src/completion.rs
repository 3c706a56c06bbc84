//! Completing requests.

use crate::rule::declare;

declare! { Completion:
    DOUBLE_COMPLETION = Compliance "DoubleCompletion", "DoubleCompletion, DoubleCompletionLocal; KMDF Verifier: FxRequest::VerifyRequestIsNotCompleted (fxrequest.cpp)",
        "A request is completed exactly once.";
    REQUEST_COMPLETED = Framework "RequestCompleted", "KMDF Verifier: FxRequest::VerifyRequestIsNotCompleted (fxrequest.cpp)",
        "A request is not used after it was completed.";
    MEM_AFTER_REQ_COMPLETED = Compliance "MemAfterReqCompleted", "MemAfterReqCompleted*; KMDF Verifier for an object that is held beyond the completion: 0x10D, 0x3 WDF_VERIFIER_FATAL_ERROR (fxrequest.cpp)",
        "The WDFMEMORY of a request's buffer is not used after the request was completed.";
    REQ_DELETE = Compliance "ReqDelete", "ReqDelete; KMDF: WdfObjectDelete breaks, STATUS_CANNOT_DELETE (fxobjectapi.cpp)",
        "A request from a queue is completed and never deleted; a request that the driver created is deleted and never completed.";
    INPUT_BUFFER_API = Compliance "InputBufferAPI", "InputBufferAPI; KMDF: STATUS_INVALID_DEVICE_REQUEST (fxrequest.cpp)",
        "EvtIoRead does not ask its request for an input buffer, which a read does not have.";
    OUTPUT_BUFFER_API = Compliance "OutputBufferAPI", "OutputBufferAPI; KMDF: STATUS_INVALID_DEVICE_REQUEST (fxrequest.cpp)",
        "EvtIoWrite does not ask its request for an output buffer, which a write does not have.";
    FILE_OBJECT_CONFIGURED = Compliance "FileObjectConfigured", "FileObjectConfigured",
        "WdfRequestGetFileObject is called only by a driver that has called WdfDeviceInitSetFileObjectConfig.";
    INVALID_REQ_ACCESS = Compliance "InvalidReqAccess", "InvalidReqAccess; KMDF Verifier: FxRequest::VerifyRequestIsDriverOwned (fxrequest.cpp)",
        "The driver uses a request only while it owns the request, and not while the request is in a queue or with a lower driver.";
    INFORMATION_TOO_LARGE = Framework "InformationTooLarge", "KMDF Verifier: 0x10D, 0x6 WDF_REQUEST_FATAL_ERROR, 0x4 INFORMATION_LENGTH_MISMATCH (FxRequest::VerifyCompleteInternal, fxrequest.cpp)",
        "A request is completed with no more bytes than its buffer has.";
    OUTPUT_NOT_WRITTEN = Own "OutputNotWritten", "kmdf-host; WdfRequestCompleteWithInformation",
        "A request is completed with no more bytes than the driver has written to its buffer, because the app gets all of them.";
    COMPLETE_PENDING = System "CompletePending", "Driver Verifier, I/O verification: bug check 0xC9, 0x6",
        "A request is completed with a final status, not with STATUS_PENDING.";
}
