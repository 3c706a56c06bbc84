/* Probes of resource requirements and resource lists: what the filters of the device have found when PnP has asked
 * for its requirements. */

#include "group.h"

/* The line at which something did not hold, of each probe. */
static ULONG Listed = PROBE_NOT_RUN, Inserted = PROBE_NOT_RUN, Owned = PROBE_NOT_RUN, Described = PROBE_NOT_RUN,
             Placed = PROBE_NOT_RUN, Assigned = PROBE_NOT_RUN;
/* How often each filter was called. */
static ULONG Filtered[2];

/* A descriptor of the driver's own. */
static IO_RESOURCE_DESCRIPTOR Private(ULONG number) {
    IO_RESOURCE_DESCRIPTOR one;

    RtlZeroMemory(&one, sizeof(one));
    one.Type = CmResourceTypeDevicePrivate;
    one.ShareDisposition = CmResourceShareDeviceExclusive;
    one.u.DevicePrivate.Data[0] = number;
    return one;
}

static ULONG Lists(WDFIORESREQLIST requirements) {
    ULONG before = WdfIoResourceRequirementsListGetCount(requirements);
    WDFIORESLIST first, second;

    WdfIoResourceRequirementsListSetSlotNumber(requirements, 3);
    WdfIoResourceRequirementsListSetInterfaceType(requirements, PCIBus);
    HOLDS(WdfIoResourceRequirementsListGetIoResList(requirements, before) == NULL);
    SUCCEEDS(WdfIoResourceListCreate(requirements, WDF_NO_OBJECT_ATTRIBUTES, &first));
    HOLDS(WdfIoResourceRequirementsListGetCount(requirements) == before);
    SUCCEEDS(WdfIoResourceRequirementsListAppendIoResList(requirements, first));
    HOLDS(WdfIoResourceRequirementsListGetCount(requirements) == before + 1);
    HOLDS(WdfIoResourceRequirementsListGetIoResList(requirements, before) == first);
    SUCCEEDS(WdfIoResourceListCreate(requirements, WDF_NO_OBJECT_ATTRIBUTES, &second));
    SUCCEEDS(WdfIoResourceRequirementsListInsertIoResList(requirements, second, 0));
    HOLDS(WdfIoResourceRequirementsListGetIoResList(requirements, 0) == second);
    HOLDS(WdfIoResourceRequirementsListGetIoResList(requirements, before + 1) == first);
    WdfIoResourceRequirementsListRemove(requirements, 0);
    WdfIoResourceRequirementsListRemoveByIoResList(requirements, first);
    HOLDS(WdfIoResourceRequirementsListGetCount(requirements) == before);
    return 0;
}

static ULONG Insertion(WDFIORESREQLIST requirements) {
    ULONG before = WdfIoResourceRequirementsListGetCount(requirements);
    WDFIORESLIST list;

    SUCCEEDS(WdfIoResourceListCreate(requirements, WDF_NO_OBJECT_ATTRIBUTES, &list));
    /* One that does not get there is deleted. */
    HOLDS(WdfIoResourceRequirementsListInsertIoResList(requirements, list, before + 1)
        == STATUS_ARRAY_BOUNDS_EXCEEDED);
    HOLDS(WdfIoResourceRequirementsListGetCount(requirements) == before);
    return 0;
}

static ULONG Ownership(WDFDEVICE device, WDFIORESREQLIST requirements) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFIORESLIST list = (WDFIORESLIST)device;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    HOLDS(WdfIoResourceListCreate(requirements, &attributes, &list) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    HOLDS(list == NULL);
    return 0;
}

static ULONG Descriptors(WDFIORESREQLIST requirements) {
    IO_RESOURCE_DESCRIPTOR one = Private(1), two = Private(2), three = Private(3);
    PIO_RESOURCE_DESCRIPTOR seen;
    WDFIORESLIST list;

    SUCCEEDS(WdfIoResourceListCreate(requirements, WDF_NO_OBJECT_ATTRIBUTES, &list));
    SUCCEEDS(WdfIoResourceListAppendDescriptor(list, &two));
    SUCCEEDS(WdfIoResourceListInsertDescriptor(list, &one, 0));
    HOLDS(WdfIoResourceListInsertDescriptor(list, &three, 3) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    SUCCEEDS(WdfIoResourceListInsertDescriptor(list, &three, 2));
    HOLDS(WdfIoResourceListGetCount(list) == 3 && WdfIoResourceListGetDescriptor(list, 3) == NULL);
    seen = WdfIoResourceListGetDescriptor(list, 0);
    HOLDS(seen != &one && seen->u.DevicePrivate.Data[0] == 1);
    /* What the driver sees is a copy: only an update changes the list. */
    seen->u.DevicePrivate.Data[0] = 7;
    seen = WdfIoResourceListGetDescriptor(list, 0);
    HOLDS(seen->u.DevicePrivate.Data[0] == 1);
    one.u.DevicePrivate.Data[0] = 8;
    WdfIoResourceListUpdateDescriptor(list, &one, 0);
    seen = WdfIoResourceListGetDescriptor(list, 0);
    HOLDS(seen->u.DevicePrivate.Data[0] == 8);
    WdfIoResourceListRemove(list, 0);
    WdfIoResourceListRemoveByDescriptor(list, &three);
    WdfIoResourceListRemoveByDescriptor(list, &three);
    HOLDS(WdfIoResourceListGetCount(list) == 1);
    seen = WdfIoResourceListGetDescriptor(list, 0);
    HOLDS(seen->u.DevicePrivate.Data[0] == 2);
    return 0;
}

/* Asks for one descriptor of the driver's own, in the list that PnP takes. */
static ULONG Ask(WDFIORESREQLIST requirements) {
    IO_RESOURCE_DESCRIPTOR one = Private(5);
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(requirements, 0);

    if (list == NULL) {
        SUCCEEDS(WdfIoResourceListCreate(requirements, WDF_NO_OBJECT_ATTRIBUTES, &list));
        SUCCEEDS(WdfIoResourceRequirementsListAppendIoResList(requirements, list));
    }
    SUCCEEDS(WdfIoResourceListAppendDescriptor(list, &one));
    return 0;
}

static EVT_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS OnFilterRemove;
static NTSTATUS OnFilterRemove(WDFDEVICE device, WDFIORESREQLIST requirements) {
    Filtered[0] = Filtered[1] == 0;
    Listed = Lists(requirements);
    Inserted = Insertion(requirements);
    Owned = Ownership(device, requirements);
    Described = Descriptors(requirements);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS OnFilterAdd;
static NTSTATUS OnFilterAdd(WDFDEVICE device, WDFIORESREQLIST requirements) {
    UNREFERENCED_PARAMETER(device);
    Filtered[1]++;
    Placed = Ask(requirements);
    return STATUS_SUCCESS;
}

/* The list changes while it is filtered, and is whole again when the hardware is prepared. */
static ULONG Added(WDFCMRESLIST list) {
    ULONG count = WdfCmResourceListGetCount(list);
    CM_PARTIAL_RESOURCE_DESCRIPTOR added, other;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR seen = count == 0 ? NULL : WdfCmResourceListGetDescriptor(list, count - 1);

    HOLDS(seen != NULL && seen->Type == CmResourceTypeDevicePrivate);
    HOLDS(seen->u.DevicePrivate.Data[0] == 5);
    added = *seen;
    other = added;
    other.u.DevicePrivate.Data[0] = 6;
    SUCCEEDS(WdfCmResourceListAppendDescriptor(list, &other));
    SUCCEEDS(WdfCmResourceListInsertDescriptor(list, &other, 0));
    HOLDS(WdfCmResourceListInsertDescriptor(list, &other, count + 3) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    HOLDS(WdfCmResourceListGetCount(list) == count + 2);
    WdfCmResourceListRemove(list, 0);
    WdfCmResourceListRemoveByDescriptor(list, &added);
    WdfCmResourceListRemoveByDescriptor(list, &other);
    WdfCmResourceListRemoveByDescriptor(list, &other);
    HOLDS(WdfCmResourceListGetCount(list) == count - 1);
    return 0;
}

static EVT_WDF_DEVICE_REMOVE_ADDED_RESOURCES OnRemoveAdded;
static NTSTATUS OnRemoveAdded(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    ULONG line = Added(raw);

    UNREFERENCED_PARAMETER(device);
    Assigned = line != 0 ? line : Added(translated);
    return STATUS_SUCCESS;
}

void SetResourceCallbacks(PWDFDEVICE_INIT init) {
    WDF_FDO_EVENT_CALLBACKS callbacks;

    WDF_FDO_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceFilterRemoveResourceRequirements = OnFilterRemove;
    callbacks.EvtDeviceFilterAddResourceRequirements = OnFilterAdd;
    callbacks.EvtDeviceRemoveAddedResources = OnRemoveAdded;
    WdfFdoInitSetEventCallbacks(init, &callbacks);
}

PROBE(requirements_are_filtered_once_before_the_start) {
    HOLDS(Filtered[0] == 1 && Filtered[1] == 1);
    return 0;
}

PROBE(requirements_are_lists_in_an_order) {
    return Listed;
}

PROBE(a_list_that_does_not_get_among_the_requirements_is_deleted) {
    return Inserted;
}

PROBE(the_parent_of_a_resource_list_is_its_requirements) {
    return Owned;
}

PROBE(a_resource_list_gives_out_copies_of_its_descriptors) {
    return Described;
}

PROBE(what_a_driver_adds_to_the_requirements_is_assigned) {
    HOLDS(Placed == 0);
    return Assigned;
}

GROUP(resources, PROBES_RESOURCES)
