//! Stopping, power and removal.

use super::rule::rules;

rules! { Power:
    DRV_ACK_IO_STOP = "DrvAckIoStop", "EvtIoStopCompleteOrStopAck (DDI compliance); bug check 0x9F",
        "A request that the driver has when its power-managed queue stops is completed, acknowledged or requeued, so that the device can leave D0.";
    STOP_ACK_WITHIN_EVT_IO_STOP = "StopAckWithinEvtIoStop", "StopAckWithinEvtIoStop (DDI compliance)",
        "WdfRequestStopAcknowledge is called from EvtIoStop, for the request EvtIoStop was called for.";
    EVT_IO_STOP_CANCEL = "EvtIoStopCancel", "EvtIoStopCancel (DDI compliance)",
        "A cancelable request is unmarked before EvtIoStop gives it back to its queue.";
    SURPRISE_REMOVE_NO_SUSPEND_QUEUE = "EvtSurpriseRemoveNoSuspendQueue", "EvtSurpriseRemoveNoSuspendQueue (DDI compliance)",
        "EvtDeviceSurpriseRemoval does not stop, drain or purge queues: EvtDeviceSelfManagedIoSuspend and its relatives are for that.";
    SURPRISE_REMOVE_NO_REQUEST_COMPLETE = "EvtSurpriseRemoveNoRequestComplete", "EvtSurpriseRemoveNoRequestComplete (DDI compliance)",
        "EvtDeviceSurpriseRemoval does not complete requests: it may run at the same time as the power-down.";
    PAGED_CODE_AT_D0 = "PagedCodeAtD0", "PagedCodeAtD0 (DDI compliance)",
        "The callbacks on the way to D0 are not in a pageable section.";
    FDO_POWER_POLICY_OWNER = "FDOPowerPolicyOwnerAPI", "FDOPowerPolicyOwnerAPI (DDI compliance)",
        "The function driver stays the owner of its device's power policy.";
}
