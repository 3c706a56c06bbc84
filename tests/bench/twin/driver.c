/* As much of a driver as the callbacks need. */
#include <initguid.h>
#include "twin.h"

/* {2f0f6c1e-6d8b-4b57-9a39-55c1d1a3e7b4} */
DEFINE_GUID(GUID_TWIN, 0x2f0f6c1e, 0x6d8b, 0x4b57, 0x9a, 0x39, 0x55, 0xc1, 0xd1, 0xa3, 0xe7, 0xb4);
DEFINE_GUID(PROVIDER_ID, 0x8c1f1d52, 0x93a4, 0x4a0e, 0xb1, 0x6f, 0x27, 0x60, 0x4c, 0xe2, 0x0d, 0x91);

static const UCHAR Metadata[] = "\x0a\0EduTwin";
PROVIDER Provider = {Metadata, sizeof(Metadata), 0, 0};

/* Somebody begins to listen, or nobody does any more: `enable` of wdf/etw/src/lib.rs. */
static void OnEnable(LPCGUID source, ULONG control, UCHAR level, ULONGLONG any, ULONGLONG all,
    PEVENT_FILTER_DESCRIPTOR filter, PVOID context) {
    UNREFERENCED_PARAMETER(source);
    UNREFERENCED_PARAMETER(any);
    UNREFERENCED_PARAMETER(all);
    UNREFERENCED_PARAMETER(filter);
    UNREFERENCED_PARAMETER(context);
    if (control <= 1)
        Provider.Level = control == 0 ? 0 : level == 0 ? MAXUSHORT : level;
}

static void AcknowledgeStale(PUCHAR registers) {
    ULONG causes = Read(registers, INTERRUPT_STATUS);
    if (causes != 0 && causes != ALL_ONES)
        Write(registers, INTERRUPT_ACKNOWLEDGE, causes);
}

static EVT_WDF_INTERRUPT_ENABLE OnEnableInterrupt;
static NTSTATUS OnEnableInterrupt(WDFINTERRUPT interrupt, WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    AcknowledgeStale(GetInterrupt(interrupt)->Shared->Registers);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_PREPARE_HARDWARE OnPrepareHardware;
static NTSTATUS OnPrepareHardware(WDFDEVICE handle, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    DEVICE *device = GetDevice(handle);
    UNREFERENCED_PARAMETER(raw);
    for (ULONG i = 0; i < WdfCmResourceListGetCount(translated); i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(translated, i);
        if (d->Type != CmResourceTypeMemory)
            continue;
        device->Length = d->u.Memory.Length;
        PUCHAR registers =
            MmMapIoSpaceEx(d->u.Memory.Start, device->Length, PAGE_READWRITE | PAGE_NOCACHE);
        device->State->Registers = registers;
        device->Shared->Registers = registers;
        return registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

static EVT_WDF_DEVICE_RELEASE_HARDWARE OnReleaseHardware;
static NTSTATUS OnReleaseHardware(WDFDEVICE handle, WDFCMRESLIST translated) {
    DEVICE *device = GetDevice(handle);
    UNREFERENCED_PARAMETER(translated);
    if (device->State->Registers)
        MmUnmapIoSpace(device->State->Registers, device->Length);
    device->State->Registers = NULL;
    device->Shared->Registers = NULL;
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED OnStarted;
static NTSTATUS OnStarted(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    GetDevice(device)->Shared->Deferring = TRUE;
    Write(GetDevice(device)->State->Registers, STATUS, STATUS_INTERRUPT_WHEN_DONE);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED OnStopping;
static NTSTATUS OnStopping(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
    UNREFERENCED_PARAMETER(target);
    GetDevice(device)->Shared->Deferring = FALSE;
    Write(GetDevice(device)->State->Registers, STATUS, 0);
    return STATUS_SUCCESS;
}

/* The watchdog, which finds nothing in what is measured. */
static EVT_WDF_TIMER OnTick;
static void OnTick(WDFTIMER timer) {
    DEVICE *device = GetDevice(WdfTimerGetParentObject(timer));
    WdfSpinLockAcquire(device->Lock);
    device->State->Ticking = device->State->Factorial.Slot != Empty;
    if (device->State->Ticking)
        WdfTimerStart(device->WatchdogTimer, WDF_REL_TIMEOUT_IN_MS(TICK_MS));
    WdfSpinLockRelease(device->Lock);
}

/* The queue of requests that access a register: the twin has none. */
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnRegisterAccess;
static void OnRegisterAccess(
    WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    UNREFERENCED_PARAMETER(queue);
    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    UNREFERENCED_PARAMETER(code);
    WdfRequestComplete(request, STATUS_NOT_SUPPORTED);
}

/* What these two are queued for does not happen in what is measured. */
static EVT_WDF_DPC OnDmaDpc;
static void OnDmaDpc(WDFDPC dpc) {
    UNREFERENCED_PARAMETER(dpc);
}
static EVT_WDF_WORKITEM OnRecovery;
static void OnRecovery(WDFWORKITEM item) {
    DEVICE *device = GetDevice(WdfWorkItemGetParentObject(item));
    WdfSpinLockAcquire(device->Lock);
    RtlZeroMemory(&device->State->Findings, sizeof(device->State->Findings));
    WdfSpinLockRelease(device->Lock);
}

static NTSTATUS CreateObjects(WDFDEVICE handle, DEVICE *device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG queue;
    WDF_INTERRUPT_CONFIG config;
    WDF_DPC_CONFIG dpc;
    WDF_WORKITEM_CONFIG item;
    WDF_TIMER_CONFIG timer;
    WDFSPINLOCK interruptLock;
    WDFINTERRUPT interrupt;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, STATE);
    attributes.ParentObject = handle;
    if (!NT_SUCCESS(status = WdfSpinLockCreate(&attributes, &device->Lock)))
        return status;
    device->State = GetState(device->Lock);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ISR_SHARED);
    attributes.ParentObject = handle;
    if (!NT_SUCCESS(status = WdfSpinLockCreate(&attributes, &interruptLock)))
        return status;
    device->Shared = GetIsrShared(interruptLock);

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = handle;
    WDF_DPC_CONFIG_INIT(&dpc, OnDmaDpc);
    dpc.AutomaticSerialization = FALSE;
    if (!NT_SUCCESS(status = WdfDpcCreate(&dpc, &attributes, &device->DmaDpc)))
        return status;
    WDF_WORKITEM_CONFIG_INIT(&item, OnRecovery);
    item.AutomaticSerialization = FALSE;
    if (!NT_SUCCESS(status = WdfWorkItemCreate(&item, &attributes, &device->Recovery)))
        return status;
    WDF_TIMER_CONFIG_INIT(&timer, OnTick);
    timer.AutomaticSerialization = FALSE;
    if (!NT_SUCCESS(status = WdfTimerCreate(&timer, &attributes, &device->WatchdogTimer)))
        return status;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&queue, WdfIoQueueDispatchParallel);
    queue.PowerManaged = WdfFalse;
    queue.EvtIoDeviceControl = OnControl;
    if (!NT_SUCCESS(status = WdfIoQueueCreate(handle, &queue, WDF_NO_OBJECT_ATTRIBUTES, NULL)))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchSequential);
    queue.EvtIoDeviceControl = OnRegisterAccess;
    status = WdfIoQueueCreate(handle, &queue, WDF_NO_OBJECT_ATTRIBUTES, &device->RegisterQueue);
    if (!NT_SUCCESS(status))
        return status;
    queue.EvtIoDeviceControl = OnFactorial;
    status = WdfIoQueueCreate(handle, &queue, WDF_NO_OBJECT_ATTRIBUTES, &device->FactorialQueue);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT(&queue, WdfIoQueueDispatchManual);
    queue.PowerManaged = WdfFalse;
    status = WdfIoQueueCreate(handle, &queue, WDF_NO_OBJECT_ATTRIBUTES, &device->WaitingQueue);
    if (!NT_SUCCESS(status))
        return status;

    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.SpinLock = interruptLock;
    config.EvtInterruptEnable = OnEnableInterrupt;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, INTERRUPT);
    status = WdfInterruptCreate(handle, &config, &attributes, &interrupt);
    if (!NT_SUCCESS(status))
        return status;
    GetInterrupt(interrupt)->Shared = device->Shared;
    GetInterrupt(interrupt)->Handling = Dirql;
    return STATUS_SUCCESS;
}

static EVT_WDF_DRIVER_DEVICE_ADD OnDeviceAdd;
static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS power;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    UNREFERENCED_PARAMETER(driver);

    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&power);
    power.EvtDevicePrepareHardware = OnPrepareHardware;
    power.EvtDeviceReleaseHardware = OnReleaseHardware;
    power.EvtDeviceD0EntryPostInterruptsEnabled = OnStarted;
    power.EvtDeviceD0ExitPreInterruptsDisabled = OnStopping;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &power);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, DEVICE);
    NTSTATUS status = WdfDeviceCreate(&init, &attributes, &device);
    if (NT_SUCCESS(status))
        status = CreateObjects(device, GetDevice(device));
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &GUID_TWIN, NULL);
    return status;
}

static EVT_WDF_DRIVER_UNLOAD OnUnload;
static void OnUnload(WDFDRIVER driver) {
    UNREFERENCED_PARAMETER(driver);
    EtwUnregister(Provider.Handle);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    config.EvtDriverUnload = OnUnload;
    EtwRegister(&PROVIDER_ID, OnEnable, NULL, &Provider.Handle);
    NTSTATUS status =
        WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
    if (!NT_SUCCESS(status))
        EtwUnregister(Provider.Handle);
    return status;
}
