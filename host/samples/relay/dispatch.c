/* Chooses the queue of each read by its length, before it is a request: odd ones and even ones have a queue each, and
 * those of 4 bytes go to the default queue. */

#include "driver.h"

/* EVT_WDF_IO_QUEUE_IO_READ: the bytes are the first letter of the queue. */
static void Answer(WDFREQUEST request, size_t length, UCHAR letter) {
    PVOID bytes;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, 1, &bytes, NULL);

    if (NT_SUCCESS(status))
        RtlFillMemory(bytes, length, letter);
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

static void OnOdd(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    UNREFERENCED_PARAMETER(queue);
    Answer(request, length, 'o');
}

static void OnEven(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    UNREFERENCED_PARAMETER(queue);
    Answer(request, length, 'e');
}

/* EVT_WDFDEVICE_WDM_IRP_DISPATCH */
static NTSTATUS OnDispatch(WDFDEVICE device, UCHAR major, UCHAR minor, ULONG code, WDFCONTEXT driver, PIRP irp,
    WDFCONTEXT context) {
    RELAY *relay = (RELAY *)driver;
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;

    UNREFERENCED_PARAMETER(minor);
    UNREFERENCED_PARAMETER(code);
    if (major != IRP_MJ_READ || length == 4)
        return WdfDeviceWdmDispatchIrp(device, irp, context);
    if (length == 7) {
        irp->IoStatus.Status = STATUS_DEVICE_BUSY;
        irp->IoStatus.Information = 0;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        return STATUS_DEVICE_BUSY;
    }
    return WdfDeviceWdmDispatchIrpToIoQueue(device, irp, length % 2 ? relay->Odd : relay->Even, 0);
}

static NTSTATUS CreateQueue(WDFDEVICE device, PFN_WDF_IO_QUEUE_IO_READ read, WDFQUEUE *queue) {
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = read;
    return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, queue);
}

NTSTATUS ChooseQueues(WDFDEVICE device) {
    RELAY *relay = RelayOf(device);
    NTSTATUS status = CreateQueue(device, OnOdd, &relay->Odd);

    if (NT_SUCCESS(status))
        status = CreateQueue(device, OnEven, &relay->Even);
    if (NT_SUCCESS(status)
        && WdfDeviceConfigureWdmIrpDispatchCallback(device, NULL, IRP_MJ_PNP, OnDispatch, relay)
            != STATUS_INVALID_PARAMETER)
        return STATUS_INTERNAL_ERROR;
    if (NT_SUCCESS(status))
        status = WdfDeviceConfigureWdmIrpDispatchCallback(device, WdfGetDriver(), IRP_MJ_READ, OnDispatch, relay);
    /* There is one callback for a kind of request. */
    if (NT_SUCCESS(status)
        && WdfDeviceConfigureWdmIrpDispatchCallback(device, NULL, IRP_MJ_READ, OnDispatch, relay)
            != STATUS_INVALID_PARAMETER)
        return STATUS_INTERNAL_ERROR;
    return status;
}
