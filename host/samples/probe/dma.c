/* Probes of DMA. No device transfers: the framework neither knows nor asks. */

#include "group.h"

#define LONGEST 8192
/* WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS */
#define UNLIMITED ((size_t)(ULONG)-1)

/* An enabler of packets of 32 bits; or STATUS_NOT_SUPPORTED if there is no adapter for such a device. */
static NTSTATUS Enabler(WDFDEVICE device, size_t maximum, WDFDMAENABLER *enabler) {
    WDF_DMA_ENABLER_CONFIG config;
    NTSTATUS status;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, maximum);
    status = WdfDmaEnablerCreate(device, &config, NULL, enabler);
    return status == STATUS_UNSUCCESSFUL ? STATUS_NOT_SUPPORTED : status;
}

#define NEEDS_ENABLER(enabler)                                  \
    do {                                                        \
        NTSTATUS created = Enabler(device, LONGEST, &enabler);  \
        if (created == STATUS_NOT_SUPPORTED)                    \
            return PROBE_NOT_RUN;                               \
        SUCCEEDS(created);                                      \
    } while (0)

PROBE(an_enabler_has_a_maximum_length) {
    WDFDMAENABLER enabler = (WDFDMAENABLER)device;

    HOLDS(Enabler(device, 0, &enabler) == STATUS_INVALID_PARAMETER);
    HOLDS(enabler == NULL);
    return 0;
}

PROBE(an_enabler_has_a_profile) {
    WDF_DMA_ENABLER_CONFIG config;
    WDFDMAENABLER enabler;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileInvalid, LONGEST);
    HOLDS(WdfDmaEnablerCreate(device, &config, NULL, &enabler) == STATUS_INVALID_PARAMETER);
    config.Profile = (WDF_DMA_PROFILE)99;
    HOLDS(WdfDmaEnablerCreate(device, &config, NULL, &enabler) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(the_configuration_of_an_enabler_has_one_size) {
    WDF_DMA_ENABLER_CONFIG config;
    WDFDMAENABLER enabler;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, LONGEST);
    /* Up to EvtDmaEnablerSelfManagedIoStop, as before KMDF 1.11. */
    config.Size = FIELD_OFFSET(WDF_DMA_ENABLER_CONFIG, AddressWidthOverride);
    HOLDS(WdfDmaEnablerCreate(device, &config, NULL, &enabler) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size = 4;
    HOLDS(WdfDmaEnablerCreate(device, &config, NULL, &enabler) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(the_parent_of_an_enabler_is_below_its_device) {
    WDF_DMA_ENABLER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDMAENABLER enabler;
    WDFOBJECT object;
    NTSTATUS status;

    SUCCEEDS(WdfObjectCreate(NULL, &object));
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = object;
    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, LONGEST);
    status = WdfDmaEnablerCreate(device, &config, &attributes, &enabler);
    WdfObjectDelete(object);
    HOLDS(status == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(an_enabler_tells_its_lengths) {
    WDFDMAENABLER enabler;
    size_t maximum, fragment[2];

    NEEDS_ENABLER(enabler);
    maximum = WdfDmaEnablerGetMaximumLength(enabler);
    fragment[0] = WdfDmaEnablerGetFragmentLength(enabler, WdfDmaDirectionReadFromDevice);
    fragment[1] = WdfDmaEnablerGetFragmentLength(enabler, WdfDmaDirectionWriteToDevice);
    WdfObjectDelete(enabler);
    HOLDS(maximum == LONGEST);
    HOLDS(fragment[0] > 0 && fragment[0] <= maximum && fragment[0] == fragment[1]);
    return 0;
}

PROBE(the_elements_of_a_transfer_are_unlimited_until_set) {
    WDFDMAENABLER enabler;
    size_t before, after, most;

    NEEDS_ENABLER(enabler);
    before = WdfDmaEnablerGetMaximumScatterGatherElements(enabler);
    WdfDmaEnablerSetMaximumScatterGatherElements(enabler, 5);
    after = WdfDmaEnablerGetMaximumScatterGatherElements(enabler);
    WdfDmaEnablerSetMaximumScatterGatherElements(enabler, (size_t)-1);
    most = WdfDmaEnablerGetMaximumScatterGatherElements(enabler);
    WdfObjectDelete(enabler);
    HOLDS(before == UNLIMITED);
    HOLDS(after == 5);
    HOLDS(most == UNLIMITED);
    return 0;
}

PROBE(a_common_buffer_has_a_length) {
    WDFDMAENABLER enabler;
    WDFCOMMONBUFFER buffer = (WDFCOMMONBUFFER)device;
    NTSTATUS status;

    NEEDS_ENABLER(enabler);
    status = WdfCommonBufferCreate(enabler, 0, NULL, &buffer);
    WdfObjectDelete(enabler);
    HOLDS(status == STATUS_INVALID_PARAMETER && buffer == NULL);
    return 0;
}

PROBE(the_parent_of_a_common_buffer_is_its_enabler) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDMAENABLER enabler;
    WDFCOMMONBUFFER buffer;
    NTSTATUS status;

    NEEDS_ENABLER(enabler);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfCommonBufferCreate(enabler, 64, &attributes, &buffer);
    WdfObjectDelete(enabler);
    HOLDS(status == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    return 0;
}

PROBE(a_common_buffer_is_memory_that_the_device_reaches) {
    WDFDMAENABLER enabler;
    WDFCOMMONBUFFER buffer;
    NTSTATUS status;
    size_t length = 0;
    ULONGLONG logical = 0;
    PUCHAR bytes = NULL;
    BOOLEAN same = FALSE;

    NEEDS_ENABLER(enabler);
    status = WdfCommonBufferCreate(enabler, 100, NULL, &buffer);
    if (NT_SUCCESS(status)) {
        length = WdfCommonBufferGetLength(buffer);
        logical = WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart;
        bytes = WdfCommonBufferGetAlignedVirtualAddress(buffer);
        RtlFillMemory(bytes, length, 0x5A);
        same = bytes[0] == 0x5A && bytes[99] == 0x5A;
    }
    WdfObjectDelete(enabler);
    SUCCEEDS(status);
    HOLDS(length == 100 && same);
    HOLDS(logical + length <= 0x100000000ULL);
    return 0;
}

PROBE(a_common_buffer_lies_as_it_is_asked_to) {
    WDF_COMMON_BUFFER_CONFIG config;
    WDFDMAENABLER enabler;
    WDFCOMMONBUFFER buffer;
    NTSTATUS status, wrong;
    ULONGLONG logical = 1;
    ULONG_PTR address = 1;

    NEEDS_ENABLER(enabler);
    WDF_COMMON_BUFFER_CONFIG_INIT(&config, FILE_512_BYTE_ALIGNMENT);
    status = WdfCommonBufferCreateWithConfig(enabler, 64, &config, NULL, &buffer);
    if (NT_SUCCESS(status)) {
        logical = WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart;
        address = (ULONG_PTR)WdfCommonBufferGetAlignedVirtualAddress(buffer);
    }
    config.Size = 4;
    wrong = WdfCommonBufferCreateWithConfig(enabler, 64, &config, NULL, &buffer);
    WdfObjectDelete(enabler);
    SUCCEEDS(status);
    HOLDS((logical & FILE_512_BYTE_ALIGNMENT) == 0 && (address & FILE_512_BYTE_ALIGNMENT) == 0);
    HOLDS(wrong == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

/* What EvtProgramDma is to do, and what it has seen. */
typedef struct {
    /* Bytes that each transfer reports, or 0: all of it. */
    size_t Report;
    /* Whether the first transfer ends the transaction. */
    BOOLEAN Final;
    ULONG Calls, Depth, Deepest, Elements;
    KIRQL Irql;
    WDFDEVICE Device;
    WDF_DMA_DIRECTION Direction;
    size_t Length, Listed;
    BOOLEAN Over;
    NTSTATUS Status;
} PROGRAM;

static EVT_WDF_PROGRAM_DMA OnProgram;
static BOOLEAN OnProgram(WDFDMATRANSACTION transaction, WDFDEVICE device, WDFCONTEXT context,
    WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list) {
    PROGRAM *program = (PROGRAM *)context;
    NTSTATUS status;
    BOOLEAN over;

    program->Calls++;
    program->Depth++;
    program->Deepest = max(program->Deepest, program->Depth);
    program->Irql = KeGetCurrentIrql();
    program->Device = device;
    program->Direction = direction;
    program->Elements = list->NumberOfElements;
    program->Listed = list->Elements[0].Length;
    program->Length = WdfDmaTransactionGetCurrentDmaTransferLength(transaction);
    if (program->Final)
        over = WdfDmaTransactionDmaCompletedFinal(transaction, program->Report, &status);
    else if (program->Report != 0)
        over = WdfDmaTransactionDmaCompletedWithLength(
            transaction, min(program->Report, program->Length), &status);
    else
        over = WdfDmaTransactionDmaCompleted(transaction, &status);
    program->Depth--;
    if (over) {
        program->Over = TRUE;
        program->Status = status;
    } else if (status != STATUS_MORE_PROCESSING_REQUIRED) {
        program->Status = status;
    }
    return TRUE;
}

/* A transaction with memory to transfer. */
typedef struct {
    WDFDMAENABLER Enabler;
    WDFDMATRANSACTION Transaction;
    WDFMEMORY Memory;
    PUCHAR Bytes;
    PMDL Mdl;
} TRANSFER;

static void End(TRANSFER *transfer) {
    if (transfer->Mdl != NULL)
        IoFreeMdl(transfer->Mdl);
    if (transfer->Memory != NULL)
        WdfObjectDelete(transfer->Memory);
    if (transfer->Enabler != NULL)
        WdfObjectDelete(transfer->Enabler);
}

static NTSTATUS Begin(WDFDEVICE device, TRANSFER *transfer) {
    NTSTATUS status;

    RtlZeroMemory(transfer, sizeof(*transfer));
    status = Enabler(device, LONGEST, &transfer->Enabler);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionCreate(transfer->Enabler, NULL, &transfer->Transaction);
    if (NT_SUCCESS(status))
        status = WdfMemoryCreate(
            NULL, NonPagedPoolNx, 'borP', LONGEST, &transfer->Memory, (PVOID *)&transfer->Bytes);
    if (NT_SUCCESS(status)) {
        RtlZeroMemory(transfer->Bytes, LONGEST);
        transfer->Mdl = IoAllocateMdl(transfer->Bytes, LONGEST, FALSE, FALSE, NULL);
        if (transfer->Mdl == NULL)
            status = STATUS_INSUFFICIENT_RESOURCES;
        else
            MmBuildMdlForNonPagedPool(transfer->Mdl);
    }
    if (!NT_SUCCESS(status))
        End(transfer);
    return status;
}

#define NEEDS_TRANSFER(transfer)                        \
    do {                                                \
        NTSTATUS begun = Begin(device, &transfer);      \
        if (begun == STATUS_NOT_SUPPORTED)              \
            return PROBE_NOT_RUN;                       \
        SUCCEEDS(begun);                                \
    } while (0)

static NTSTATUS Initialize(TRANSFER *transfer, size_t length) {
    return WdfDmaTransactionInitialize(transfer->Transaction, OnProgram, WdfDmaDirectionWriteToDevice,
        transfer->Mdl, transfer->Bytes, length);
}

PROBE(the_parent_of_a_transaction_is_its_enabler) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDMATRANSACTION transaction = (WDFDMATRANSACTION)device;
    WDFDMAENABLER enabler;
    NTSTATUS status;

    NEEDS_ENABLER(enabler);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfDmaTransactionCreate(enabler, &attributes, &transaction);
    WdfObjectDelete(enabler);
    HOLDS(status == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED && transaction == NULL);
    return 0;
}

PROBE(a_new_transaction_has_transferred_nothing) {
    TRANSFER transfer;
    size_t bytes, current;
    WDFREQUEST none;
    WDFDEVICE its;

    NEEDS_TRANSFER(transfer);
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    current = WdfDmaTransactionGetCurrentDmaTransferLength(transfer.Transaction);
    none = WdfDmaTransactionGetRequest(transfer.Transaction);
    its = WdfDmaTransactionGetDevice(transfer.Transaction);
    End(&transfer);
    HOLDS(bytes == 0 && current == 0);
    HOLDS(none == NULL);
    HOLDS(its == device);
    return 0;
}

PROBE(a_transaction_has_a_length) {
    TRANSFER transfer;
    NTSTATUS status;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 0);
    End(&transfer);
    HOLDS(status == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_transaction_has_a_direction) {
    TRANSFER transfer;
    NTSTATUS status;

    NEEDS_TRANSFER(transfer);
    status = WdfDmaTransactionInitialize(
        transfer.Transaction, OnProgram, (WDF_DMA_DIRECTION)2, transfer.Mdl, transfer.Bytes, 64);
    End(&transfer);
    HOLDS(status == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_transaction_begins_in_its_mdl) {
    TRANSFER transfer;
    NTSTATUS before, behind;

    NEEDS_TRANSFER(transfer);
    before = WdfDmaTransactionInitialize(transfer.Transaction, OnProgram, WdfDmaDirectionWriteToDevice,
        transfer.Mdl, transfer.Bytes - 1, 64);
    behind = WdfDmaTransactionInitialize(transfer.Transaction, OnProgram, WdfDmaDirectionWriteToDevice,
        transfer.Mdl, transfer.Bytes + LONGEST, 64);
    End(&transfer);
    HOLDS(before == STATUS_INVALID_PARAMETER);
    HOLDS(behind == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_packet_ends_in_its_mdl) {
    TRANSFER transfer;
    NTSTATUS status, offset;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, LONGEST + 1);
    offset = WdfDmaTransactionInitializeUsingOffset(transfer.Transaction, OnProgram,
        WdfDmaDirectionWriteToDevice, transfer.Mdl, LONGEST - 8, 9);
    End(&transfer);
    HOLDS(status == STATUS_INVALID_PARAMETER);
    HOLDS(offset == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_transaction_transfers_what_it_was_given) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;
    size_t bytes, current;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    current = WdfDmaTransactionGetCurrentDmaTransferLength(transfer.Transaction);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 1 && program.Over && program.Status == STATUS_SUCCESS);
    HOLDS(program.Elements == 1 && program.Length == 1000 && program.Listed == 1000);
    HOLDS(bytes == 1000 && current == 0);
    return 0;
}

PROBE(a_device_is_programmed_at_dispatch_level) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 64);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Irql == DISPATCH_LEVEL);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    HOLDS(program.Device == device && program.Direction == WdfDmaDirectionWriteToDevice);
    return 0;
}

PROBE(a_long_transaction_takes_several_transfers) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;
    size_t bytes;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status)) {
        WdfDmaTransactionSetMaximumLength(transfer.Transaction, 300);
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    }
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 4 && program.Over && program.Status == STATUS_SUCCESS);
    HOLDS(program.Length == 100 && bytes == 1000);
    return 0;
}

PROBE(the_next_packet_waits_for_the_one_before) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status)) {
        WdfDmaTransactionSetMaximumLength(transfer.Transaction, 300);
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    }
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Deepest == 1);
    return 0;
}

PROBE(more_than_the_enabler_allows_is_no_limit) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status)) {
        WdfDmaTransactionSetMaximumLength(transfer.Transaction, 300);
        WdfDmaTransactionSetMaximumLength(transfer.Transaction, 2 * LONGEST);
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    }
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 4);
    return 0;
}

PROBE(what_was_not_transferred_is_transferred_again) {
    PROGRAM program = {.Report = 400};
    TRANSFER transfer;
    NTSTATUS status;
    size_t bytes;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 3 && program.Length == 200 && program.Over);
    HOLDS(bytes == 1000);
    return 0;
}

PROBE(a_final_length_ends_a_transaction) {
    PROGRAM program = {.Report = 10, .Final = TRUE};
    TRANSFER transfer;
    NTSTATUS status;
    size_t bytes;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 1000);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 1 && program.Over && program.Status == STATUS_SUCCESS);
    HOLDS(bytes == 10);
    return 0;
}

PROBE(a_released_transaction_has_transferred_nothing) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status;
    size_t bytes;

    NEEDS_TRANSFER(transfer);
    status = Initialize(&transfer, 64);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(transfer.Transaction, &program);
    WdfDmaTransactionRelease(transfer.Transaction);
    bytes = WdfDmaTransactionGetBytesTransferred(transfer.Transaction);
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(bytes == 0);
    return 0;
}

PROBE(a_released_transaction_is_used_again) {
    PROGRAM program = {0};
    TRANSFER transfer;
    NTSTATUS status = STATUS_SUCCESS;
    ULONG i;

    NEEDS_TRANSFER(transfer);
    /* Releasing one that has nothing is no error. */
    SUCCEEDS(WdfDmaTransactionRelease(transfer.Transaction));
    for (i = 0; i < 3 && NT_SUCCESS(status); i++) {
        status = Initialize(&transfer, 64);
        if (NT_SUCCESS(status))
            status = WdfDmaTransactionExecute(transfer.Transaction, &program);
        WdfDmaTransactionRelease(transfer.Transaction);
    }
    End(&transfer);
    SUCCEEDS(status);
    HOLDS(program.Calls == 3);
    return 0;
}

PROBE(an_initialized_transaction_is_released) {
    TRANSFER transfer;
    NTSTATUS first, second;

    NEEDS_TRANSFER(transfer);
    first = Initialize(&transfer, 64);
    WdfDmaTransactionRelease(transfer.Transaction);
    second = Initialize(&transfer, 64);
    End(&transfer);
    SUCCEEDS(first);
    SUCCEEDS(second);
    return 0;
}

GROUP(dma, PROBES_DMA)
