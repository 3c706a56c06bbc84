/* A driver whose devices send what they are asked for to others: to themselves, and to each other. It says what the
 * framework's machines do, and takes a part in what PnP assigns. */

#include "driver.h"

/* IOCTL_RELAY_REVERSE */
static NTSTATUS Reverse(WDFREQUEST request, ULONG_PTR *bytes) {
    size_t length, index;
    UCHAR *from, *to, byte;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, 1, (PVOID *)&from, &length);

    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, length, (PVOID *)&to, NULL);
    if (!NT_SUCCESS(status))
        return status;
    /* Both are the same buffer. */
    for (index = 0; index < length / 2; index++) {
        byte = from[index];
        to[index] = from[length - 1 - index];
        to[length - 1 - index] = byte;
    }
    *bytes = length;
    return STATUS_SUCCESS;
}

/* IOCTL_RELAY_SEND_OTHERS, as a target gets it. */
static NTSTATUS Add(WDFREQUEST request) {
    WDF_REQUEST_PARAMETERS params;

    WDF_REQUEST_PARAMETERS_INIT(&params);
    WdfRequestGetParameters(request, &params);
    if (params.Type != WdfRequestTypeDeviceControlInternal || WdfRequestGetRequestorMode(request) != KernelMode)
        return STATUS_INVALID_PARAMETER;
    *(ULONG *)params.Parameters.Others.Arg4 =
        *(ULONG *)params.Parameters.Others.Arg1 + *(ULONG *)params.Parameters.Others.Arg2;
    return STATUS_SUCCESS;
}

/* EVT_WDF_REQUEST_CANCEL */
static void OnCancel(WDFREQUEST request) {
    WdfRequestComplete(request, STATUS_CANCELLED);
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL */
static void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    WDFDEVICE device = WdfIoQueueGetDevice(queue);
    ULONG_PTR bytes = 0;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    if (code == IOCTL_RELAY_WAIT) {
        status = WdfRequestMarkCancelableEx(request, OnCancel);
        if (!NT_SUCCESS(status))
            WdfRequestComplete(request, status);
        return;
    }
    if (code == IOCTL_RELAY_REVERSE)
        status = Reverse(request, &bytes);
    else if (code == IOCTL_RELAY_BREAK)
        status = Break(device, request);
    else
        status = Relay(device, request, code, &bytes);
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? bytes : 0);
}

/* EVT_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL */
static void OnInternalControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    ULONG_PTR bytes = 0;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    UNREFERENCED_PARAMETER(queue);
    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    if (code == IOCTL_RELAY_REVERSE)
        status = Reverse(request, &bytes);
    else if (code == IOCTL_RELAY_SEND_OTHERS)
        status = Add(request);
    WdfRequestCompleteWithInformation(request, status, bytes);
}

/* EVT_WDF_IO_QUEUE_IO_READ, for what goes to the default queue. */
static void OnRead(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    PVOID bytes;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, length, &bytes, NULL);

    UNREFERENCED_PARAMETER(queue);
    if (NT_SUCCESS(status))
        RtlFillMemory(bytes, length, 'd');
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

/* The queue of what the device sends to itself. */
static NTSTATUS CreateOwnQueue(WDFDEVICE device) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &queue);
    if (!NT_SUCCESS(status))
        return status;
    return AssignSelfQueue(GetSelfIoTarget(device), queue);
}

static NTSTATUS CreateQueues(WDFDEVICE device) {
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = OnControl;
    config.EvtIoInternalDeviceControl = OnInternalControl;
    config.EvtIoRead = OnRead;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(status))
        status = ChooseQueues(device);
    if (NT_SUCCESS(status))
        status = CreateOwnQueue(device);
    return status;
}

/* EVT_WDF_DRIVER_DEVICE_ADD */
static NTSTATUS DeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = PrepareHardware;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    AllowSelfIoTarget(init);
    FilterResources(init);
    status = WatchStates(init);
    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, RELAY);
    /* Sending waits. */
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (NT_SUCCESS(status))
        status = WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &RelayOf(device)->Remote);
    if (NT_SUCCESS(status))
        status = CreateQueues(device);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_RELAY, NULL);
    return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, DeviceAdd);
    return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
