/* Asks the framework what it does, and says where that is not what the documentation says: a device
 * without hardware whose control requests run one probe, or all of them. What holds in kmdf-host is meant
 * to hold on Windows: nothing here knows where it runs.
 *
 * The probes are in the files beside this one, a file for each group; probe.h lists them. */

#include <ntddk.h>
#include <initguid.h>
#include "group.h"

#define DECLARE(name, list) extern const PROBE_ENTRY Group_##name[];
GROUPS(DECLARE)

typedef struct {
    const char *Name;
    const PROBE_ENTRY *Probes;
} PROBE_GROUP;

#define NAMED(name, list) {#name, Group_##name},
static const PROBE_GROUP Groups[] = {GROUPS(NAMED)};

/* The one that fails, to see that it shows. */
PROBE(this_does_not_hold) {
    HOLDS(device == NULL);
    return 0;
}

/* Runs one probe and counts it; what does not hold is printed. */
static void Count(PROBE_COUNTS *counts, const char *group, const PROBE_ENTRY *probe, WDFDEVICE device,
    WDFREQUEST request) {
    ULONG line = probe->Run(device, request);

    if (line == PROBE_NOT_RUN) {
        counts->NotRun++;
        return;
    }
    counts->Run++;
    if (line == 0)
        counts->Held++;
    else
        DbgPrint("probe: %s.c:%u: %s does not hold\n", group, line, probe->Name);
}

/* Runs all probes, and says so: its last line is all that a serial port has to carry. */
static PROBE_COUNTS RunAll(WDFDEVICE device, WDFREQUEST request, BOOLEAN andOneThatFails) {
    static const PROBE_ENTRY fails = {"this_does_not_hold", this_does_not_hold};
    PROBE_COUNTS counts = {0, 0, 0};
    const PROBE_ENTRY *probe;
    ULONG group;

    for (group = 0; group < RTL_NUMBER_OF(Groups); group++) {
        DbgPrint("probe: %s\n", Groups[group].Name);
        for (probe = Groups[group].Probes; probe->Run != NULL; probe++)
            Count(&counts, Groups[group].Name, probe, device, request);
    }
    if (andOneThatFails)
        Count(&counts, "probe", &fails, device, request);
    if (counts.NotRun == 0)
        DbgPrint("probe: %u of %u hold\n", counts.Held, counts.Run);
    else
        DbgPrint("probe: %u of %u hold, %u not run\n", counts.Held, counts.Run, counts.NotRun);
    return counts;
}

/* Whether a text of a length is that name. */
static BOOLEAN IsName(const char *name, const char *text, size_t length) {
    size_t at;

    for (at = 0; at < length; at++)
        if (name[at] == '\0' || name[at] != text[at])
            return FALSE;
    return name[length] == '\0';
}

/* The probe of a name, or NULL. */
static const PROBE_ENTRY *Find(const char *name, size_t length) {
    const PROBE_ENTRY *probe;
    ULONG group;

    for (group = 0; group < RTL_NUMBER_OF(Groups); group++)
        for (probe = Groups[group].Probes; probe->Run != NULL; probe++)
            if (IsName(probe->Name, name, length))
                return probe;
    return NULL;
}

/* IOCTL_PROBE */
static NTSTATUS ProbeOne(WDFDEVICE device, WDFREQUEST request) {
    const PROBE_ENTRY *probe;
    const char *name;
    ULONG *line;
    size_t length;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, 1, (PVOID *)&name, &length);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfRequestRetrieveOutputBuffer(request, sizeof(*line), (PVOID *)&line, NULL);
    if (!NT_SUCCESS(status))
        return status;
    probe = Find(name, length);
    if (probe == NULL)
        return STATUS_NOT_FOUND;
    *line = probe->Run(device, request);
    WdfRequestSetInformation(request, sizeof(*line));
    return STATUS_SUCCESS;
}

/* IOCTL_PROBE_ALL */
static NTSTATUS ProbeAll(WDFDEVICE device, WDFREQUEST request) {
    PROBE_COUNTS *counts;
    ULONG *input;
    BOOLEAN andOneThatFails = NT_SUCCESS(
        WdfRequestRetrieveInputBuffer(request, sizeof(*input), (PVOID *)&input, NULL))
        && *input == PROBE_AND_ONE_THAT_FAILS;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, sizeof(*counts), (PVOID *)&counts, NULL);

    if (!NT_SUCCESS(status))
        return status;
    *counts = RunAll(device, request, andOneThatFails);
    WdfRequestSetInformation(request, sizeof(*counts));
    return STATUS_SUCCESS;
}

static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnControl;
static void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    WDFDEVICE device = WdfIoQueueGetDevice(queue);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    if (code == IOCTL_PROBE)
        status = ProbeOne(device, request);
    else if (code == IOCTL_PROBE_ALL)
        status = ProbeAll(device, request);
    WdfRequestComplete(request, status);
}

/* Whether the device's hardware key asks for all probes. */
static BOOLEAN IsToProbeAtStart(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(name, PROBE_AT_START);
    ULONG value = 0;
    WDFKEY key;

    if (!NT_SUCCESS(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key)))
        return FALSE;
    if (!NT_SUCCESS(WdfRegistryQueryULong(key, &name, &value)))
        value = 0;
    WdfRegistryClose(key);
    return value != 0;
}

/* Runs all probes when the device has started, which it has not while its callbacks are called. */
static EVT_WDF_WORKITEM OnStart;
static void OnStart(WDFWORKITEM item) {
    const ULONG started = 0x119; /* WdfDevStatePnpStarted */
    WDFDEVICE device = (WDFDEVICE)WdfWorkItemGetParentObject(item);
    LARGE_INTEGER interval;
    ULONG tries;

    interval.QuadPart = WDF_REL_TIMEOUT_IN_MS(10);
    for (tries = 0; (ULONG)WdfDeviceGetDevicePnpState(device) != started; tries++) {
        if (tries == 1000)
            return;
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    RunAll(device, NULL, FALSE);
}

static EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT OnSelfManagedIoInit;
static NTSTATUS OnSelfManagedIoInit(WDFDEVICE device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;
    NTSTATUS status;

    NoteSelfManagedIoInit(device);
    if (!IsToProbeAtStart(device))
        return STATUS_SUCCESS;
    WDF_WORKITEM_CONFIG_INIT(&config, OnStart);
    config.AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfWorkItemCreate(&config, &attributes, &item);
    if (NT_SUCCESS(status))
        WdfWorkItemEnqueue(item);
    return status;
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnCleanup;
static void OnCleanup(WDFOBJECT device) {
    DeleteControlDevice();
}

static EVT_WDF_DRIVER_DEVICE_ADD OnDeviceAdd;
static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    PDEVICE_OBJECT physical = WdfFdoInitWdmGetPhysicalDevice(init);
    WDFDEVICE device;
    NTSTATUS status;

    NoteDeviceInit(init);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    SetPowerCallbacks(&power);
    power.EvtDeviceSelfManagedIoInit = OnSelfManagedIoInit;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &power);
    SetResourceCallbacks(init);
    ConfigureFiles(init);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = OnCleanup;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    attributes.SynchronizationScope = WdfSynchronizationScopeNone;
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    if (WdfDeviceWdmGetPhysicalDevice(device) != physical)
        return STATUS_INTERNAL_ERROR;
    NoteDeviceAdd(device);
    status = CreateInterrupts(device);
    if (!NT_SUCCESS(status))
        return status;
    NoteAddedDevice(device);
    NoteInterfaces(device);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(device, &config, NULL, NULL);
    if (!NT_SUCCESS(status))
        return status;
    return WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_PROBE, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    return WdfDriverCreate(driver, path, NULL, &config, NULL);
}
