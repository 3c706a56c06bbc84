/* A driver for a PCI toaster: one slice at a time, which an interrupt ends.
 *
 * What can be toasted, and how dark, is in the registry; how much was, too. A sequential queue has
 * one request at the device; a wait lock guards what is read and written at PASSIVE_LEVEL. */

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include "toaster.h"

typedef struct {
    /* BAR 0 while the device has resources. */
    PUCHAR Registers;
    SIZE_T Length;
    WDFINTERRUPT Interrupt;
    WDFQUEUE Slices;
    /* From the INF. */
    ULONG Darkest;
    WDFCOLLECTION Breads;
    /* Slices toasted, and whether the registry has that number. Lock guards both. */
    WDFWAITLOCK Lock;
    ULONG Count;
    BOOLEAN Saved;
    /* Writes the number down, at PASSIVE_LEVEL. */
    WDFWORKITEM Save;
    /* The request whose slice is in the toaster. SliceLock guards it. */
    WDFREQUEST Toasting;
    WDFSPINLOCK SliceLock;
    /* Whether that slice has popped up: from the ISR to the DPC, under the interrupt lock. */
    BOOLEAN Popped;
    /* Whether the ISR queues its DPC. Guarded by the interrupt's lock, too. */
    BOOLEAN Deferring;
} TOASTER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(TOASTER, ToasterOf)

DECLARE_CONST_UNICODE_STRING(LinkName, L"\\DosDevices\\SampleToaster");
DECLARE_CONST_UNICODE_STRING(DarkestName, L"Darkest");
DECLARE_CONST_UNICODE_STRING(BreadsName, L"Breads");
DECLARE_CONST_UNICODE_STRING(CountName, L"Count");

static ULONG ReadRegister(TOASTER *toaster, ULONG offset) {
    return READ_REGISTER_ULONG((volatile ULONG *)(toaster->Registers + offset));
}

static void WriteRegister(TOASTER *toaster, ULONG offset, ULONG value) {
    WRITE_REGISTER_ULONG((volatile ULONG *)(toaster->Registers + offset), value);
}

/* Starts toasting, or with 0 takes the slice out; whatever popped up before does not count. */
static void SetDarkness(TOASTER *toaster, ULONG darkness) {
    WdfInterruptAcquireLock(toaster->Interrupt);
    toaster->Popped = FALSE;
    WriteRegister(toaster, TOASTER_DARKNESS, darkness);
    WdfInterruptReleaseLock(toaster->Interrupt);
}

/* EVT_WDF_INTERRUPT_ISR */
static BOOLEAN Isr(WDFINTERRUPT interrupt, ULONG message) {
    TOASTER *toaster = ToasterOf(WdfInterruptGetDevice(interrupt));
    ULONG popped = ReadRegister(toaster, TOASTER_POPPED);

    UNREFERENCED_PARAMETER(message);
    /* All ones: the device is gone. */
    if (popped == 0 || popped == MAXULONG)
        return FALSE;
    WriteRegister(toaster, TOASTER_EMPTY, 1);
    toaster->Popped = TRUE;
    if (toaster->Deferring)
        WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}

/* The framework flushes the DPC, and then disconnects the interrupt: a DPC that the ISR queues in between
 * would run when there is no lock to take any more. So it is queued while the device is in D0 only; there
 * is no slice in it before and after. */
static void SetDeferring(TOASTER *toaster, BOOLEAN deferring) {
    WdfInterruptAcquireLock(toaster->Interrupt);
    toaster->Deferring = deferring;
    WdfInterruptReleaseLock(toaster->Interrupt);
}

/* EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED */
static NTSTATUS InterruptsEnabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    SetDeferring(ToasterOf(device), TRUE);
    return STATUS_SUCCESS;
}

/* EVT_WDF_DEVICE_D0_EXIT_PRE_INTERRUPTS_DISABLED */
static NTSTATUS InterruptsDisabling(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
    UNREFERENCED_PARAMETER(target);
    SetDeferring(ToasterOf(device), FALSE);
    return STATUS_SUCCESS;
}

/* The request whose slice is in, which is the caller's to end; NULL if there is none, or if its
 * cancellation ends it. SliceLock is held: until it is given back the cancellation cannot complete
 * the request, so it may be unmarked. */
static WDFREQUEST TakeRequest(TOASTER *toaster) {
    WDFREQUEST request = toaster->Toasting;

    toaster->Toasting = NULL;
    if (request != NULL && WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED)
        request = NULL;
    return request;
}

/* EVT_WDF_INTERRUPT_DPC: the slice is done, unless it was taken out meanwhile. */
static void Dpc(WDFINTERRUPT interrupt, WDFOBJECT device) {
    TOASTER *toaster = ToasterOf(device);
    WDFREQUEST request = NULL;
    BOOLEAN popped;

    WdfSpinLockAcquire(toaster->SliceLock);
    WdfInterruptAcquireLock(interrupt);
    popped = toaster->Popped;
    toaster->Popped = FALSE;
    WdfInterruptReleaseLock(interrupt);
    if (popped)
        request = TakeRequest(toaster);
    WdfSpinLockRelease(toaster->SliceLock);
    if (request == NULL)
        return;
    WdfWorkItemEnqueue(toaster->Save);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

/* EVT_WDF_WORKITEM: another slice. */
static void CountSlice(WDFWORKITEM item) {
    TOASTER *toaster = ToasterOf(WdfWorkItemGetParentObject(item));

    WdfWaitLockAcquire(toaster->Lock, NULL);
    toaster->Count++;
    toaster->Saved = FALSE;
    WdfWaitLockRelease(toaster->Lock);
}

/* EVT_WDF_REQUEST_CANCEL: the slice comes out as it is, if it is still in. */
static void Cancel(WDFREQUEST request) {
    TOASTER *toaster = ToasterOf(WdfIoQueueGetDevice(WdfRequestGetIoQueue(request)));

    WdfSpinLockAcquire(toaster->SliceLock);
    if (toaster->Toasting == request) {
        toaster->Toasting = NULL;
        SetDarkness(toaster, 0);
    }
    WdfSpinLockRelease(toaster->SliceLock);
    WdfRequestComplete(request, STATUS_CANCELLED);
}

/* Puts a slice in. The request is completed when it is out. */
static NTSTATUS Toast(TOASTER *toaster, WDFREQUEST request) {
    TOAST *toast;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, sizeof(*toast), (PVOID *)&toast, NULL);

    if (!NT_SUCCESS(status))
        return status;
    if (toast->Darkness == 0 || toast->Darkness > toaster->Darkest)
        return STATUS_INVALID_PARAMETER;
    /* Under the lock: neither the DPC nor a cancellation finds it half-way. */
    WdfSpinLockAcquire(toaster->SliceLock);
    status = WdfRequestMarkCancelableEx(request, Cancel);
    if (NT_SUCCESS(status)) {
        toaster->Toasting = request;
        SetDarkness(toaster, toast->Darkness);
    }
    WdfSpinLockRelease(toaster->SliceLock);
    return NT_SUCCESS(status) ? STATUS_PENDING : status;
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL of the queue of slices: one at a time. */
static void ToastControl(WDFQUEUE queue, WDFREQUEST request, size_t outputLength,
    size_t inputLength, ULONG code) {
    NTSTATUS status = Toast(ToasterOf(WdfIoQueueGetDevice(queue)), request);

    UNREFERENCED_PARAMETER(outputLength);
    UNREFERENCED_PARAMETER(inputLength);
    UNREFERENCED_PARAMETER(code);
    if (status != STATUS_PENDING)
        WdfRequestComplete(request, status);
}

/* EVT_WDF_IO_QUEUE_IO_STOP: the slice comes out; its request starts again when the device does. */
static void Stop(WDFQUEUE queue, WDFREQUEST request, ULONG flags) {
    TOASTER *toaster = ToasterOf(WdfIoQueueGetDevice(queue));
    BOOLEAN mine = FALSE;

    WdfSpinLockAcquire(toaster->SliceLock);
    if (toaster->Toasting == request) {
        SetDarkness(toaster, 0);
        mine = (BOOLEAN)(TakeRequest(toaster) != NULL);
    }
    WdfSpinLockRelease(toaster->SliceLock);
    /* If not, the DPC or the cancellation has the request, and ends it. */
    if (!mine)
        return;
    if (flags & WdfRequestStopActionPurge)
        WdfRequestComplete(request, STATUS_CANCELLED);
    else
        WdfRequestStopAcknowledge(request, TRUE);
}

/* The names of the breads, as IOCTL_TOASTER_BREADS gives them. */
static NTSTATUS Breads(TOASTER *toaster, WDFREQUEST request, size_t *bytes) {
    ULONG index, count = WdfCollectionGetCount(toaster->Breads);
    size_t room, at = 0;
    UNICODE_STRING name;
    PUCHAR output;
    NTSTATUS status =
        WdfRequestRetrieveOutputBuffer(request, sizeof(WCHAR), (PVOID *)&output, &room);

    if (!NT_SUCCESS(status))
        return status;
    for (index = 0; index < count; index++) {
        WdfStringGetUnicodeString((WDFSTRING)WdfCollectionGetItem(toaster->Breads, index), &name);
        if (room - at < (size_t)name.Length + 2 * sizeof(WCHAR))
            return STATUS_BUFFER_TOO_SMALL;
        RtlCopyMemory(output + at, name.Buffer, name.Length);
        RtlZeroMemory(output + at + name.Length, sizeof(WCHAR));
        at += name.Length + sizeof(WCHAR);
    }
    RtlZeroMemory(output + at, sizeof(WCHAR));
    *bytes = at + sizeof(WCHAR);
    return STATUS_SUCCESS;
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL of the default queue, at PASSIVE_LEVEL. */
static void Control(WDFQUEUE queue, WDFREQUEST request, size_t outputLength, size_t inputLength,
    ULONG code) {
    TOASTER *toaster = ToasterOf(WdfIoQueueGetDevice(queue));
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    size_t bytes = 0;
    ULONG *count;

    UNREFERENCED_PARAMETER(outputLength);
    UNREFERENCED_PARAMETER(inputLength);
    switch (code) {
    case IOCTL_TOASTER_TOAST:
        status = WdfRequestForwardToIoQueue(request, toaster->Slices);
        if (NT_SUCCESS(status))
            return;
        break;
    case IOCTL_TOASTER_BREADS:
        status = Breads(toaster, request, &bytes);
        break;
    case IOCTL_TOASTER_COUNT:
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*count), (PVOID *)&count, NULL);
        if (NT_SUCCESS(status)) {
            WdfWorkItemFlush(toaster->Save);
            WdfWaitLockAcquire(toaster->Lock, NULL);
            *count = toaster->Count;
            WdfWaitLockRelease(toaster->Lock);
            bytes = sizeof(*count);
        }
        break;
    }
    WdfRequestCompleteWithInformation(request, status, bytes);
}

/* EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT: reads how many slices there were before. */
static NTSTATUS ReadCount(WDFDEVICE device) {
    TOASTER *toaster = ToasterOf(device);
    WDFKEY key;
    NTSTATUS status = WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ,
        WDF_NO_OBJECT_ATTRIBUTES, &key);

    if (!NT_SUCCESS(status))
        return status;
    WdfWaitLockAcquire(toaster->Lock, NULL);
    if (!NT_SUCCESS(WdfRegistryQueryULong(key, &CountName, &toaster->Count)))
        toaster->Count = 0;
    toaster->Saved = TRUE;
    WdfWaitLockRelease(toaster->Lock);
    WdfRegistryClose(key);
    return STATUS_SUCCESS;
}

/* EVT_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND: writes the number down. */
static NTSTATUS SaveCount(WDFDEVICE device) {
    TOASTER *toaster = ToasterOf(device);
    WDFKEY key;
    NTSTATUS status;

    WdfWorkItemFlush(toaster->Save);
    status = WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_WRITE,
        WDF_NO_OBJECT_ATTRIBUTES, &key);
    if (!NT_SUCCESS(status))
        return status;
    WdfWaitLockAcquire(toaster->Lock, NULL);
    if (!toaster->Saved) {
        status = WdfRegistryAssignULong(key, &CountName, toaster->Count);
        toaster->Saved = (BOOLEAN)NT_SUCCESS(status);
    }
    WdfWaitLockRelease(toaster->Lock);
    WdfRegistryClose(key);
    return status;
}

/* EVT_WDF_DEVICE_PREPARE_HARDWARE */
static NTSTATUS PrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    TOASTER *toaster = ToasterOf(device);
    ULONG index;

    UNREFERENCED_PARAMETER(raw);
    for (index = 0; index < WdfCmResourceListGetCount(translated); index++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *bar =
            WdfCmResourceListGetDescriptor(translated, index);
        if (bar->Type != CmResourceTypeMemory || toaster->Registers != NULL)
            continue;
        toaster->Length = bar->u.Memory.Length;
        toaster->Registers = MmMapIoSpace(bar->u.Memory.Start, toaster->Length, MmNonCached);
        if (toaster->Registers == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (toaster->Registers == NULL || ReadRegister(toaster, TOASTER_ID) != TOASTER_MAGIC)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

/* EVT_WDF_DEVICE_RELEASE_HARDWARE */
static NTSTATUS ReleaseHardware(WDFDEVICE device, WDFCMRESLIST translated) {
    TOASTER *toaster = ToasterOf(device);

    UNREFERENCED_PARAMETER(translated);
    if (toaster->Registers != NULL)
        MmUnmapIoSpace(toaster->Registers, toaster->Length);
    toaster->Registers = NULL;
    return STATUS_SUCCESS;
}

/* What the INF says of this toaster. */
static NTSTATUS ReadSettings(WDFDEVICE device, TOASTER *toaster) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFKEY key;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfCollectionCreate(&attributes, &toaster->Breads);
    if (!NT_SUCCESS(status))
        return status;
    status = WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ,
        WDF_NO_OBJECT_ATTRIBUTES, &key);
    if (!NT_SUCCESS(status))
        return status;
    status = WdfRegistryQueryULong(key, &DarkestName, &toaster->Darkest);
    if (NT_SUCCESS(status))
        status = WdfRegistryQueryMultiString(key, &BreadsName, &attributes, toaster->Breads);
    WdfRegistryClose(key);
    return status;
}

static NTSTATUS CreateQueues(WDFDEVICE device, TOASTER *toaster) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = ToastControl;
    config.EvtIoStop = Stop;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &toaster->Slices);
    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.PowerManaged = WdfFalse;
    config.EvtIoDeviceControl = Control;
    return WdfIoQueueCreate(device, &config, &attributes, WDF_NO_HANDLE);
}

/* Everything that belongs to the device, but for its queues. */
static NTSTATUS CreateObjects(WDFDEVICE device, TOASTER *toaster) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG item;
    WDF_INTERRUPT_CONFIG interrupt;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfWaitLockCreate(&attributes, &toaster->Lock);
    if (NT_SUCCESS(status))
        status = WdfSpinLockCreate(&attributes, &toaster->SliceLock);
    WDF_WORKITEM_CONFIG_INIT(&item, CountSlice);
    item.AutomaticSerialization = FALSE;
    if (NT_SUCCESS(status))
        status = WdfWorkItemCreate(&item, &attributes, &toaster->Save);
    WDF_INTERRUPT_CONFIG_INIT(&interrupt, Isr, Dpc);
    if (NT_SUCCESS(status))
        status = WdfInterruptCreate(device, &interrupt, WDF_NO_OBJECT_ATTRIBUTES,
            &toaster->Interrupt);
    return status;
}

/* EVT_WDF_DRIVER_DEVICE_ADD */
static NTSTATUS DeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    TOASTER *toaster;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDevicePrepareHardware = PrepareHardware;
    pnp.EvtDeviceReleaseHardware = ReleaseHardware;
    pnp.EvtDeviceD0EntryPostInterruptsEnabled = InterruptsEnabled;
    pnp.EvtDeviceD0ExitPreInterruptsDisabled = InterruptsDisabling;
    pnp.EvtDeviceSelfManagedIoInit = ReadCount;
    pnp.EvtDeviceSelfManagedIoSuspend = SaveCount;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, TOASTER);
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    toaster = ToasterOf(device);
    status = ReadSettings(device, toaster);
    if (NT_SUCCESS(status))
        status = CreateObjects(device, toaster);
    if (NT_SUCCESS(status))
        status = CreateQueues(device, toaster);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_TOASTER, NULL);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateSymbolicLink(device, &LinkName);
    return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, DeviceAdd);
    return WdfDriverCreate(driver, registryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
