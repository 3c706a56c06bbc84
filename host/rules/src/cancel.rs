//! Cancelable requests.

use crate::rule::declare;

declare! { Cancel:
    COMPLETE_CANCELED_REQ = Compliance "CompleteCanceledReq", "CompleteCanceledReq",
        "If WdfRequestUnmarkCancelable returned STATUS_CANCELLED for a request, only EvtRequestCancel completes it.";
    MARK_CANC_ON_CANC_REQ = Compliance "MarkCancOnCancReq", "MarkCancOnCancReq; KMDF Verifier: FxIoQueue::VerifyRequestCancelable (fxioqueue.cpp)",
        "A cancelable request is not marked cancelable again.";
    REQ_IS_CANC_ON_CANC_REQ = Compliance "ReqIsCancOnCancReq", "ReqIsCancOnCancReq; KMDF Verifier: FxRequest::VerifyRequestIsNotCancelable (fxrequest.cpp)",
        "WdfRequestIsCanceled is not called for a cancelable request, and it is not forwarded or requeued.";
    UNMARK_NOT_CANCELABLE = Framework "UnmarkNotCancelable", "KMDF Verifier: FxRequest::VerifyRequestIsCancelable (fxrequest.cpp)",
        "WdfRequestUnmarkCancelable is called only for a request that is cancelable, or was until it was canceled.";
    REQ_NOT_CANCELED = Compliance "ReqNotCanceled", "ReqNotCanceled; KMDF Verifier: FxRequest::VerifyCompleteInternal (fxrequest.cpp)",
        "A cancelable request is unmarked (WdfRequestUnmarkCancelable) before it is completed.";
}
