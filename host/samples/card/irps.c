/* IRPs: those of requests, those that the driver makes, and those that it sees before the framework. */

#include "driver.h"

NTSTATUS Preprocess(WDFDEVICE device, PIRP irp) {
    CARD *card = CardOf(device);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_CARD_PREPROCESSED) {
        InterlockedIncrement(&card->Preprocessed);
        IoSkipCurrentIrpStackLocation(irp);
        if (card->Preprocessed % 2 == 0)
            return WdfDeviceWdmDispatchIrpToIoQueue(device, irp, WdfDeviceGetDefaultQueue(device),
                WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP);
        return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
    }
    irp->IoStatus.Status = STATUS_BUFFER_TOO_SMALL;
    irp->IoStatus.Information = 0;
    if (location->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(ULONG)) {
        *(ULONG *)irp->AssociatedIrp.SystemBuffer = (ULONG)card->Preprocessed;
        irp->IoStatus.Status = STATUS_SUCCESS;
        irp->IoStatus.Information = sizeof(ULONG);
    }
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* An IO_COMPLETION_ROUTINE that keeps the IRP. */
static NTSTATUS Keep(PDEVICE_OBJECT object, PIRP irp, PVOID context) {
    UNREFERENCED_PARAMETER(object);
    UNREFERENCED_PARAMETER(irp);
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP NewConfigIrp(PDEVICE_OBJECT target, UCHAR minor, PVOID buffer, ULONG offset, ULONG length) {
    PIRP irp = IoAllocateIrp(target->StackSize, FALSE);
    PIO_STACK_LOCATION location;

    if (irp == NULL)
        return NULL;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_PNP;
    location->MinorFunction = minor;
    location->Parameters.ReadWriteConfig.WhichSpace = PCI_WHICHSPACE_CONFIG;
    location->Parameters.ReadWriteConfig.Buffer = buffer;
    location->Parameters.ReadWriteConfig.Offset = offset;
    location->Parameters.ReadWriteConfig.Length = length;
    return irp;
}

/* Sends an IRP of the driver's own down, waits for it and frees it. */
static NTSTATUS SendConfig(WDFDEVICE device, UCHAR minor, PVOID buffer, ULONG offset, ULONG length) {
    PDEVICE_OBJECT target = WdfDeviceWdmGetAttachedDevice(device);
    KEVENT done;
    NTSTATUS status;
    PIRP irp = NewConfigIrp(target, minor, buffer, offset, length);

    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, Keep, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(target, irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    if (status == STATUS_PENDING)
        status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

static ULONG configuration_space_is_read_by_an_irp(WDFDEVICE device) {
    ULONG id = 0;

    SUCCEEDS(SendConfig(device, IRP_MN_READ_CONFIG, &id, 0, sizeof(id)));
    HOLDS(id == 0x00201DED);
    return 0;
}

static ULONG configuration_space_is_written_by_an_irp(WDFDEVICE device) {
    UCHAR before, now = 0x2A, after;

    SUCCEEDS(SendConfig(device, IRP_MN_READ_CONFIG, &before, 0x3C, 1));
    SUCCEEDS(SendConfig(device, IRP_MN_WRITE_CONFIG, &now, 0x3C, 1));
    SUCCEEDS(SendConfig(device, IRP_MN_READ_CONFIG, &after, 0x3C, 1));
    SUCCEEDS(SendConfig(device, IRP_MN_WRITE_CONFIG, &before, 0x3C, 1));
    HOLDS(after == 0x2A);
    return 0;
}

/* The I/O manager completes and frees it. */
static ULONG an_irp_of_the_io_managers_is_waited_for(WDFDEVICE device) {
    PDEVICE_OBJECT target = WdfDeviceWdmGetDeviceObject(device);
    IO_STATUS_BLOCK result;
    PIO_STACK_LOCATION location;
    KEVENT done;
    ULONG id = 0;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, target, NULL, 0, NULL, &done, &result);
    HOLDS(irp != NULL);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    location = IoGetNextIrpStackLocation(irp);
    location->MinorFunction = IRP_MN_READ_CONFIG;
    location->Parameters.ReadWriteConfig.WhichSpace = PCI_WHICHSPACE_CONFIG;
    location->Parameters.ReadWriteConfig.Buffer = &id;
    location->Parameters.ReadWriteConfig.Length = sizeof(id);
    SUCCEEDS(IoCallDriver(target, irp));
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    SUCCEEDS(result.Status);
    HOLDS(id == 0x00201DED);
    return 0;
}

static ULONG what_the_bus_does_not_know_comes_back_as_it_was(WDFDEVICE device) {
    UCHAR nothing;

    HOLDS(SendConfig(device, IRP_MN_EJECT, &nothing, 0, 1) == STATUS_NOT_SUPPORTED);
    return 0;
}

static ULONG a_request_has_an_irp(WDFDEVICE device) {
    CARD *card = CardOf(device);
    PIRP irp = WdfRequestWdmGetIrp(card->Request);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PVOID input;

    HOLDS(irp->Type == IO_TYPE_IRP && !irp->Cancel);
    HOLDS(WdfRequestWdmGetIrp(card->Request) == irp);
    HOLDS(location->MajorFunction == IRP_MJ_DEVICE_CONTROL);
    HOLDS(location->Parameters.DeviceIoControl.IoControlCode == IOCTL_CARD_CHECK);
    HOLDS(location->Parameters.DeviceIoControl.OutputBufferLength == sizeof(ULONG));
    SUCCEEDS(WdfRequestRetrieveInputBuffer(card->Request, 1, &input, NULL));
    HOLDS(irp->AssociatedIrp.SystemBuffer == input);
    return 0;
}

static ULONG a_request_is_made_of_an_irp(WDFDEVICE device) {
    PIRP irp = IoAllocateIrp(WdfDeviceWdmGetAttachedDevice(device)->StackSize, FALSE);
    WDFREQUEST request;

    HOLDS(irp != NULL);
    SUCCEEDS(WdfRequestCreateFromIrp(WDF_NO_OBJECT_ATTRIBUTES, irp, TRUE, &request));
    HOLDS(WdfRequestWdmGetIrp(request) == irp);
    WdfObjectDelete(request);
    return 0;
}

static ULONG an_irp_is_sent_without_a_completion_routine(WDFDEVICE device) {
    PDEVICE_OBJECT target = WdfDeviceWdmGetAttachedDevice(device);
    ULONG id;
    PIRP irp = NewConfigIrp(target, IRP_MN_READ_CONFIG, &id, 0, sizeof(id));

    HOLDS(irp != NULL);
    IoCallDriver(target, irp);
    return 0;
}

static ULONG an_irp_is_not_freed(WDFDEVICE device) {
    HOLDS(IoAllocateIrp(WdfDeviceWdmGetAttachedDevice(device)->StackSize, FALSE) != NULL);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK IrpChecks[] = {
    ENTRY(configuration_space_is_read_by_an_irp),
    ENTRY(configuration_space_is_written_by_an_irp),
    ENTRY(an_irp_of_the_io_managers_is_waited_for),
    ENTRY(what_the_bus_does_not_know_comes_back_as_it_was),
    ENTRY(a_request_has_an_irp),
    ENTRY(a_request_is_made_of_an_irp),
    ENTRY(an_irp_is_sent_without_a_completion_routine),
    ENTRY(an_irp_is_not_freed),
    {NULL, NULL},
};
