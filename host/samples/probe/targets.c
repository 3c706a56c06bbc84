/* Probes of I/O targets, and requests sent to them. */

#include "group.h"

/* What a completion routine has seen. */
typedef struct {
    KEVENT Done;
    WDFREQUEST Request;
    WDF_REQUEST_COMPLETION_PARAMS Params;
} RETURNED;

static EVT_WDF_REQUEST_COMPLETION_ROUTINE OnReturn;
static void OnReturn(
    WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params, WDFCONTEXT context) {
    RETURNED *returned = (RETURNED *)context;

    UNREFERENCED_PARAMETER(target);
    returned->Request = request;
    returned->Params = *params;
    KeSetEvent(&returned->Done, IO_NO_INCREMENT, FALSE);
}

/* A request of its own, formatted for a control code, whose return is seen. */
static NTSTATUS Prepare(WDFIOTARGET target, ULONG code, RETURNED *returned, WDFREQUEST *request) {
    NTSTATUS status = WdfRequestCreate(NULL, target, request);

    KeInitializeEvent(&returned->Done, NotificationEvent, FALSE);
    if (!NT_SUCCESS(status))
        return status;
    status = WdfIoTargetFormatRequestForIoctl(target, *request, code, NULL, NULL, NULL, NULL);
    WdfRequestSetCompletionRoutine(*request, OnReturn, returned);
    return status;
}

PROBE(what_is_below_answers_while_the_sender_waits) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_MEMORY_DESCRIPTOR in, out;
    UCHAR text[3] = {'a', 'b', 'c'}, back[8] = {0};
    LONGLONG offset = 5;
    ULONG_PTR bytes;

    NEEDS_DRIVER_BELOW();
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, text, sizeof(text));
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, back, sizeof(back));
    SUCCEEDS(WdfIoTargetSendIoctlSynchronously(
        target, NULL, IOCTL_BELOW_REVERSE, &in, &out, NULL, &bytes));
    HOLDS(bytes == 3 && back[0] == 'c' && back[1] == 'b' && back[2] == 'a' && back[3] == 0);
    SUCCEEDS(WdfIoTargetSendReadSynchronously(target, NULL, &out, &offset, NULL, &bytes));
    HOLDS(bytes == sizeof(back) && back[0] == 5 && back[7] == 12);
    SUCCEEDS(WdfIoTargetSendWriteSynchronously(target, NULL, &in, NULL, NULL, &bytes));
    HOLDS(bytes == sizeof(text));
    HOLDS(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL)
        == STATUS_INVALID_DEVICE_REQUEST);
    in.Type = WdfMemoryDescriptorTypeInvalid;
    HOLDS(WdfIoTargetSendWriteSynchronously(target, NULL, &in, NULL, NULL, &bytes)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(memory_objects_are_sent_in_part) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_COMPLETION_PARAMS params;
    WDFMEMORY_OFFSET part = {2, 4}, beyond = {6, 4};
    LONGLONG offset = 100;
    WDFREQUEST sent;
    WDFMEMORY memory;
    PUCHAR bytes;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, (PVOID *)&bytes));
    RtlZeroMemory(bytes, 8);
    SUCCEEDS(WdfRequestCreate(NULL, target, &sent));
    HOLDS(WdfIoTargetFormatRequestForRead(target, sent, memory, &beyond, &offset)
        == STATUS_INTEGER_OVERFLOW);
    SUCCEEDS(WdfIoTargetFormatRequestForRead(target, sent, memory, &part, &offset));
    WDF_REQUEST_SEND_OPTIONS_INIT(
        &options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS | WDF_REQUEST_SEND_OPTION_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(1);
    HOLDS(WdfRequestSend(sent, target, &options));
    SUCCEEDS(WdfRequestGetStatus(sent));
    HOLDS(bytes[1] == 0 && bytes[2] == 100 && bytes[5] == 103 && bytes[6] == 0);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(sent, &params);
    HOLDS(params.Type == WdfRequestTypeRead && params.IoStatus.Information == 4);
    HOLDS(params.Parameters.Read.Buffer == memory && params.Parameters.Read.Offset == 2);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_NOT_SUPPORTED);
    SUCCEEDS(WdfRequestReuse(sent, &reuse));
    HOLDS(WdfRequestGetStatus(sent) == STATUS_NOT_SUPPORTED);
    SUCCEEDS(WdfIoTargetFormatRequestForWrite(target, sent, memory, NULL, NULL));
    HOLDS(WdfRequestSend(sent, target, &options));
    HOLDS(WdfRequestGetInformation(sent) == 8);
    WdfObjectDelete(sent);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(a_sent_request_comes_back_to_its_routine) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &returned, &sent));
    SUCCEEDS(WdfRequestAllocateTimer(sent));
    HOLDS(WdfRequestSend(sent, target, NULL));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(returned.Request == sent && returned.Params.IoStatus.Status == STATUS_SUCCESS);
    HOLDS(returned.Params.Type == WdfRequestTypeDeviceControl);
    HOLDS(returned.Params.Parameters.Ioctl.IoControlCode == IOCTL_BELOW_SLOW);
    HOLDS(!WdfRequestCancelSentRequest(sent));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_sent_request_is_canceled) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &returned, &sent));
    HOLDS(WdfRequestSend(sent, target, NULL));
    HOLDS(WdfRequestCancelSentRequest(sent));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(returned.Params.IoStatus.Status == STATUS_CANCELLED);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_sent_request_has_a_limit) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;

    NEEDS_DRIVER_BELOW();
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    options.Flags = WDF_REQUEST_SEND_OPTION_TIMEOUT;
    options.Timeout = WDF_REL_TIMEOUT_IN_MS(10);
    HOLDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL)
        == STATUS_IO_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(10);
    SUCCEEDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL));
    options.Flags = 0x100;
    HOLDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_stopped_target_keeps_what_is_sent) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(Prepare(target, IOCTL_BELOW_REVERSE, &returned, &sent));
    WdfIoTargetStop(target, WdfIoTargetWaitForSentIoToComplete);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStopped);
    HOLDS(WdfRequestSend(sent, target, NULL));
    HOLDS(KeReadStateEvent(&returned.Done) == 0);
    SUCCEEDS(WdfIoTargetStart(target));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    SUCCEEDS(returned.Params.IoStatus.Status);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_purged_target_takes_nothing) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED first, second;
    WDFREQUEST slow, late;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &first, &slow));
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &second, &late));
    HOLDS(WdfRequestSend(slow, target, NULL));
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    SUCCEEDS(KeWaitForSingleObject(&first.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(first.Params.IoStatus.Status == STATUS_CANCELLED);
    HOLDS(!WdfRequestSend(late, target, NULL));
    HOLDS(WdfRequestGetStatus(late) == STATUS_INVALID_DEVICE_STATE);
    SUCCEEDS(WdfIoTargetStart(target));
    WdfObjectDelete(slow);
    WdfObjectDelete(late);
    return 0;
}

PROBE(a_local_target_is_of_its_device) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WCHAR text[64];
    ULONG bytes;

    HOLDS(WdfIoTargetGetDevice(target) == device);
    HOLDS(WdfIoTargetWdmGetTargetPhysicalDevice(target) == WdfDeviceWdmGetPhysicalDevice(device));
    HOLDS(WdfIoTargetWdmGetTargetDeviceObject(target) == WdfDeviceWdmGetAttachedDevice(device));
    HOLDS(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    SUCCEEDS(WdfIoTargetQueryTargetProperty(
        target, DevicePropertyEnumeratorName, sizeof(text), text, &bytes));
    HOLDS(bytes == sizeof(L"ROOT"));
    return 0;
}

PROBE(a_device_has_one_target_that_is_started) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);

    HOLDS(target != NULL && target == WdfDeviceGetIoTarget(device));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    SUCCEEDS(WdfIoTargetStart(target));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    return 0;
}

PROBE(a_target_is_stopped_purged_and_started) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);

    WdfIoTargetPurge(target, WdfIoTargetPurgeIo);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetPurged);
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStopped);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetPurged);
    SUCCEEDS(WdfIoTargetStart(target));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    return 0;
}

PROBE(an_action_that_is_none_changes_nothing) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);

    WdfIoTargetStop(target, WdfIoTargetSentIoUndefined);
    WdfIoTargetStop(target, (WDF_IO_TARGET_SENT_IO_ACTION)(WdfIoTargetLeaveSentIoPending + 1));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoUndefined);
    WdfIoTargetPurge(target, (WDF_IO_TARGET_PURGE_IO_ACTION)(WdfIoTargetPurgeIo + 1));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    return 0;
}

PROBE(what_waits_for_a_target_that_is_purged_was_not_sent) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    SUCCEEDS(Prepare(target, IOCTL_BELOW_REVERSE, &returned, &sent));
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    HOLDS(WdfRequestSend(sent, target, NULL));
    WdfIoTargetPurge(target, WdfIoTargetPurgeIo);
    HOLDS(KeReadStateEvent(&returned.Done) != 0);
    HOLDS(returned.Params.IoStatus.Status == STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    SUCCEEDS(WdfIoTargetStart(target));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(what_waits_for_a_target_is_canceled) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    SUCCEEDS(Prepare(target, IOCTL_BELOW_REVERSE, &returned, &sent));
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    HOLDS(WdfRequestSend(sent, target, NULL));
    HOLDS(WdfRequestCancelSentRequest(sent));
    HOLDS(KeReadStateEvent(&returned.Done) != 0);
    HOLDS(returned.Params.IoStatus.Status == STATUS_CANCELLED);
    SUCCEEDS(WdfIoTargetStart(target));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_purged_target_takes_nothing_to_be_waited_for) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    NTSTATUS status;

    WdfIoTargetPurge(target, WdfIoTargetPurgeIo);
    status = WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL);
    SUCCEEDS(WdfIoTargetStart(target));
    HOLDS(status == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(a_stopped_target_lets_pass_what_ignores_its_state) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;
    NTSTATUS stopped, purged;

    NEEDS_DRIVER_BELOW();
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE);
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    stopped = WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, &options, NULL);
    WdfIoTargetPurge(target, WdfIoTargetPurgeIo);
    purged = WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, &options, NULL);
    SUCCEEDS(WdfIoTargetStart(target));
    SUCCEEDS(stopped);
    SUCCEEDS(purged);
    return 0;
}

PROBE(stopping_a_target_cancels_what_was_sent) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &returned, &sent));
    HOLDS(WdfRequestSend(sent, target, NULL));
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    HOLDS(KeReadStateEvent(&returned.Done) != 0);
    HOLDS(returned.Params.IoStatus.Status == STATUS_CANCELLED);
    SUCCEEDS(WdfIoTargetStart(target));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(options_to_send_with_have_a_size) {
    WDF_REQUEST_SEND_OPTIONS options;

    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    options.Size--;
    HOLDS(WdfIoTargetSendIoctlSynchronously(
              WdfDeviceGetIoTarget(device), NULL, IOCTL_BELOW_REVERSE, NULL, NULL, &options, NULL)
        == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(what_is_forgotten_is_not_waited_for) {
    WDF_REQUEST_SEND_OPTIONS options;

    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    options.Flags |= WDF_REQUEST_SEND_OPTION_TIMEOUT;
    HOLDS(WdfIoTargetSendIoctlSynchronously(
              WdfDeviceGetIoTarget(device), NULL, IOCTL_BELOW_REVERSE, NULL, NULL, &options, NULL)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(only_an_app_s_request_is_forgotten) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDFREQUEST sent;

    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    SUCCEEDS(WdfRequestCreate(NULL, target, &sent));
    HOLDS(!WdfRequestSend(sent, target, &options));
    HOLDS(WdfRequestGetStatus(sent) == STATUS_INVALID_DEVICE_STATE);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_memory_descriptor_describes_something) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_MEMORY_DESCRIPTOR described;

    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&described, NULL, 0);
    HOLDS(WdfIoTargetSendReadSynchronously(target, NULL, &described, NULL, NULL, NULL)
        == STATUS_INVALID_PARAMETER);
    WDF_MEMORY_DESCRIPTOR_INIT_MDL(&described, NULL, 0);
    HOLDS(WdfIoTargetSendReadSynchronously(target, NULL, &described, NULL, NULL, NULL)
        == STATUS_INVALID_PARAMETER);
    WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&described, NULL, NULL);
    HOLDS(WdfIoTargetSendReadSynchronously(target, NULL, &described, NULL, NULL, NULL)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_part_of_memory_lies_within_it) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDFMEMORY_OFFSET beyond = {4, 5}, far = {(size_t)-1, 2};
    WDF_MEMORY_DESCRIPTOR described;
    WDFMEMORY memory;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, NULL));
    WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&described, memory, &beyond);
    HOLDS(WdfIoTargetSendReadSynchronously(target, NULL, &described, NULL, NULL, NULL)
        == STATUS_INTEGER_OVERFLOW);
    WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&described, memory, &far);
    HOLDS(WdfIoTargetSendReadSynchronously(target, NULL, &described, NULL, NULL, NULL)
        == STATUS_INTEGER_OVERFLOW);
    WdfObjectDelete(memory);
    return 0;
}

GROUP(targets, PROBES_TARGETS)
