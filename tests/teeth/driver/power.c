/* Stopping and power. */
#include "teeth.h"

/* EvtIoStop leaves the request alone: if the device never answers, it never leaves D0. */
BOOLEAN ignores_evt_io_stop(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    return TRUE;
}

BOOLEAN acknowledges_a_stop_that_is_none(MOMENT *m) {
    WdfRequestStopAcknowledge(m->Request, FALSE);
    return FALSE;
}

/* The request goes back to its queue while EvtRequestCancel may still be called for it. */
BOOLEAN requeues_while_cancelable(MOMENT *m) {
    m->Context->Current = NULL;
    WdfRequestStopAcknowledge(m->Request, TRUE);
    return TRUE;
}

BOOLEAN gives_up_power_policy_ownership(MOMENT *m) {
    WdfDeviceInitSetPowerPolicyOwnership(m->Init, FALSE);
    return FALSE;
}

/* A callback on the way to D0 is in a pageable section: the disk it is on may come later. */
static EVT_WDF_DEVICE_D0_ENTRY PagedD0Entry;
static __attribute__((section("PAGE"))) NTSTATUS PagedD0Entry(
    WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    Write(GetContext(device), STATUS, STATUS_INTERRUPT_WHEN_DONE);
    return STATUS_SUCCESS;
}

BOOLEAN enters_d0_in_pageable_code(MOMENT *m) {
    m->Power->EvtDeviceD0Entry = PagedD0Entry;
    return FALSE;
}

/* KMDF Verifier breaks into the debugger; without it the count wraps. */
BOOLEAN resumes_idle_once_too_often(MOMENT *m) {
    WdfDeviceResumeIdle(m->Context->Device);
    return FALSE;
}

BOOLEAN allows_a_stop_that_it_has_not_forbidden(MOMENT *m) {
    WdfDeviceSetStaticStopRemove(m->Context->Device, TRUE);
    return FALSE;
}

BOOLEAN changes_who_times_idleness(MOMENT *m) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, IdleCannotWakeFromS0);
    settings.UserControlOfIdleSettings = IdleDoNotAllowUserControl;
    if (!NT_SUCCESS(WdfDeviceAssignS0IdleSettings(m->Context->Device, &settings)))
        return FALSE;
    settings.IdleTimeoutType = SystemManagedIdleTimeout;
    (void)WdfDeviceAssignS0IdleSettings(m->Context->Device, &settings);
    return FALSE;
}

static EVT_WDF_DEVICE_PREPARE_HARDWARE RefusesLikeNobody;
static NTSTATUS RefusesLikeNobody(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(raw);
    UNREFERENCED_PARAMETER(translated);
    return STATUS_NOT_SUPPORTED;
}

BOOLEAN refuses_its_hardware_as_not_supported(MOMENT *m) {
    m->Power->EvtDevicePrepareHardware = RefusesLikeNobody;
    return FALSE;
}

BOOLEAN purges_its_queue_at_surprise_removal(MOMENT *m) {
    WdfIoQueuePurge(m->Context->Queue, NULL, NULL);
    return FALSE;
}

BOOLEAN completes_at_surprise_removal(MOMENT *m) {
    CONTEXT *c = m->Context;
    WdfSpinLockAcquire(c->Lock);
    WDFREQUEST request = c->Current;
    c->Current = NULL;
    if (request && WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED)
        request = NULL;
    WdfSpinLockRelease(c->Lock);
    if (request)
        WdfRequestComplete(request, STATUS_NO_SUCH_DEVICE);
    return FALSE;
}

/* What waits in a queue that is not power-managed waits on when the device is surprise-removed. */
BOOLEAN lets_a_lost_device_be_waited_for(MOMENT *m) {
    NTSTATUS status = WdfRequestForwardToIoQueue(m->Request, m->Context->Manual);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(m->Request, status);
    return TRUE;
}

/* The way down to Dx may be under way, and cancel it, too. */
BOOLEAN cancels_at_surprise_removal(MOMENT *m) {
    if (m->Context->Current)
        (void)WdfRequestCancelSentRequest(m->Context->Current);
    return FALSE;
}

static void AskForParameters(WDFREQUEST request) {
    WDF_REQUEST_PARAMETERS parameters;
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
}

BOOLEAN asks_for_parameters_when_it_stops(MOMENT *m) {
    AskForParameters(m->Request);
    return FALSE;
}

BOOLEAN asks_for_parameters_when_it_resumes(MOMENT *m) {
    AskForParameters(m->Request);
    return FALSE;
}

/* EvtDeviceD0Exit, which would stop the target, is not called. */
static EVT_WDF_DEVICE_D0_ENTRY StartsAndFails;
static NTSTATUS StartsAndFails(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    (void)WdfIoTargetStart(WdfDeviceGetIoTarget(device));
    return STATUS_UNSUCCESSFUL;
}

BOOLEAN leaves_its_target_started(MOMENT *m) {
    m->Power->EvtDeviceD0Entry = StartsAndFails;
    return FALSE;
}

/* A filter is not asked: the function driver owns the power policy. */
BOOLEAN has_a_policy_that_is_not_its_own(MOMENT *m) {
    WDF_POWER_POLICY_EVENT_CALLBACKS callbacks;
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&callbacks);
    WdfFdoInitSetFilter(m->Init);
    WdfDeviceInitSetPowerPolicyEventCallbacks(m->Init, &callbacks);
    return FALSE;
}

/* For so long Windows does not wait. */
BOOLEAN takes_three_minutes_to_stop(MOMENT *m) {
    LARGE_INTEGER interval = {.QuadPart = WDF_REL_TIMEOUT_IN_SEC(180)};
    UNREFERENCED_PARAMETER(m);
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    return FALSE;
}
