//! Stopping, power and removal.

use crate::rule::declare;

declare! { Power:
    DRV_ACK_IO_STOP = Compliance "DrvAckIoStop", "DrvAckIoStop, EvtIoStopCompleteOrStopAck; bug check 0x9F; KMDF: 0x10D, 0x1 WDF_POWER_ROUTINE_TIMED_OUT (fxpkgpnp.cpp)",
        "A request that the driver owns when its power-managed queue stops is completed, acknowledged or requeued, so that the device can leave D0.";
    POWER_TOO_LONG = Own "PowerTooLong", "kmdf-host; bug checks 0x9F, DRIVER_POWER_STATE_FAILURE, and 0x1D5, DRIVER_PNP_WATCHDOG",
        "A callback of PnP or power ends within two minutes, and so does all that the driver does in one change of state, such as a removal.";
    STOP_ACK_WITHIN_EVT_IO_STOP = Compliance "StopAckWithinEvtIoStop", "StopAckWithinEvtIoStop; KMDF Verifier: FxRequest::VerifyRequestIsInEvtIoStopContext (fxrequest.cpp)",
        "WdfRequestStopAcknowledge is called only in EvtIoStop, for the request of that call.";
    EVT_IO_STOP_CANCEL = Compliance "EvtIoStopCancel", "EvtIoStopCancel; KMDF Verifier: FxRequest::VerifyStopAcknowledge (fxrequest.cpp)",
        "A cancelable request is unmarked before EvtIoStop requeues it.";
    SURPRISE_REMOVE_NO_SUSPEND_QUEUE = Compliance "EvtSurpriseRemoveNoSuspendQueue", "EvtSurpriseRemoveNoSuspendQueue",
        "EvtDeviceSurpriseRemoval does not stop, drain or purge queues; EvtDeviceSelfManagedIoSuspend and similar callbacks do.";
    SURPRISE_REMOVE_NO_REQUEST_COMPLETE = Compliance "EvtSurpriseRemoveNoRequestComplete", "EvtSurpriseRemoveNoRequestComplete",
        "EvtDeviceSurpriseRemoval does not complete requests: it may run at the same time as the power-down.";
    NO_CANCEL_FROM_SURPRISE_REMOVE = Compliance "NoCancelFromEvtSurpriseRemove", "NoCancelFromEvtSurpriseRemove",
        "EvtDeviceSurpriseRemoval does not cancel requests: it may run at the same time as the power-down.";
    EVT_IO_STOP_GET_PARAM = Compliance "EvtIoStopGetParam", "EvtIoStopGetParam",
        "EvtIoStop does not call WdfRequestGetParameters: what the driver needs it has kept from when it got the request.";
    EVT_IO_RESUME_GET_PARAM = Compliance "EvtIoResumeGetParam", "EvtIoResumeGetParam",
        "EvtIoResume does not call WdfRequestGetParameters: what the driver needs it has kept from when it got the request.";
    FAIL_D0_ENTRY_IO_TARGET_STATE = Compliance "FailD0EntryIoTargetState", "FailD0EntryIoTargetState",
        "An EvtDeviceD0Entry that fails has stopped the I/O targets that it started: EvtDeviceD0Exit is not called then.";
    PAGED_CODE_AT_D0 = Compliance "PagedCodeAtD0", "PagedCodeAtD0",
        "The callbacks for D0 entry are not in a pageable section.";
    FDO_POWER_POLICY_OWNER = Compliance "FDOPowerPolicyOwnerAPI", "FDOPowerPolicyOwnerAPI",
        "The function driver stays the owner of its device's power policy.";
    NON_FDO_NOT_POWER_POLICY_OWNER = Compliance "NonFDONotPowerPolicyOwnerAPI", "NonFDONotPowerPolicyOwnerAPI",
        "A filter that does not own the power policy of its device sets no callbacks for it, and no idle or wake settings.";
    NON_PNP_POWER_POLICY_OWNER = Compliance "NonPnPDrvPowerPolicyOwnerAPI", "NonPnPDrvPowerPolicyOwnerAPI",
        "A driver without EvtDriverDeviceAdd calls no function that is about power: its devices have none.";
    PNP_NOT_SUPPORTED = Framework "PnpNotSupported", "KMDF Verifier: a breakpoint after each of them (pnpstatemachine.cpp)",
        "EvtDevicePrepareHardware, ReleaseHardware, QueryStop and QueryRemove do not return STATUS_NOT_SUPPORTED, which means that no driver has handled an IRP.";
    POWER_REFERENCE = Framework "PowerReference", "KMDF Verifier: FxPowerIdleMachine::IoDecrement (poweridlestatemachine.cpp)",
        "WdfDeviceResumeIdle is called once for each WdfDeviceStopIdle that succeeded.";
    STATIC_STOP_REMOVE = Own "StaticStopRemove", "WdfDeviceSetStaticStopRemove; an assertion of it (fxdeviceapi.cpp)",
        "WdfDeviceSetStaticStopRemove allows stopping a device only as often as it has forbidden it before.";
    IDLE_TIMEOUT_TYPE = Framework "IdleTimeoutType", "KMDF Verifier: FxPkgPnp::PowerPolicySetS0IdleSettings (fxpkgpnp.cpp)",
        "The first WdfDeviceAssignS0IdleSettings decides whether the driver or the system times how long a device is idle.";
}
