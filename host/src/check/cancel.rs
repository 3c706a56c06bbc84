//! Cancelable requests.

use super::rule::rules;

rules! { Cancel:
    COMPLETE_CANCELED_REQ = "CompleteCanceledReq", "CompleteCanceledReq (DDI compliance)",
        "A request for which WdfRequestUnmarkCancelable returned STATUS_CANCELLED is left to EvtRequestCancel.";
    MARK_CANC_ON_CANC_REQ = "MarkCancOnCancReq", "MarkCancOnCancReq (DDI compliance)",
        "A request that is cancelable is not marked cancelable again.";
    REQ_IS_CANC_ON_CANC_REQ = "ReqIsCancOnCancReq", "ReqIsCancOnCancReq (DDI compliance)",
        "A cancelable request is not asked whether it is canceled, and not forwarded or requeued.";
    REQ_NOT_CANCELED = "ReqNotCanceled", "ReqNotCanceled (DDI compliance)",
        "WdfRequestUnmarkCancelable comes before the completion of a cancelable request.";
}
