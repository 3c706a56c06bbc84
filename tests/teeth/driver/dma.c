/* DMA: the framework's objects, and what the device says of its transfers. */
#include "teeth.h"

static void Transfer(CONTEXT *c, ULONG64 source, ULONG destination, ULONG count) {
    WRITE_REGISTER_ULONG64((volatile ULONG64 *)(c->Registers + DMA_SOURCE), source);
    Write(c, DMA_DESTINATION, destination);
    Write(c, DMA_COUNT, count);
    Write(c, DMA_COMMAND, DMA_START);
}

/* The device has 28 address bits: it reads somewhere else. */
BOOLEAN transfers_from_above_the_mask(MOMENT *m) {
    Transfer(m->Context, 0x100000000ULL, DMA_BUFFER, 16);
    return FALSE;
}

/* Older versions of QEMU end the virtual machine. */
BOOLEAN transfers_behind_the_buffer(MOMENT *m) {
    Transfer(m->Context, 0x10000, DMA_BUFFER + 0xFF8, 16);
    return FALSE;
}

BOOLEAN starts_a_second_transfer(MOMENT *m) {
    Transfer(m->Context, 0x10000, DMA_BUFFER, 16);
    Transfer(m->Context, 0x10000, DMA_BUFFER, 16);
    return FALSE;
}

static WDFDMAENABLER Enabler(CONTEXT *c, WDF_DMA_PROFILE profile) {
    WDF_DMA_ENABLER_CONFIG config;
    WDFDMAENABLER enabler;
    WDF_DMA_ENABLER_CONFIG_INIT(&config, profile, PAGE_SIZE);
    return NT_SUCCESS(WdfDmaEnablerCreate(c->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler))
        ? enabler
        : NULL;
}

/* The profile says 32 bits, and the device has 28. */
BOOLEAN forgets_how_far_the_device_reaches(MOMENT *m) {
    WDFDMAENABLER enabler = Enabler(m->Context, WdfDmaProfilePacket);
    WDFCOMMONBUFFER buffer;
    if (enabler &&
        NT_SUCCESS(WdfCommonBufferCreate(enabler, PAGE_SIZE, WDF_NO_OBJECT_ATTRIBUTES, &buffer)))
        Transfer(m->Context, WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart, DMA_BUFFER, 16);
    return FALSE;
}

BOOLEAN sets_no_elements(MOMENT *m) {
    WDFDMAENABLER enabler = Enabler(m->Context, WdfDmaProfileScatterGather);
    if (enabler)
        WdfDmaEnablerSetMaximumScatterGatherElements(enabler, 0);
    return FALSE;
}

static WDFDMATRANSACTION Transaction(CONTEXT *c) {
    WDFDMAENABLER enabler = Enabler(c, WdfDmaProfileScatterGather);
    WDFDMATRANSACTION transaction;
    if (!enabler ||
        !NT_SUCCESS(WdfDmaTransactionCreate(enabler, WDF_NO_OBJECT_ATTRIBUTES, &transaction)))
        return NULL;
    return transaction;
}

BOOLEAN ends_a_transfer_that_has_not_begun(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transaction(m->Context);
    NTSTATUS status;
    if (transaction)
        WdfDmaTransactionDmaCompleted(transaction, &status);
    return FALSE;
}

static EVT_WDF_PROGRAM_DMA TooMuch;
static BOOLEAN TooMuch(WDFDMATRANSACTION transaction, WDFDEVICE device, WDFCONTEXT context,
    WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list) {
    NTSTATUS status;
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(direction);
    UNREFERENCED_PARAMETER(list);
    WdfDmaTransactionDmaCompletedWithLength(transaction, PAGE_SIZE, &status);
    return TRUE;
}

BOOLEAN reports_more_than_was_mapped(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transaction(m->Context);
    PMDL mdl = IoAllocateMdl(m->Context->Scratch, 64, FALSE, FALSE, NULL);
    if (!transaction || !mdl)
        return FALSE;
    MmBuildMdlForNonPagedPool(mdl);
    if (NT_SUCCESS(WdfDmaTransactionInitialize(transaction, TooMuch,
            WdfDmaDirectionWriteToDevice, mdl, m->Context->Scratch, 64)))
        WdfDmaTransactionExecute(transaction, NULL);
    return FALSE;
}

static EVT_WDF_PROGRAM_DMA Begun;
static BOOLEAN Begun(WDFDMATRANSACTION transaction, WDFDEVICE device, WDFCONTEXT context,
    WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list) {
    UNREFERENCED_PARAMETER(transaction);
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(direction);
    UNREFERENCED_PARAMETER(list);
    return TRUE;
}

/* A transaction that was executed, and whose transfer nobody ends; or NULL. */
static WDFDMATRANSACTION Transferring(CONTEXT *c) {
    WDFDMATRANSACTION transaction = Transaction(c);
    PMDL mdl = IoAllocateMdl(c->Scratch, 64, FALSE, FALSE, NULL);
    if (!transaction || !mdl)
        return NULL;
    MmBuildMdlForNonPagedPool(mdl);
    if (!NT_SUCCESS(WdfDmaTransactionInitialize(
            transaction, Begun, WdfDmaDirectionWriteToDevice, mdl, c->Scratch, 64)) ||
        !NT_SUCCESS(WdfDmaTransactionExecute(transaction, NULL)))
        return NULL;
    return transaction;
}

BOOLEAN releases_what_transfers(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transferring(m->Context);
    if (transaction)
        WdfDmaTransactionRelease(transaction);
    return FALSE;
}

BOOLEAN deletes_what_transfers(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transferring(m->Context);
    if (transaction)
        WdfObjectDelete(transaction);
    return FALSE;
}

BOOLEAN executes_at_once_with_version_2(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transaction(m->Context);
    if (transaction)
        WdfDmaTransactionSetImmediateExecution(transaction, TRUE);
    return FALSE;
}

/* The device still reads the buffer, which is the app's again. */
BOOLEAN completes_what_transfers(MOMENT *m) {
    WDFDMATRANSACTION transaction = Transaction(m->Context);
    if (!transaction ||
        !NT_SUCCESS(WdfDmaTransactionInitializeUsingRequest(
            transaction, m->Request, Begun, WdfDmaDirectionWriteToDevice)) ||
        !NT_SUCCESS(WdfDmaTransactionExecute(transaction, NULL)))
        return FALSE;
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    return TRUE;
}
