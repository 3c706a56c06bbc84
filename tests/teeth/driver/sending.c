/* Requests that are sent to the local I/O target: edu's bus driver, which knows none. */
#include "teeth.h"

static EVT_WDF_REQUEST_COMPLETION_ROUTINE OnReturn;
static void OnReturn(
    WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params, WDFCONTEXT context) {
    UNREFERENCED_PARAMETER(target);
    UNREFERENCED_PARAMETER(context);
    WdfRequestComplete(request, params->IoStatus.Status);
}

BOOLEAN sends_what_it_did_not_format(MOMENT *m) {
    WdfRequestSetCompletionRoutine(m->Request, OnReturn, NULL);
    WdfRequestSend(m->Request, WdfDeviceGetIoTarget(m->Context->Device), NULL);
    return TRUE;
}

/* Whoever has the request below cannot be told of its cancellation any more. */
BOOLEAN sends_a_cancelable_request(MOMENT *m) {
    WdfRequestFormatRequestUsingCurrentType(m->Request);
    WdfRequestSetCompletionRoutine(m->Request, OnReturn, NULL);
    if (NT_SUCCESS(WdfRequestMarkCancelableEx(m->Request, OnCancel)))
        WdfRequestSend(m->Request, WdfDeviceGetIoTarget(m->Context->Device), NULL);
    return TRUE;
}

BOOLEAN sends_with_the_lock(MOMENT *m) {
    WdfRequestFormatRequestUsingCurrentType(m->Request);
    WdfRequestSetCompletionRoutine(m->Request, OnReturn, NULL);
    WdfSpinLockAcquire(m->Context->Lock);
    WdfRequestSend(m->Request, WdfDeviceGetIoTarget(m->Context->Device), NULL);
    WdfSpinLockRelease(m->Context->Lock);
    return TRUE;
}

/* A DPC cannot wait for what is below. */
BOOLEAN sends_synchronously_in_the_dpc(MOMENT *m) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(m->Context->Device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDFREQUEST request;
    if (!NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request)))
        return FALSE;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    if (NT_SUCCESS(WdfIoTargetFormatRequestForIoctl(
            target, request, IOCTL_FACTORIAL, NULL, NULL, NULL, NULL)))
        WdfRequestSend(request, target, &options);
    WdfObjectDelete(request);
    return FALSE;
}

BOOLEAN completes_its_own_request(MOMENT *m) {
    WDFREQUEST request;
    UNREFERENCED_PARAMETER(m);
    if (NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, NULL, &request)))
        WdfRequestComplete(request, STATUS_SUCCESS);
    return FALSE;
}

/* The target is stopped: the request waits for it. */
BOOLEAN deletes_a_request_that_is_below(MOMENT *m) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(m->Context->Device);
    WDFREQUEST request;
    if (!NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request)))
        return FALSE;
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    WdfRequestSetCompletionRoutine(request, OnReturn, NULL);
    if (NT_SUCCESS(WdfIoTargetFormatRequestForIoctl(
            target, request, IOCTL_FACTORIAL, NULL, NULL, NULL, NULL)))
        WdfRequestSend(request, target, NULL);
    WdfObjectDelete(request);
    return FALSE;
}

/* It has no IRP that has a status. */
BOOLEAN asks_a_request_without_a_target(MOMENT *m) {
    WDFREQUEST request;
    UNREFERENCED_PARAMETER(m);
    if (!NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, NULL, &request)))
        return FALSE;
    WdfRequestGetStatus(request);
    WdfObjectDelete(request);
    return FALSE;
}

/* Whoever sends it has to complete it when it is back, and does not hear of that. */
BOOLEAN sends_and_is_not_told(MOMENT *m) {
    WdfRequestFormatRequestUsingCurrentType(m->Request);
    if (!WdfRequestSend(m->Request, WdfDeviceGetIoTarget(m->Context->Device), NULL))
        WdfRequestComplete(m->Request, WdfRequestGetStatus(m->Request));
    return TRUE;
}

/* What was formatted is not what is sent. */
BOOLEAN forgets_what_it_has_formatted(MOMENT *m) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(m->Context->Device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    (void)WdfIoTargetFormatRequestForIoctl(
        target, m->Request, IOCTL_FACTORIAL, NULL, NULL, NULL, NULL);
    return WdfRequestSend(m->Request, target, &options);
}

BOOLEAN forgets_a_request_of_its_own(MOMENT *m) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(m->Context->Device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDFREQUEST request;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    if (!NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request)))
        return FALSE;
    if (NT_SUCCESS(WdfIoTargetFormatRequestForIoctl(
            target, request, IOCTL_FACTORIAL, NULL, NULL, NULL, NULL)))
        WdfRequestSend(request, target, &options);
    WdfObjectDelete(request);
    return FALSE;
}

BOOLEAN asks_for_the_end_of_what_it_has_not_sent(MOMENT *m) {
    (void)WdfRequestGetStatus(m->Request);
    return FALSE;
}

BOOLEAN waits_without_a_limit(MOMENT *m) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(m->Context->Device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDFREQUEST request;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    if (!NT_SUCCESS(WdfRequestCreate(WDF_NO_OBJECT_ATTRIBUTES, target, &request)))
        return FALSE;
    if (NT_SUCCESS(WdfIoTargetFormatRequestForIoctl(
            target, request, IOCTL_FACTORIAL, NULL, NULL, NULL, NULL)))
        WdfRequestSend(request, target, &options);
    WdfObjectDelete(request);
    return FALSE;
}

BOOLEAN sends_a_read_as_a_write(MOMENT *m) {
    (void)WdfIoTargetSendWriteSynchronously(
        WdfDeviceGetIoTarget(m->Context->Device), m->Request, NULL, NULL, NULL, NULL);
    return FALSE;
}

BOOLEAN sends_a_write_as_a_read(MOMENT *m) {
    (void)WdfIoTargetSendReadSynchronously(
        WdfDeviceGetIoTarget(m->Context->Device), m->Request, NULL, NULL, NULL, NULL);
    return FALSE;
}

BOOLEAN sends_a_control_request_as_an_internal_one(MOMENT *m) {
    (void)WdfIoTargetSendInternalIoctlSynchronously(WdfDeviceGetIoTarget(m->Context->Device), m->Request,
        IOCTL_FACTORIAL, NULL, NULL, NULL, NULL);
    return FALSE;
}
