/* Entry, device, resources, power. */
#include <initguid.h>
#include "teeth.h"

/* {5d1f7a34-3e0c-4c5e-9d2b-7e0e5b6a1c42} */
DEFINE_GUID(GUID_TEETH, 0x5d1f7a34, 0x3e0c, 0x4c5e, 0x9d, 0x2b, 0x7e, 0x0e, 0x5b, 0x6a, 0x1c, 0x42);

/* Which defect: its place in bugs.h, counted from 1. */
static ULONG Bug;

static const struct {
    WHEN When;
    DEFECT *Act;
} Defects[] = {
#define BUG(name, when) {when, name},
#include "bugs.h"
#undef BUG
};

static BOOLEAN Acts(WHEN when) {
    return Bug != 0 && Bug <= RTL_NUMBER_OF(Defects) && Defects[Bug - 1].When == when;
}

BOOLEAN At(WHEN when, MOMENT *m) {
    return Acts(when) ? Defects[Bug - 1].Act(m) : FALSE;
}

static void ReadSettings(WDFKEY key) {
    DECLARE_CONST_UNICODE_STRING(name, L"Bug");
    if (!NT_SUCCESS(WdfRegistryQueryULong(key, &name, &Bug)))
        Bug = 0;
    WdfRegistryClose(key);
}

static EVT_WDF_DEVICE_PREPARE_HARDWARE OnPrepareHardware;
static NTSTATUS OnPrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c, .Raw = raw, .Translated = translated};
    At(Prepare, &m);
    for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(translated, i);
        if (d->Type != CmResourceTypeMemory)
            continue;
        c->Length = d->u.Memory.Length;
        c->Registers = MmMapIoSpaceEx(d->u.Memory.Start, c->Length, PAGE_READWRITE | PAGE_NOCACHE);
        return c->Registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

static EVT_WDF_DEVICE_RELEASE_HARDWARE OnReleaseHardware;
static NTSTATUS OnReleaseHardware(WDFDEVICE device, WDFCMRESLIST translated) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(translated);
    At(Release, &m);
    if (c->Registers)
        MmUnmapIoSpace(c->Registers, c->Length);
    c->Registers = NULL;
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_ENTRY OnD0Entry;
static NTSTATUS OnD0Entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(previous);
    /* Causes survive a reset of the system: stale ones go before interrupts are connected. */
    Write(c, INTERRUPT_ACKNOWLEDGE, Read(c, INTERRUPT_STATUS));
    Write(c, STATUS, STATUS_INTERRUPT_WHEN_DONE);
    At(D0Entry, &m);
    return STATUS_SUCCESS;
}

/* The framework flushes the DPC before it disconnects the interrupt: a DPC that an ISR queues in
 * between runs when there is no lock to take any more. So the ISR queues none while interrupts are
 * connected and disconnected. */
static void SetDeferring(CONTEXT *c, BOOLEAN deferring) {
    WdfInterruptAcquireLock(c->Interrupt);
    c->Deferring = deferring;
    c->Causes = 0;
    WdfInterruptReleaseLock(c->Interrupt);
}

static EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED OnStarted;
static NTSTATUS OnStarted(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(previous);
    SetDeferring(c, TRUE);
    /* The interrupt of a computation that ended in between was acknowledged: compute again. */
    WdfSpinLockAcquire(c->Lock);
    c->Busy = (Read(c, STATUS) & STATUS_COMPUTING) != 0;
    BeginComputation(c);
    WdfSpinLockRelease(c->Lock);
    At(Started, &m);
    if (Acts(WorkItem))
        WdfWorkItemEnqueue(c->WorkItem);
    if (Acts(Timer))
        WdfTimerStart(c->Timer, WDF_REL_TIMEOUT_IN_US(1));
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED OnStopping;
static NTSTATUS OnStopping(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(target);
    if (!At(Stopping, &m))
        SetDeferring(c, FALSE);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_EXIT OnD0Exit;
static NTSTATUS OnD0Exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
    MOMENT m = {.Context = GetContext(device)};
    UNREFERENCED_PARAMETER(target);
    if (!At(D0Exit, &m))
        Write(m.Context, STATUS, 0);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_SURPRISE_REMOVAL OnSurpriseRemoval;
static void OnSurpriseRemoval(WDFDEVICE device) {
    MOMENT m = {.Context = GetContext(device)};
    At(SurpriseRemoval, &m);
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnDeviceCleanup;
static void OnDeviceCleanup(WDFOBJECT device) {
    CONTEXT *c = GetContext(device);
    if (c->Scratch)
        ExFreePoolWithTag(c->Scratch, TAG);
    c->Scratch = NULL;
}

static EVT_WDF_WORKITEM OnWorkItem;
static void OnWorkItem(WDFWORKITEM item) {
    MOMENT m = {.Context = GetContext(WdfWorkItemGetParentObject(item))};
    At(WorkItem, &m);
}

static EVT_WDF_TIMER OnTimer;
static void OnTimer(WDFTIMER timer) {
    MOMENT m = {.Context = GetContext(WdfTimerGetParentObject(timer))};
    At(Timer, &m);
}

static NTSTATUS CreateObjects(CONTEXT *c) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_INTERRUPT_CONFIG interrupt;
    WDF_WORKITEM_CONFIG item;
    WDF_TIMER_CONFIG timer;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = c->Device;
    if (!NT_SUCCESS(status = WdfSpinLockCreate(&attributes, &c->Lock)))
        return status;
    if (!NT_SUCCESS(status = WdfWaitLockCreate(&attributes, &c->WaitLock)))
        return status;
    WDF_WORKITEM_CONFIG_INIT(&item, OnWorkItem);
    item.AutomaticSerialization = FALSE;
    if (!NT_SUCCESS(status = WdfWorkItemCreate(&item, &attributes, &c->WorkItem)))
        return status;
    WDF_TIMER_CONFIG_INIT(&timer, OnTimer);
    timer.AutomaticSerialization = FALSE;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    if (!NT_SUCCESS(status = WdfTimerCreate(&timer, &attributes, &c->Timer)))
        return status;

    /* Serialized, so that EvtIoStop does not come while EvtIoDeviceControl still runs. */
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = OnDeviceControl;
    queue.EvtIoRead = OnRead;
    queue.EvtIoWrite = OnWrite;
    queue.EvtIoStop = OnIoStop;
    queue.EvtIoResume = OnIoResume;
    if (!NT_SUCCESS(status = WdfIoQueueCreate(c->Device, &queue, &attributes, &c->Queue)))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchManual);
    queue.PowerManaged = WdfFalse;
    if (!NT_SUCCESS(
            status = WdfIoQueueCreate(c->Device, &queue, WDF_NO_OBJECT_ATTRIBUTES, &c->Manual)))
        return status;

    MOMENT m = {.Context = c, .Config = &interrupt};
    WDF_INTERRUPT_CONFIG_INIT(&interrupt, OnInterrupt, OnDpc);
    At(CreateInterrupt, &m);
    return WdfInterruptCreate(c->Device, &interrupt, WDF_NO_OBJECT_ATTRIBUTES, &c->Interrupt);
}

static EVT_WDF_DRIVER_DEVICE_ADD OnDeviceAdd;
static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    MOMENT m = {.Init = init, .Driver = driver, .Power = &power};
    WDFKEY key;

    if (NT_SUCCESS(WdfFdoInitOpenRegistryKey(
            init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key)))
        ReadSettings(key);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDevicePrepareHardware = OnPrepareHardware;
    power.EvtDeviceReleaseHardware = OnReleaseHardware;
    power.EvtDeviceD0Entry = OnD0Entry;
    power.EvtDeviceD0EntryPostInterruptsEnabled = OnStarted;
    power.EvtDeviceD0ExitPreInterruptsDisabled = OnStopping;
    power.EvtDeviceD0Exit = OnD0Exit;
    power.EvtDeviceSurpriseRemoval = OnSurpriseRemoval;
    if (At(DeviceInit, &m))
        return m.Status;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &power);

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CONTEXT);
    attributes.EvtCleanupCallback = OnDeviceCleanup;
    NTSTATUS status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    CONTEXT *c = GetContext(device);
    c->Device = device;
    status = CreateObjects(c);
    if (!NT_SUCCESS(status))
        return status;
    c->Scratch = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    if (!c->Scratch)
        return STATUS_INSUFFICIENT_RESOURCES;
    m.Context = c;
    if (At(DeviceAdd, &m))
        return m.Status;
    return WdfDeviceCreateDeviceInterface(device, &GUID_TEETH, NULL);
}

static EVT_WDF_DRIVER_UNLOAD OnUnload;
static void OnUnload(WDFDRIVER driver) {
    MOMENT m = {.Driver = driver};
    At(Unload, &m);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    config.EvtDriverUnload = OnUnload;
    config.DriverPoolTag = TAG;
    WDFDRIVER driver;
    WDFKEY key;
    NTSTATUS status =
        WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, &driver);
    if (!NT_SUCCESS(status))
        return status;
    if (NT_SUCCESS(WdfDriverOpenParametersRegistryKey(
            driver, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key)))
        ReadSettings(key);
    MOMENT m = {.Driver = driver};
    return At(Entry, &m) ? m.Status : STATUS_SUCCESS;
}
