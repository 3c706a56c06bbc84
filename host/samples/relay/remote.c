/* What the device sends on: to itself, and to the device that it has opened. */

#include "driver.h"

static EVT_WDF_IO_TARGET_QUERY_REMOVE OnQueryRemove;
static NTSTATUS OnQueryRemove(WDFIOTARGET target) {
    DbgPrint("target: query remove\n");
    WdfIoTargetCloseForQueryRemove(target);
    return STATUS_SUCCESS;
}

static EVT_WDF_IO_TARGET_REMOVE_CANCELED OnRemoveCanceled;
static void OnRemoveCanceled(WDFIOTARGET target) {
    WDF_IO_TARGET_OPEN_PARAMS params;

    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    DbgPrint("target: remove canceled, %x\n", WdfIoTargetOpen(target, &params));
}

static EVT_WDF_IO_TARGET_REMOVE_COMPLETE OnRemoveComplete;
static void OnRemoveComplete(WDFIOTARGET target) {
    DbgPrint("target: remove complete\n");
    WdfIoTargetClose(target);
}

/* Opens what the request names. */
static NTSTATUS Open(WDFIOTARGET target, WDFREQUEST request, BOOLEAN told) {
    WDF_IO_TARGET_OPEN_PARAMS params;
    UNICODE_STRING name;
    size_t length;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, sizeof(WCHAR), (PVOID *)&name.Buffer, &length);

    if (!NT_SUCCESS(status))
        return status;
    name.Length = name.MaximumLength = (USHORT)length;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &name, FILE_READ_DATA | FILE_WRITE_DATA);
    if (told) {
        params.EvtIoTargetQueryRemove = OnQueryRemove;
        params.EvtIoTargetRemoveCanceled = OnRemoveCanceled;
        params.EvtIoTargetRemoveComplete = OnRemoveComplete;
    }
    status = WdfIoTargetOpen(target, &params);
    if (NT_SUCCESS(status) && params.FileInformation != FILE_OPENED)
        return STATUS_INTERNAL_ERROR;
    return status;
}

/* Has a target reverse what a request brings. */
static NTSTATUS Reverse(WDFIOTARGET target, WDFREQUEST request, BOOLEAN internal, ULONG_PTR *bytes) {
    WDF_MEMORY_DESCRIPTOR in, out;
    PVOID from, to;
    size_t length;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, 1, &from, &length);

    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, length, &to, NULL);
    if (!NT_SUCCESS(status))
        return status;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, from, (ULONG)length);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, to, (ULONG)length);
    return internal
        ? WdfIoTargetSendInternalIoctlSynchronously(target, NULL, IOCTL_RELAY_REVERSE, &in, &out, NULL, bytes)
        : WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_RELAY_REVERSE, &in, &out, NULL, bytes);
}

/* The same, with a request that is formatted by a stack location. */
static NTSTATUS ReverseByLocation(WDFIOTARGET target, WDFREQUEST request, ULONG_PTR *bytes) {
    IO_STACK_LOCATION location;
    WDF_REQUEST_SEND_OPTIONS options;

    location = *IoGetCurrentIrpStackLocation(WdfRequestWdmGetIrp(request));
    location.Parameters.DeviceIoControl.IoControlCode = IOCTL_RELAY_REVERSE;
    WdfRequestWdmFormatUsingStackLocation(request, &location);
    WDF_REQUEST_SEND_OPTIONS_INIT(
        &options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS | WDF_REQUEST_SEND_OPTION_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(1);
    if (WdfRequestSend(request, target, &options))
        *bytes = WdfRequestGetInformation(request);
    return WdfRequestGetStatus(request);
}

/* Has a target add two numbers, which it finds by their addresses. */
static NTSTATUS AddNumbers(WDFIOTARGET target, WDFREQUEST request, ULONG_PTR *bytes) {
    WDF_MEMORY_DESCRIPTOR first, second, sum;
    ULONG one = 40, two = 2, *out;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, sizeof(*out), (PVOID *)&out, NULL);

    if (!NT_SUCCESS(status))
        return status;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&first, &one, sizeof(one));
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&second, &two, sizeof(two));
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&sum, out, sizeof(*out));
    status = WdfIoTargetSendInternalIoctlOthersSynchronously(
        target, NULL, IOCTL_RELAY_SEND_OTHERS, &first, &second, &sum, NULL, NULL);
    *bytes = sizeof(*out);
    return status;
}

static NTSTATUS WaitFor(WDFIOTARGET target) {
    WDF_REQUEST_SEND_OPTIONS options;

    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_MS(10);
    return WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_RELAY_WAIT, NULL, NULL, &options, NULL);
}

static NTSTATUS Name(WDFDEVICE device, WDFREQUEST request, ULONG_PTR *bytes) {
    UNICODE_STRING name;
    WDFSTRING string;
    PVOID out;
    NTSTATUS status = WdfStringCreate(NULL, WDF_NO_OBJECT_ATTRIBUTES, &string);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfDeviceRetrieveDeviceInterfaceString(device, &GUID_DEVINTERFACE_SAMPLE_RELAY, NULL, string);
    if (NT_SUCCESS(status)) {
        WdfStringGetUnicodeString(string, &name);
        status = WdfRequestRetrieveOutputBuffer(request, name.Length, &out, NULL);
    }
    if (NT_SUCCESS(status)) {
        RtlCopyMemory(out, name.Buffer, name.Length);
        *bytes = name.Length;
    }
    WdfObjectDelete(string);
    return status;
}

NTSTATUS Relay(WDFDEVICE device, WDFREQUEST request, ULONG code, ULONG_PTR *bytes) {
    RELAY *relay = RelayOf(device);
    ULONG *numbers;
    NTSTATUS status;

    switch (code) {
    case IOCTL_RELAY_SELF:
        return Reverse(GetSelfIoTarget(device), request, FALSE, bytes);
    case IOCTL_RELAY_LOCATION:
        return ReverseByLocation(GetSelfIoTarget(device), request, bytes);
    case IOCTL_RELAY_NAME:
        return Name(device, request, bytes);
    case IOCTL_RELAY_OPEN:
    case IOCTL_RELAY_OPEN_TOLD:
        return Open(relay->Remote, request, code == IOCTL_RELAY_OPEN_TOLD);
    case IOCTL_RELAY_SEND:
    case IOCTL_RELAY_SEND_INTERNAL:
        return Reverse(relay->Remote, request, code == IOCTL_RELAY_SEND_INTERNAL, bytes);
    case IOCTL_RELAY_SEND_OTHERS:
        return AddNumbers(relay->Remote, request, bytes);
    case IOCTL_RELAY_SEND_WAIT:
        return WaitFor(relay->Remote);
    case IOCTL_RELAY_RELATE:
        return WdfDeviceAddRemovalRelationsPhysicalDevice(
            device, WdfIoTargetWdmGetTargetPhysicalDevice(relay->Remote));
    case IOCTL_RELAY_CLOSE:
        WdfIoTargetClose(relay->Remote);
        return STATUS_SUCCESS;
    case IOCTL_RELAY_STATE:
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*numbers), (PVOID *)&numbers, NULL);
        if (!NT_SUCCESS(status))
            return status;
        *numbers = (ULONG)WdfIoTargetGetState(relay->Remote);
        *bytes = sizeof(*numbers);
        return STATUS_SUCCESS;
    case IOCTL_RELAY_ASSIGNED:
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(relay->Assigned), (PVOID *)&numbers, NULL);
        if (!NT_SUCCESS(status))
            return status;
        RtlCopyMemory(numbers, relay->Assigned, sizeof(relay->Assigned));
        *bytes = sizeof(relay->Assigned);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
