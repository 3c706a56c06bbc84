/* What is in a slot of the bus: a raw device. */

#include <initguid.h>
#include "driver.h"

static NTSTATUS OnPrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    UNREFERENCED_PARAMETER(raw);
    DbgPrint("slot %u prepares, %u resources\n", SlotOf(device)->Slot, WdfCmResourceListGetCount(translated));
    return STATUS_SUCCESS;
}

static NTSTATUS OnReleaseHardware(WDFDEVICE device, WDFCMRESLIST translated) {
    UNREFERENCED_PARAMETER(translated);
    DbgPrint("slot %u releases\n", SlotOf(device)->Slot);
    return STATUS_SUCCESS;
}

static NTSTATUS OnD0Entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE from) {
    BUS *bus = BusOf(WdfPdoGetParent(device));

    UNREFERENCED_PARAMETER(from);
    DbgPrint("slot %u enters D0\n", SlotOf(device)->Slot);
    if (bus->Bug == FAIL_D0_ENTRY && bus->Failed++ == 1)
        return STATUS_UNSUCCESSFUL;
    return STATUS_SUCCESS;
}

static NTSTATUS OnD0Exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE to) {
    UNREFERENCED_PARAMETER(to);
    DbgPrint("slot %u leaves D0\n", SlotOf(device)->Slot);
    return STATUS_SUCCESS;
}

static VOID OnSurpriseRemoval(WDFDEVICE device) {
    DbgPrint("slot %u is surprised\n", SlotOf(device)->Slot);
}

static NTSTATUS OnQueryRemove(WDFDEVICE device) {
    return BusOf(WdfPdoGetParent(device))->Bug == QUERY_REFUSED ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS OnEject(WDFDEVICE device) {
    DbgPrint("slot %u lets go\n", SlotOf(device)->Slot);
    return STATUS_SUCCESS;
}

static VOID OnReportedMissing(WDFDEVICE device) {
    DbgPrint("slot %u is reported missing\n", SlotOf(device)->Slot);
}

static VOID OnCleanUp(WDFOBJECT device) {
    DbgPrint("slot %u is cleaned up\n", SlotOf(device)->Slot);
}

static ULONG Position(WDFDEVICE device, NTSTATUS *status) {
    SLOT_ADDRESS address;

    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof(address));
    address.Position = 0;
    *status = WdfPdoRetrieveAddressDescription(device, &address.Header);
    return address.Position;
}

static VOID OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code) {
    WDFDEVICE device = WdfIoQueueGetDevice(queue);
    WDF_REQUEST_FORWARD_OPTIONS options;
    ULONG position;
    PULONG input;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(output_length);
    UNREFERENCED_PARAMETER(input_length);
    switch (code) {
    case IOCTL_SLOT_NUMBER:
        AnswerWith(request, STATUS_SUCCESS, SlotOf(device)->Slot);
        return;
    case IOCTL_SLOT_POSITION:
        position = Position(device, &status);
        AnswerWith(request, status, position);
        return;
    case IOCTL_SLOT_ASK_BUS:
        WDF_REQUEST_FORWARD_OPTIONS_INIT(&options);
        status = WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&input, NULL);
        if (!NT_SUCCESS(status))
            break;
        *input = SlotOf(device)->Slot;
        status = WdfRequestForwardToParentDeviceIoQueue(request, BusOf(WdfPdoGetParent(device))->Forwarded, &options);
        if (NT_SUCCESS(status))
            return;
        break;
    case IOCTL_SLOT_FAIL:
        WdfDeviceSetFailed(device, WdfDeviceFailedAttemptRestart);
        status = STATUS_SUCCESS;
        break;
    case IOCTL_SLOT_MISSING:
        status = WdfPdoMarkMissing(device);
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestComplete(request, status);
}

static VOID OnStop(WDFQUEUE queue, WDFREQUEST request, ULONG flags) {
    UNREFERENCED_PARAMETER(queue);
    UNREFERENCED_PARAMETER(flags);
    WdfRequestStopAcknowledge(request, FALSE);
}

static NTSTATUS CreateQueues(WDFDEVICE device) {
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = OnControl;
    config.EvtIoStop = OnStop;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &SlotOf(device)->Reads);
    if (!NT_SUCCESS(status))
        return status;
    return WdfDeviceConfigureRequestDispatching(device, SlotOf(device)->Reads, WdfRequestTypeRead);
}

/* What PnP asks for: IDs and texts. */
static NTSTATUS Identify(PWDFDEVICE_INIT init, ULONG slot) {
    DECLARE_CONST_UNICODE_STRING(id, L"SAMPLE_BUS\\Slot");
    DECLARE_CONST_UNICODE_STRING(location, L"Sample bus");
    DECLARE_UNICODE_STRING_SIZE(number, 16);
    NTSTATUS status;

    status = RtlUnicodeStringPrintf(&number, L"%02u", slot);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAssignDeviceID(init, &id);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAssignInstanceID(init, &number);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAddHardwareID(init, &id);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAddDeviceText(init, &id, &location, 0x409);
    WdfPdoInitSetDefaultLocale(init, 0x409);
    return status;
}

NTSTATUS CreateSlot(WDFDEVICE bus, PWDFDEVICE_INIT init, ULONG slot, WDFDEVICE *device) {
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_PDO_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DEVICE_PNP_CAPABILITIES capabilities;
    DECLARE_CONST_UNICODE_STRING(everyone, L"D:P(A;;GA;;;WD)");
    NTSTATUS status;

    status = Identify(init, BusOf(bus)->Bug == SAME_IDS ? 0 : slot);
    if (NT_SUCCESS(status))
        status = WdfPdoInitAssignRawDevice(init, &GUID_SAMPLE_CLASS);
    if (NT_SUCCESS(status))
        status = WdfDeviceInitAssignSDDLString(init, &everyone);
    if (!NT_SUCCESS(status)) {
        WdfDeviceInitFree(init);
        return status;
    }
    if (BusOf(bus)->Bug != FORWARD_WITHOUT_LEAVE)
        WdfPdoInitAllowForwardingRequestToParent(init);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDevicePrepareHardware = OnPrepareHardware;
    power.EvtDeviceReleaseHardware = OnReleaseHardware;
    power.EvtDeviceD0Entry = OnD0Entry;
    power.EvtDeviceD0Exit = OnD0Exit;
    power.EvtDeviceSurpriseRemoval = OnSurpriseRemoval;
    power.EvtDeviceQueryRemove = OnQueryRemove;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &power);
    WDF_PDO_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceEject = OnEject;
    callbacks.EvtDeviceReportedMissing = OnReportedMissing;
    WdfPdoInitSetEventCallbacks(init, &callbacks);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SLOT);
    attributes.EvtCleanupCallback = OnCleanUp;
    status = WdfDeviceCreate(&init, &attributes, device);
    if (!NT_SUCCESS(status)) {
        WdfDeviceInitFree(init);
        return status;
    }
    SlotOf(*device)->Slot = slot;
    status = CreateQueues(*device);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(*device, &GUID_SAMPLE_SLOT, NULL);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&capabilities);
    capabilities.EjectSupported = WdfTrue;
    capabilities.Removable = WdfTrue;
    capabilities.SurpriseRemovalOK = WdfTrue;
    WdfDeviceSetPnpCapabilities(*device, &capabilities);
    return status;
}

NTSTATUS OnCreateChild(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id, PWDFDEVICE_INIT init) {
    WDFDEVICE device, parent = WdfChildListGetDevice(list);
    BUS *bus = BusOf(parent);
    NTSTATUS status;

    if (bus->Bug == NO_DEVICE)
        return STATUS_SUCCESS;
    status = CreateSlot(parent, init, ((SLOT_ID *)id)->Slot, &device);
    if (bus->Bug == FAIL_CREATION)
        return STATUS_UNSUCCESSFUL;
    if (bus->Bug == RETRY_CREATION && bus->Failed++ == 0)
        return STATUS_RETRY;
    return status;
}
