//! Stopping, power and removal.

use super::rule::rules;

rules! { Power:
    DRV_ACK_IO_STOP = "DrvAckIoStop", "bug check 0x9F; EvtIoStop",
        "A request that the driver has when its power-managed queue stops is completed, acknowledged or requeued, so that the device can leave D0.";
    STOP_ACK_WITHIN_EVT_IO_STOP = "StopAckWithinEvtIoStop", "StopAckWithinEvtIoStop (DDI compliance)",
        "WdfRequestStopAcknowledge is called from EvtIoStop, for the request EvtIoStop was called for.";
    EVT_IO_STOP_CANCEL = "EvtIoStopCancel", "EvtIoStopCancel (DDI compliance)",
        "A cancelable request is unmarked before EvtIoStop gives it back to its queue.";
    FDO_POWER_POLICY_OWNER = "FDOPowerPolicyOwnerAPI", "FDOPowerPolicyOwnerAPI (DDI compliance)",
        "The function driver stays the owner of its device's power policy.";
}
