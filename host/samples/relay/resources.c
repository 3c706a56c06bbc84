/* Asks for fewer messages than the device can send, and for a resource of the driver's own. */

#include "driver.h"

/* EVT_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS, for EvtDeviceFilterRemoveResourceRequirements */
static NTSTATUS RemoveRequirements(WDFDEVICE device, WDFIORESREQLIST requirements) {
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(requirements, 0);
    ULONG index, messages = 0;

    UNREFERENCED_PARAMETER(device);
    if (list == NULL)
        return STATUS_SUCCESS;
    for (index = 0; index < WdfIoResourceListGetCount(list);) {
        PIO_RESOURCE_DESCRIPTOR one = WdfIoResourceListGetDescriptor(list, index);

        /* With MSI-X each message has a descriptor; what is an alternative stays. */
        if (one->Type == CmResourceTypeInterrupt && (one->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)
            && !(one->Option & IO_RESOURCE_ALTERNATIVE) && ++messages > RELAY_MESSAGES)
            WdfIoResourceListRemove(list, index);
        else
            index++;
    }
    return STATUS_SUCCESS;
}

/* The same, for EvtDeviceFilterAddResourceRequirements */
static NTSTATUS AddRequirements(WDFDEVICE device, WDFIORESREQLIST requirements) {
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(requirements, 0);
    IO_RESOURCE_DESCRIPTOR own;

    UNREFERENCED_PARAMETER(device);
    if (list == NULL)
        return STATUS_SUCCESS;
    RtlZeroMemory(&own, sizeof(own));
    own.Type = CmResourceTypeDevicePrivate;
    own.ShareDisposition = CmResourceShareDeviceExclusive;
    own.u.DevicePrivate.Data[0] = RELAY_PRIVATE;
    return WdfIoResourceListAppendDescriptor(list, &own);
}

/* Removes what AddRequirements has added: the bus driver does not know it. */
static void RemoveOwn(WDFCMRESLIST list) {
    ULONG index;

    for (index = WdfCmResourceListGetCount(list); index > 0; index--)
        if (WdfCmResourceListGetDescriptor(list, index - 1)->Type == CmResourceTypeDevicePrivate)
            WdfCmResourceListRemove(list, index - 1);
}

/* EVT_WDF_DEVICE_REMOVE_ADDED_RESOURCES */
static NTSTATUS RemoveAdded(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    UNREFERENCED_PARAMETER(device);
    RemoveOwn(raw);
    RemoveOwn(translated);
    return STATUS_SUCCESS;
}

void FilterResources(PWDFDEVICE_INIT init) {
    WDF_FDO_EVENT_CALLBACKS callbacks;

    WDF_FDO_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceFilterRemoveResourceRequirements = RemoveRequirements;
    callbacks.EvtDeviceFilterAddResourceRequirements = AddRequirements;
    callbacks.EvtDeviceRemoveAddedResources = RemoveAdded;
    WdfFdoInitSetEventCallbacks(init, &callbacks);
}

NTSTATUS PrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    RELAY *relay = RelayOf(device);
    ULONG index;

    UNREFERENCED_PARAMETER(raw);
    relay->Translated = translated;
    relay->Assigned[0] = relay->Assigned[1] = 0;
    for (index = 0; index < WdfCmResourceListGetCount(translated); index++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR one = WdfCmResourceListGetDescriptor(translated, index);

        if (one->Type == CmResourceTypeInterrupt && (one->Flags & CM_RESOURCE_INTERRUPT_MESSAGE))
            relay->Assigned[0]++;
        if (one->Type == CmResourceTypeDevicePrivate)
            relay->Assigned[1] = one->u.DevicePrivate.Data[0];
    }
    return STATUS_SUCCESS;
}
