/* A bus without hardware: an app plugs things into its slots and out.
 *
 * PnP's root enumerates the bus. Its children are on the default child list; those that are soldered are
 * static. Each is a raw device: slot.c is its driver. */

#include <initguid.h>
#include "driver.h"

DRIVER_INITIALIZE DriverEntry;

#define TAG 'suBs'

/* --- Descriptions --- */

static NTSTATUS OnDuplicateId(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from,
    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to) {
    SLOT_ID *source = (SLOT_ID *)from, *copy = (SLOT_ID *)to;

    UNREFERENCED_PARAMETER(list);
    copy->Slot = source->Slot;
    copy->Name = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(ULONG), TAG);
    if (copy->Name == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *copy->Name = source->Slot;
    return STATUS_SUCCESS;
}

static BOOLEAN OnCompareIds(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER first,
    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER second) {
    if (BusOf(WdfChildListGetDevice(list))->Bug == LIST_IN_COMPARE)
        WdfChildListUpdateAllChildDescriptionsAsPresent(list);
    return ((SLOT_ID *)first)->Slot == ((SLOT_ID *)second)->Slot;
}

static VOID OnCleanUpId(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id) {
    SLOT_ID *slot = (SLOT_ID *)id;

    if (slot->Name != NULL && BusOf(WdfChildListGetDevice(list))->Bug != KEPT_NAME)
        ExFreePoolWithTag(slot->Name, TAG);
}

static BOOLEAN OnReenumerated(WDFCHILDLIST list, WDFDEVICE old, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER before,
    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER after) {
    UNREFERENCED_PARAMETER(list);
    UNREFERENCED_PARAMETER(before);
    DbgPrint("slot %u comes again\n", SlotOf(old)->Slot);
    ((SLOT_ADDRESS *)after)->Position += 100;
    return TRUE;
}

static VOID OnScan(WDFCHILDLIST list) {
    WdfChildListBeginScan(list);
    WdfChildListUpdateAllChildDescriptionsAsPresent(list);
    WdfChildListEndScan(list);
}

/* --- What an app asks --- */

static VOID Name(SLOT_ID *id, ULONG slot) {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id->Header, sizeof(*id));
    id->Slot = slot;
    id->Name = NULL;
}

static NTSTATUS Plug(WDFCHILDLIST list, ULONG slot, ULONG position) {
    SLOT_ID id;
    SLOT_ADDRESS address;

    Name(&id, slot);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof(address));
    address.Position = position;
    return WdfChildListAddOrUpdateChildDescriptionAsPresent(list, &id.Header, &address.Header);
}

static NTSTATUS Scan(WDFCHILDLIST list, const ULONG *slots, size_t count) {
    NTSTATUS status = STATUS_SUCCESS;
    size_t index;

    WdfChildListBeginScan(list);
    for (index = 0; index < count && NT_SUCCESS(status); index++)
        status = Plug(list, slots[index], 0);
    WdfChildListEndScan(list);
    return status;
}

/* How many children are in a state. */
static ULONG Count(WDFCHILDLIST list, ULONG flags) {
    WDF_CHILD_LIST_ITERATOR iterator;
    WDFDEVICE device;
    ULONG count = 0;

    WDF_CHILD_LIST_ITERATOR_INIT(&iterator, flags);
    WdfChildListBeginIteration(list, &iterator);
    while (NT_SUCCESS(WdfChildListRetrieveNextDevice(list, &iterator, &device, NULL)))
        count++;
    WdfChildListEndIteration(list, &iterator);
    return count;
}

static NTSTATUS Position(WDFCHILDLIST list, ULONG slot, ULONG *position) {
    SLOT_ID id;
    SLOT_ADDRESS address;
    NTSTATUS status;

    Name(&id, slot);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.Header, sizeof(address));
    status = WdfChildListRetrieveAddressDescription(list, &id.Header, &address.Header);
    *position = address.Position;
    return status;
}

static NTSTATUS Solder(WDFDEVICE bus, ULONG slot) {
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(bus);
    WDFDEVICE device;
    NTSTATUS status;

    if (init == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = CreateSlot(bus, init, slot, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = WdfFdoAddStaticChild(bus, device);
    if (!NT_SUCCESS(status))
        WdfObjectDelete(device);
    return status;
}

static VOID Unsolder(WDFDEVICE bus) {
    WDFDEVICE device = NULL;

    WdfFdoLockStaticChildListForIteration(bus);
    while ((device = WdfFdoRetrieveNextStaticChild(bus, device, WdfRetrieveAddedChildren)) != NULL)
        WdfPdoMarkMissing(device);
    WdfFdoUnlockStaticChildListFromIteration(bus);
}

VOID AnswerWith(WDFREQUEST request, NTSTATUS status, ULONG value) {
    PULONG output;

    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(ULONG), (PVOID *)&output, NULL);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    *output = value;
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, sizeof(ULONG));
}

static VOID OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code) {
    WDFDEVICE bus = WdfIoQueueGetDevice(queue);
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(bus);
    PULONG input = NULL, output;
    ULONG position;
    SLOT_ID id;
    NTSTATUS status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(output_length);
    if (code != IOCTL_BUS_COUNT && code != IOCTL_BUS_UNSOLDER && (code != IOCTL_BUS_SCAN || input_length != 0))
        status = WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&input, NULL);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    switch (code) {
    case IOCTL_BUS_PLUG:
        status = input_length == 2 * sizeof(ULONG) ? Plug(list, input[0], input[1]) : STATUS_INVALID_PARAMETER;
        break;
    case IOCTL_BUS_UNPLUG:
        Name(&id, input[0]);
        status = WdfChildListUpdateChildDescriptionAsMissing(list, &id.Header);
        break;
    case IOCTL_BUS_EJECT:
        Name(&id, input[0]);
        status = WdfChildListRequestChildEject(list, &id.Header) ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
        break;
    case IOCTL_BUS_SCAN:
        status = Scan(list, input, input_length / sizeof(ULONG));
        break;
    case IOCTL_BUS_SOLDER:
        status = Solder(bus, input[0]);
        break;
    case IOCTL_BUS_UNSOLDER:
        Unsolder(bus);
        break;
    case IOCTL_BUS_POSITION:
        status = Position(list, input[0], &position);
        AnswerWith(request, status, position);
        return;
    case IOCTL_BUS_COUNT:
        status = WdfRequestRetrieveOutputBuffer(request, 3 * sizeof(ULONG), (PVOID *)&output, NULL);
        if (NT_SUCCESS(status)) {
            output[0] = Count(list, WdfRetrievePresentChildren);
            output[1] = Count(list, WdfRetrieveMissingChildren);
            output[2] = Count(list, WdfRetrievePendingChildren);
            WdfRequestCompleteWithInformation(request, status, 3 * sizeof(ULONG));
            return;
        }
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
    }
    WdfRequestComplete(request, status);
}

/* What a child has forwarded, with its number. */
static VOID OnForwarded(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code) {
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(WdfIoQueueGetDevice(queue));
    PULONG slot;
    ULONG position = 0;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(output_length);
    UNREFERENCED_PARAMETER(input_length);
    UNREFERENCED_PARAMETER(code);
    status = WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&slot, NULL);
    if (NT_SUCCESS(status))
        status = Position(list, *slot, &position);
    AnswerWith(request, status, position);
}

/* --- The device --- */

static ULONG Parameter(WDFDRIVER driver) {
    DECLARE_CONST_UNICODE_STRING(name, L"Bug");
    ULONG value = 0;
    WDFKEY key;

    if (NT_SUCCESS(WdfDriverOpenParametersRegistryKey(driver, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key))) {
        (void)WdfRegistryQueryULong(key, &name, &value);
        WdfRegistryClose(key);
    }
    return value;
}

static NTSTATUS CreateQueues(WDFDEVICE bus) {
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(bus, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = OnForwarded;
    return WdfIoQueueCreate(bus, &config, WDF_NO_OBJECT_ATTRIBUTES, &BusOf(bus)->Forwarded);
}

static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_CHILD_LIST_CONFIG list;
    WDF_OBJECT_ATTRIBUTES attributes;
    PNP_BUS_INFORMATION information = {GUID_SAMPLE_CLASS, PNPBus, 7};
    WDFDEVICE bus;
    NTSTATUS status;

    WDF_CHILD_LIST_CONFIG_INIT(&list, sizeof(SLOT_ID), OnCreateChild);
    list.AddressDescriptionSize = sizeof(SLOT_ADDRESS);
    list.EvtChildListIdentificationDescriptionDuplicate = OnDuplicateId;
    list.EvtChildListIdentificationDescriptionCompare = OnCompareIds;
    list.EvtChildListIdentificationDescriptionCleanup = OnCleanUpId;
    list.EvtChildListDeviceReenumerated = OnReenumerated;
    list.EvtChildListScanForChildren = OnScan;
    WdfFdoInitSetDefaultChildListConfig(init, &list, WDF_NO_OBJECT_ATTRIBUTES);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, BUS);
    status = WdfDeviceCreate(&init, &attributes, &bus);
    if (!NT_SUCCESS(status))
        return status;
    BusOf(bus)->Bug = Parameter(driver);
    WdfDeviceSetBusInformationForChildren(bus, &information);
    status = CreateQueues(bus);
    if (!NT_SUCCESS(status))
        return status;
    return WdfDeviceCreateDeviceInterface(bus, &GUID_SAMPLE_BUS, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
