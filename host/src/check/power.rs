//! Stopping, power and removal.

use super::rule::rules;

rules! { Power:
    DRV_ACK_IO_STOP = Compliance "DrvAckIoStop", "DrvAckIoStop, EvtIoStopCompleteOrStopAck; bug check 0x9F; KMDF: 0x10D, 0x1 WDF_POWER_ROUTINE_TIMED_OUT (fxpkgpnp.cpp)",
        "A request that the driver has when its power-managed queue stops is completed, acknowledged or requeued, so that the device can leave D0.";
    STOP_ACK_WITHIN_EVT_IO_STOP = Compliance "StopAckWithinEvtIoStop", "StopAckWithinEvtIoStop; KMDF Verifier: FxRequest::VerifyRequestIsInEvtIoStopContext (fxrequest.cpp)",
        "WdfRequestStopAcknowledge is called from EvtIoStop, for the request EvtIoStop was called for.";
    EVT_IO_STOP_CANCEL = Compliance "EvtIoStopCancel", "EvtIoStopCancel; KMDF Verifier: FxRequest::VerifyStopAcknowledge (fxrequest.cpp)",
        "A cancelable request is unmarked before EvtIoStop gives it back to its queue.";
    SURPRISE_REMOVE_NO_SUSPEND_QUEUE = Compliance "EvtSurpriseRemoveNoSuspendQueue", "EvtSurpriseRemoveNoSuspendQueue",
        "EvtDeviceSurpriseRemoval does not stop, drain or purge queues: EvtDeviceSelfManagedIoSuspend and its relatives are for that.";
    SURPRISE_REMOVE_NO_REQUEST_COMPLETE = Compliance "EvtSurpriseRemoveNoRequestComplete", "EvtSurpriseRemoveNoRequestComplete",
        "EvtDeviceSurpriseRemoval does not complete requests: it may run at the same time as the power-down.";
    PAGED_CODE_AT_D0 = Compliance "PagedCodeAtD0", "PagedCodeAtD0",
        "The callbacks on the way to D0 are not in a pageable section.";
    FDO_POWER_POLICY_OWNER = Compliance "FDOPowerPolicyOwnerAPI", "FDOPowerPolicyOwnerAPI",
        "The function driver stays the owner of its device's power policy.";
}
