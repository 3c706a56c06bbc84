/* Probes of what the kernel does for a driver. */

#include "group.h"

PROBE(a_string_is_counted_in_bytes) {
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, L"abc");
    HOLDS(string.Length == 6 && string.MaximumLength == 8);
    RtlInitUnicodeString(&string, NULL);
    HOLDS(string.Length == 0 && string.MaximumLength == 0 && string.Buffer == NULL);
    return 0;
}

PROBE(a_string_is_copied_as_far_as_it_fits) {
    WCHAR buffer[3] = {'x', 'x', 'x'};
    UNICODE_STRING target = {0, 2 * sizeof(WCHAR), buffer};
    UNICODE_STRING source;

    RtlInitUnicodeString(&source, L"abc");
    RtlCopyUnicodeString(&target, &source);
    HOLDS(target.Length == 4 && buffer[0] == 'a' && buffer[1] == 'b' && buffer[2] == 'x');
    RtlCopyUnicodeString(&target, NULL);
    HOLDS(target.Length == 0 && buffer[0] == 'a');
    return 0;
}

PROBE(a_string_is_appended_if_it_fits) {
    WCHAR buffer[4] = {0};
    UNICODE_STRING target = {0, sizeof(buffer), buffer};
    UNICODE_STRING source;

    RtlInitUnicodeString(&source, L"abc");
    SUCCEEDS(RtlAppendUnicodeStringToString(&target, &source));
    HOLDS(target.Length == 6);
    HOLDS(RtlAppendUnicodeStringToString(&target, &source) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(target.Length == 6);
    SUCCEEDS(RtlAppendUnicodeToString(&target, L"d"));
    HOLDS(target.Length == 8 && buffer[3] == 'd');
    SUCCEEDS(RtlAppendUnicodeToString(&target, NULL));
    return 0;
}

PROBE(strings_are_compared_with_case_or_without) {
    UNICODE_STRING lower, upper;

    RtlInitUnicodeString(&lower, L"abc");
    RtlInitUnicodeString(&upper, L"ABC");
    HOLDS(!RtlEqualUnicodeString(&lower, &upper, FALSE));
    HOLDS(RtlEqualUnicodeString(&lower, &upper, TRUE));
    HOLDS(RtlCompareUnicodeString(&lower, &upper, FALSE) > 0);
    HOLDS(RtlCompareUnicodeString(&lower, &upper, TRUE) == 0);
    return 0;
}

PROBE(a_number_is_read_in_a_base) {
    UNICODE_STRING string;
    ULONG value;

    RtlInitUnicodeString(&string, L"0x1F");
    SUCCEEDS(RtlUnicodeStringToInteger(&string, 0, &value));
    HOLDS(value == 0x1F);
    RtlInitUnicodeString(&string, L"-12");
    SUCCEEDS(RtlUnicodeStringToInteger(&string, 10, &value));
    HOLDS(value == (ULONG)-12);
    HOLDS(RtlUnicodeStringToInteger(&string, 3, &value) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_wait_for_one_resets_its_event) {
    LARGE_INTEGER now = {.QuadPart = 0};
    KEVENT event;

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now) == STATUS_TIMEOUT);
    HOLDS(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) == 0);
    HOLDS(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) != 0);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now) == STATUS_TIMEOUT);
    return 0;
}

PROBE(a_notification_stays_until_it_is_cleared) {
    LARGE_INTEGER now = {.QuadPart = 0};
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, TRUE);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS);
    HOLDS(KeReadStateEvent(&event) != 0);
    HOLDS(KeResetEvent(&event) != 0);
    HOLDS(KeResetEvent(&event) == 0);
    KeClearEvent(&event);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now) == STATUS_TIMEOUT);
    return 0;
}

PROBE(a_wait_ends_with_its_time) {
    LARGE_INTEGER soon = {.QuadPart = WDF_REL_TIMEOUT_IN_MS(2)};
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    HOLDS(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &soon) == STATUS_TIMEOUT);
    return 0;
}

/* What a DPC has seen. */
typedef struct {
    KEVENT Done;
    KIRQL Irql;
    PVOID First, Second;
    ULONG Calls;
} DEFERRED;

static KDEFERRED_ROUTINE OnDeferred;
static void OnDeferred(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    DEFERRED *deferred = (DEFERRED *)context;

    UNREFERENCED_PARAMETER(dpc);
    deferred->Irql = KeGetCurrentIrql();
    deferred->First = first;
    deferred->Second = second;
    deferred->Calls++;
    KeSetEvent(&deferred->Done, IO_NO_INCREMENT, FALSE);
}

PROBE(a_dpc_runs_with_what_it_was_queued_with) {
    DEFERRED deferred = {0};
    KDPC dpc;

    KeInitializeEvent(&deferred.Done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&dpc, OnDeferred, &deferred);
    HOLDS(KeInsertQueueDpc(&dpc, &dpc, device));
    KeWaitForSingleObject(&deferred.Done, Executive, KernelMode, FALSE, NULL);
    KeFlushQueuedDpcs();
    HOLDS(deferred.Irql == DISPATCH_LEVEL && deferred.Calls == 1);
    HOLDS(deferred.First == &dpc && deferred.Second == device);
    return 0;
}

PROBE(a_queued_dpc_is_not_queued_again) {
    DEFERRED deferred = {0};
    BOOLEAN first, second, removed, again;
    KIRQL before;
    KDPC dpc;

    KeInitializeEvent(&deferred.Done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&dpc, OnDeferred, &deferred);
    /* Of this processor, which does not run it before its IRQL is lower. */
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    first = KeInsertQueueDpc(&dpc, NULL, NULL);
    second = KeInsertQueueDpc(&dpc, device, NULL);
    removed = KeRemoveQueueDpc(&dpc);
    again = KeRemoveQueueDpc(&dpc);
    KeLowerIrql(before);
    HOLDS(first && !second);
    HOLDS(removed && !again);
    HOLDS(deferred.Calls == 0);
    return 0;
}

PROBE(a_timer_queues_its_dpc) {
    DEFERRED deferred = {0};
    LARGE_INTEGER soon = {.QuadPart = WDF_REL_TIMEOUT_IN_MS(1)};
    KTIMER timer;
    KDPC dpc;

    KeInitializeEvent(&deferred.Done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&dpc, OnDeferred, &deferred);
    KeInitializeTimer(&timer);
    HOLDS(!KeSetTimer(&timer, soon, &dpc));
    KeWaitForSingleObject(&deferred.Done, Executive, KernelMode, FALSE, NULL);
    KeFlushQueuedDpcs();
    HOLDS(deferred.Calls == 1);
    HOLDS(!KeCancelTimer(&timer));
    return 0;
}

PROBE(a_timer_is_set_anew_and_canceled) {
    LARGE_INTEGER late = {.QuadPart = WDF_REL_TIMEOUT_IN_SEC(100)};
    KTIMER timer;

    KeInitializeTimerEx(&timer, NotificationTimer);
    HOLDS(!KeSetTimer(&timer, late, NULL));
    HOLDS(KeSetTimer(&timer, late, NULL));
    HOLDS(KeCancelTimer(&timer));
    HOLDS(!KeCancelTimer(&timer));
    return 0;
}

PROBE(an_mdl_describes_memory) {
    PUCHAR bytes;
    WDFMEMORY memory;
    PMDL mdl;
    BOOLEAN same;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 100, &memory, (PVOID *)&bytes));
    mdl = IoAllocateMdl(bytes + 3, 50, FALSE, FALSE, NULL);
    HOLDS(mdl != NULL);
    MmBuildMdlForNonPagedPool(mdl);
    same = MmGetMdlVirtualAddress(mdl) == bytes + 3 && MmGetMdlByteCount(mdl) == 50
        && MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == bytes + 3;
    IoFreeMdl(mdl);
    WdfObjectDelete(memory);
    HOLDS(same);
    return 0;
}

GROUP(kernel, PROBES_KERNEL)
