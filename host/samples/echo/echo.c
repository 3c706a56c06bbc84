/* A loop: what an app writes comes back after a while, message by message, to whoever reads.
 *
 * No hardware: PnP's root enumerates the device. Reads wait in a manual queue, messages in a
 * collection; a timer brings the two together. A spin lock is around the collection. */

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include "echo.h"

typedef struct {
    WDFSPINLOCK Lock;
    /* Messages, the oldest first: WDFMEMORY objects. Lock is held around every access. */
    WDFCOLLECTION Messages;
    /* Reads without a message. */
    WDFQUEUE Reads;
    WDFTIMER Timer;
} LOOP;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(LOOP, LoopOf)

/* Of IOCTL_ECHO_REVERSE: the app's buffers, locked in EvtIoInCallerContext. */
typedef struct {
    WDFMEMORY Input;
    WDFMEMORY Output;
} LOCKED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(LOCKED, LockedOf)

/* The oldest message, out of the collection, or NULL. The caller deletes it. */
static WDFMEMORY TakeMessage(LOOP *loop) {
    WDFMEMORY message;

    WdfSpinLockAcquire(loop->Lock);
    message = (WDFMEMORY)WdfCollectionGetFirstItem(loop->Messages);
    if (message != NULL)
        WdfCollectionRemoveItem(loop->Messages, 0);
    WdfSpinLockRelease(loop->Lock);
    return message;
}

static ULONG Waiting(LOOP *loop) {
    ULONG count;

    WdfSpinLockAcquire(loop->Lock);
    count = WdfCollectionGetCount(loop->Messages);
    WdfSpinLockRelease(loop->Lock);
    return count;
}

/* Gives a read its message: as much of it as fits. */
static void Answer(WDFREQUEST read, WDFMEMORY message) {
    WDFMEMORY output;
    size_t room, bytes;
    PVOID from = WdfMemoryGetBuffer(message, &bytes);
    NTSTATUS status = WdfRequestRetrieveOutputMemory(read, &output);

    if (NT_SUCCESS(status)) {
        WdfMemoryGetBuffer(output, &room);
        bytes = bytes < room ? bytes : room;
        status = WdfMemoryCopyFromBuffer(output, 0, from, bytes);
    }
    WdfObjectDelete(message);
    WdfRequestCompleteWithInformation(read, status, NT_SUCCESS(status) ? bytes : 0);
}

/* EVT_WDF_TIMER, at DISPATCH_LEVEL: each message goes to a read, as long as there are both. */
static void Deliver(WDFTIMER timer) {
    LOOP *loop = LoopOf(WdfTimerGetParentObject(timer));
    WDFREQUEST read;

    while (Waiting(loop) > 0 && NT_SUCCESS(WdfIoQueueRetrieveNextRequest(loop->Reads, &read))) {
        /* This timer and a read that finds a message (below) may race for the last one. */
        WDFMEMORY message = TakeMessage(loop);
        if (message != NULL) {
            Answer(read, message);
        } else if (!NT_SUCCESS(WdfRequestRequeue(read))) {
            WdfRequestComplete(read, STATUS_CANCELLED);
        }
    }
}

static void DeliverSoon(LOOP *loop) {
    WdfTimerStart(loop->Timer, WDF_REL_TIMEOUT_IN_MS(ECHO_DELAY_MS));
}

/* EVT_WDF_IO_QUEUE_IO_WRITE */
static void Write(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    WDFDEVICE device = WdfIoQueueGetDevice(queue);
    LOOP *loop = LoopOf(device);
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY input, message;
    PVOID buffer;
    NTSTATUS status;

    if (length > ECHO_LONGEST) {
        WdfRequestComplete(request, STATUS_INVALID_BUFFER_SIZE);
        return;
    }
    status = WdfRequestRetrieveInputMemory(request, &input);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfMemoryCreate(&attributes, NonPagedPoolNx, 'ohcE', length, &message, &buffer);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    status = WdfMemoryCopyToBuffer(input, 0, buffer, length);
    WdfSpinLockAcquire(loop->Lock);
    if (NT_SUCCESS(status) && WdfCollectionGetCount(loop->Messages) >= ECHO_MOST)
        status = STATUS_DEVICE_BUSY;
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(loop->Messages, message);
    WdfSpinLockRelease(loop->Lock);
    if (NT_SUCCESS(status))
        DeliverSoon(loop);
    else
        WdfObjectDelete(message);
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

/* EVT_WDF_IO_QUEUE_IO_READ */
static void Read(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    LOOP *loop = LoopOf(WdfIoQueueGetDevice(queue));
    NTSTATUS status = WdfRequestForwardToIoQueue(request, loop->Reads);

    UNREFERENCED_PARAMETER(length);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    if (Waiting(loop) > 0)
        DeliverSoon(loop);
}

/* EVT_WDF_REQUEST_COMPLETION_ROUTINE: the driver below has answered. */
static void Answered(WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS answer,
    WDFCONTEXT context) {
    UNREFERENCED_PARAMETER(target);
    UNREFERENCED_PARAMETER(context);
    WdfRequestComplete(request, answer->IoStatus.Status);
}

/* Hands a request that means nothing here to the driver below. */
static void SendDown(WDFDEVICE device, WDFREQUEST request) {
    WdfRequestFormatRequestUsingCurrentType(request);
    WdfRequestSetCompletionRoutine(request, Answered, WDF_NO_CONTEXT);
    if (!WdfRequestSend(request, WdfDeviceGetIoTarget(device), WDF_NO_SEND_OPTIONS))
        WdfRequestComplete(request, WdfRequestGetStatus(request));
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL */
static void Control(WDFQUEUE queue, WDFREQUEST request, size_t outputLength, size_t inputLength,
    ULONG code) {
    LOOP *loop = LoopOf(WdfIoQueueGetDevice(queue));
    NTSTATUS status;
    size_t bytes = 0;

    UNREFERENCED_PARAMETER(outputLength);
    UNREFERENCED_PARAMETER(inputLength);
    if (code == IOCTL_ECHO_WAITING) {
        ULONG *count;
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*count), (PVOID *)&count, NULL);
        if (NT_SUCCESS(status)) {
            *count = Waiting(loop);
            bytes = sizeof(*count);
        }
    } else if (code == IOCTL_ECHO_REVERSE) {
        const LOCKED *locked = LockedOf(request);
        size_t index, room;
        const UCHAR *from = WdfMemoryGetBuffer(locked->Input, &bytes);
        UCHAR *to = WdfMemoryGetBuffer(locked->Output, &room);
        status = room < bytes ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(status))
            for (index = 0; index < bytes; index++)
                to[index] = from[bytes - 1 - index];
        else
            bytes = 0;
    } else {
        SendDown(WdfIoQueueGetDevice(queue), request);
        return;
    }
    WdfRequestCompleteWithInformation(request, status, bytes);
}

/* Locks the app's own buffers, which only its thread can do. */
static NTSTATUS LockBuffers(WDFREQUEST request) {
    WDF_OBJECT_ATTRIBUTES attributes;
    LOCKED *locked;
    PVOID buffer;
    size_t length;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, LOCKED);
    status = WdfObjectAllocateContext(request, &attributes, (PVOID *)&locked);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveUnsafeUserInputBuffer(request, 1, &buffer, &length);
    if (NT_SUCCESS(status))
        status = WdfRequestProbeAndLockUserBufferForRead(request, buffer, length, &locked->Input);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveUnsafeUserOutputBuffer(request, 1, &buffer, &length);
    if (NT_SUCCESS(status))
        status = WdfRequestProbeAndLockUserBufferForWrite(request, buffer, length, &locked->Output);
    return status;
}

/* EVT_WDF_IO_IN_CALLER_CONTEXT: in the app's thread, before any queue. */
static void InCallerContext(WDFDEVICE device, WDFREQUEST request) {
    WDF_REQUEST_PARAMETERS parameters;
    NTSTATUS status = STATUS_SUCCESS;

    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    if (parameters.Type == WdfRequestTypeDeviceControl &&
        parameters.Parameters.DeviceIoControl.IoControlCode == IOCTL_ECHO_REVERSE)
        status = LockBuffers(request);
    if (NT_SUCCESS(status))
        status = WdfDeviceEnqueueRequest(device, request);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(request, status);
}

/* EVT_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP: all requests are over, and the timer must be before what
 * its callback uses goes. */
static void Cleanup(WDFDEVICE device) {
    WdfTimerStop(LoopOf(device)->Timer, TRUE);
}

/* The queues: one that takes all requests, one in which reads wait. Neither minds the device's
 * power: there is no hardware. */
static NTSTATUS CreateQueues(WDFDEVICE device, LOOP *loop) {
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.PowerManaged = WdfFalse;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &loop->Reads);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.PowerManaged = WdfFalse;
    config.EvtIoRead = Read;
    config.EvtIoWrite = Write;
    config.EvtIoDeviceControl = Control;
    return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

/* EVT_WDF_DRIVER_DEVICE_ADD */
static NTSTATUS DeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG timer;
    WDFDEVICE device;
    LOOP *loop;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDeviceSelfManagedIoCleanup = Cleanup;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    WdfDeviceInitSetIoInCallerContextCallback(init, InCallerContext);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, LOOP);
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    loop = LoopOf(device);

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfSpinLockCreate(&attributes, &loop->Lock);
    if (NT_SUCCESS(status))
        status = WdfCollectionCreate(&attributes, &loop->Messages);
    WDF_TIMER_CONFIG_INIT(&timer, Deliver);
    if (NT_SUCCESS(status))
        status = WdfTimerCreate(&timer, &attributes, &loop->Timer);
    if (NT_SUCCESS(status))
        status = CreateQueues(device, loop);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_ECHO, NULL);
    return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, DeviceAdd);
    return WdfDriverCreate(driver, registryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
