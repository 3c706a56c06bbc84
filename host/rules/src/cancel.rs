//! Cancelable requests.

use crate::rule::declare;

declare! { Cancel:
    COMPLETE_CANCELED_REQ = Compliance "CompleteCanceledReq", "CompleteCanceledReq",
        "A request for which WdfRequestUnmarkCancelable returned STATUS_CANCELLED is left to EvtRequestCancel.";
    MARK_CANC_ON_CANC_REQ = Compliance "MarkCancOnCancReq", "MarkCancOnCancReq; KMDF Verifier: FxIoQueue::VerifyRequestCancelable (fxioqueue.cpp)",
        "A request that is cancelable is not marked cancelable again.";
    REQ_IS_CANC_ON_CANC_REQ = Compliance "ReqIsCancOnCancReq", "ReqIsCancOnCancReq; KMDF Verifier: FxRequest::VerifyRequestIsNotCancelable (fxrequest.cpp)",
        "A cancelable request is not asked whether it is canceled, and not forwarded or requeued.";
    UNMARK_NOT_CANCELABLE = Framework "UnmarkNotCancelable", "KMDF Verifier: FxRequest::VerifyRequestIsCancelable (fxrequest.cpp)",
        "WdfRequestUnmarkCancelable is called for a request that is cancelable, or was until it was canceled.";
    REQ_NOT_CANCELED = Compliance "ReqNotCanceled", "ReqNotCanceled; KMDF Verifier: FxRequest::VerifyCompleteInternal (fxrequest.cpp)",
        "WdfRequestUnmarkCancelable comes before the completion of a cancelable request.";
}
