/* Probes of requests: an app's, and those of the driver's own. */

#include "group.h"

/* A request of the driver's own for the device's target. */
static NTSTATUS Make(WDFDEVICE device, WDFREQUEST *sent) {
    return WdfRequestCreate(NULL, WdfDeviceGetIoTarget(device), sent);
}

static NTSTATUS Reuse(WDFREQUEST request, NTSTATUS as) {
    WDF_REQUEST_REUSE_PARAMS reuse;

    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, as);
    return WdfRequestReuse(request, &reuse);
}

PROBE(a_request_says_what_it_asks_for) {
    WDF_REQUEST_PARAMETERS parameters;

    NEEDS_REQUEST();
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    HOLDS(parameters.Type == WdfRequestTypeDeviceControl && parameters.MinorFunction == 0);
    HOLDS(parameters.Parameters.DeviceIoControl.IoControlCode == IOCTL_PROBE
        || parameters.Parameters.DeviceIoControl.IoControlCode == IOCTL_PROBE_ALL);
    HOLDS(parameters.Parameters.DeviceIoControl.OutputBufferLength >= sizeof(ULONG));
    return 0;
}

PROBE(a_request_says_who_has_sent_it) {
    NEEDS_REQUEST();
    HOLDS(WdfRequestGetRequestorMode(request) == UserMode);
    HOLDS(!WdfRequestIsFrom32BitProcess(request));
    HOLDS(!WdfRequestIsReserved(request));
    return 0;
}

PROBE(a_request_s_information_is_what_was_set) {
    NEEDS_REQUEST();
    WdfRequestSetInformation(request, 3);
    HOLDS(WdfRequestGetInformation(request) == 3);
    WdfRequestSetInformation(request, 0);
    HOLDS(WdfRequestGetInformation(request) == 0);
    return 0;
}

PROBE(a_request_that_nobody_has_canceled_is_not) {
    NEEDS_REQUEST();
    HOLDS(!WdfRequestIsCanceled(request));
    return 0;
}

PROBE(reusing_an_app_s_request_sets_its_status_only) {
    NEEDS_REQUEST();
    WdfRequestSetInformation(request, 2);
    SUCCEEDS(Reuse(request, STATUS_NOT_SUPPORTED));
    HOLDS(WdfRequestGetStatus(request) == STATUS_NOT_SUPPORTED);
    HOLDS(WdfRequestGetInformation(request) == 2);
    WdfRequestSetInformation(request, 0);
    SUCCEEDS(Reuse(request, STATUS_SUCCESS));
    return 0;
}

PROBE(an_app_s_request_keeps_its_irp) {
    WDF_REQUEST_REUSE_PARAMS reuse;

    NEEDS_REQUEST();
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_SET_NEW_IRP, STATUS_SUCCESS);
    HOLDS(WdfRequestReuse(request, &reuse) == STATUS_WDF_REQUEST_INVALID_STATE);
    return 0;
}

PROBE(a_buffer_that_is_too_short_is_not_given) {
    PVOID buffer = device;
    size_t length = 1;

    NEEDS_REQUEST();
    HOLDS(WdfRequestRetrieveOutputBuffer(request, 1000, &buffer, &length) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(buffer == NULL && length == 0);
    buffer = device;
    length = 1;
    HOLDS(WdfRequestRetrieveInputBuffer(request, 1000, &buffer, &length) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(buffer == NULL && length == 0);
    return 0;
}

PROBE(a_buffer_has_the_app_s_length) {
    WDF_REQUEST_PARAMETERS parameters;
    PVOID buffer;
    size_t length;

    NEEDS_REQUEST();
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    SUCCEEDS(WdfRequestRetrieveOutputBuffer(request, 0, &buffer, &length));
    HOLDS(length == parameters.Parameters.DeviceIoControl.OutputBufferLength);
    SUCCEEDS(WdfRequestRetrieveOutputBuffer(request, length, &buffer, NULL));
    return 0;
}

PROBE(a_buffer_is_that_of_its_memory_object) {
    WDFMEMORY memory, again;
    PVOID buffer;
    size_t length, bytes;

    NEEDS_REQUEST();
    SUCCEEDS(WdfRequestRetrieveOutputBuffer(request, 0, &buffer, &length));
    SUCCEEDS(WdfRequestRetrieveOutputMemory(request, &memory));
    HOLDS(WdfMemoryGetBuffer(memory, &bytes) == buffer && bytes == length);
    SUCCEEDS(WdfRequestRetrieveOutputMemory(request, &again));
    HOLDS(memory == again);
    return 0;
}

PROBE(buffered_input_and_output_are_in_one_buffer) {
    PVOID input, output;

    NEEDS_REQUEST();
    SUCCEEDS(WdfRequestRetrieveOutputBuffer(request, 0, &output, NULL));
    if (NT_SUCCESS(WdfRequestRetrieveInputBuffer(request, 0, &input, NULL)))
        HOLDS(input == output);
    return 0;
}

PROBE(a_buffer_has_an_mdl) {
    PVOID buffer;
    PMDL mdl, again;
    size_t length;

    NEEDS_REQUEST();
    SUCCEEDS(WdfRequestRetrieveOutputBuffer(request, 0, &buffer, &length));
    SUCCEEDS(WdfRequestRetrieveOutputWdmMdl(request, &mdl));
    HOLDS(MmGetMdlVirtualAddress(mdl) == buffer && MmGetMdlByteCount(mdl) >= sizeof(ULONG));
    SUCCEEDS(WdfRequestRetrieveOutputWdmMdl(request, &again));
    HOLDS(mdl == again);
    return 0;
}

PROBE(a_driver_makes_a_request) {
    WDFREQUEST sent = NULL;

    SUCCEEDS(Make(device, &sent));
    HOLDS(sent != NULL);
    HOLDS(WdfRequestGetInformation(sent) == 0 && !WdfRequestIsReserved(sent));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_request_of_the_driver_s_own_is_of_no_queue) {
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    HOLDS(WdfRequestGetIoQueue(sent) == NULL);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_request_made_without_a_target_is_given_one) {
    WDFREQUEST sent;

    SUCCEEDS(WdfRequestCreate(NULL, NULL, &sent));
    SUCCEEDS(WdfRequestChangeTarget(sent, WdfDeviceGetIoTarget(device)));
    HOLDS(WdfRequestGetInformation(sent) == 0);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(formatting_gives_a_request_what_it_needs_for_its_target) {
    WDFREQUEST sent;

    SUCCEEDS(WdfRequestCreate(NULL, NULL, &sent));
    SUCCEEDS(WdfIoTargetFormatRequestForIoctl(
        WdfDeviceGetIoTarget(device), sent, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL));
    HOLDS(WdfRequestGetInformation(sent) == 0);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_reused_request_has_the_status_it_is_given) {
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    WdfRequestSetInformation(sent, 7);
    SUCCEEDS(Reuse(sent, STATUS_NOT_SUPPORTED));
    HOLDS(WdfRequestGetStatus(sent) == STATUS_NOT_SUPPORTED && WdfRequestGetInformation(sent) == 0);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(reusing_takes_parameters_of_a_size) {
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    reuse.Size--;
    HOLDS(WdfRequestReuse(sent, &reuse) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(reusing_takes_flags_that_there_are) {
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, 4, STATUS_SUCCESS);
    HOLDS(WdfRequestReuse(sent, &reuse) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_request_without_format_has_no_completion_parameters) {
    WDF_REQUEST_COMPLETION_PARAMS params;
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    params.IoStatus.Status = STATUS_NOT_SUPPORTED;
    params.IoStatus.Information = 5;
    WdfRequestGetCompletionParams(sent, &params);
    HOLDS(params.IoStatus.Status == STATUS_NOT_SUPPORTED && params.IoStatus.Information == 5);
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_timer_is_allocated_once_or_twice) {
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    SUCCEEDS(WdfRequestAllocateTimer(sent));
    SUCCEEDS(WdfRequestAllocateTimer(sent));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_request_that_was_not_sent_is_not_canceled) {
    WDFREQUEST sent;

    SUCCEEDS(Make(device, &sent));
    HOLDS(!WdfRequestCancelSentRequest(sent));
    WdfObjectDelete(sent);
    return 0;
}

PROBE(a_request_that_was_canceled_is_sent_when_it_was_reused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    WDF_REQUEST_SEND_OPTIONS_INIT(
        &options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS | WDF_REQUEST_SEND_OPTION_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(1);
    SUCCEEDS(Make(device, &sent));
    SUCCEEDS(WdfIoTargetFormatRequestForIoctl(target, sent, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL));
    HOLDS(!WdfRequestCancelSentRequest(sent));
    HOLDS(!WdfRequestSend(sent, target, &options));
    HOLDS(WdfRequestGetStatus(sent) == STATUS_CANCELLED);
    SUCCEEDS(Reuse(sent, STATUS_SUCCESS));
    SUCCEEDS(WdfIoTargetFormatRequestForIoctl(target, sent, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL));
    HOLDS(WdfRequestSend(sent, target, &options));
    SUCCEEDS(WdfRequestGetStatus(sent));
    WdfObjectDelete(sent);
    return 0;
}

GROUP(requests, PROBES_REQUESTS)
