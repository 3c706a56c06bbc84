/* Pool, buffers, mappings, stacks. */
#include "teeth.h"

BOOLEAN writes_through_a_null_pointer(MOMENT *m) {
    PVOID volatile nowhere = NULL;
    UNREFERENCED_PARAMETER(m);
    *(volatile ULONG *)nowhere = 1;
    return FALSE;
}

BOOLEAN writes_to_freed_pool(MOMENT *m) {
    PVOID volatile scratch = m->Context->Scratch;
    ExFreePoolWithTag(scratch, TAG);
    m->Context->Scratch = NULL;
    *(volatile ULONG *)scratch = 1;
    return FALSE;
}

/* One byte too many; special pool has none behind it. */
BOOLEAN writes_behind_its_pool(MOMENT *m) {
    ((volatile UCHAR *)m->Context->Scratch)[64] = 1;
    return FALSE;
}

BOOLEAN passes_a_wild_pointer_to_the_framework(MOMENT *m) {
    WDF_INTERRUPT_INFO *nowhere = (WDF_INTERRUPT_INFO *)0x1000;
    WdfInterruptGetInfo(m->Context->Interrupt, nowhere);
    return FALSE;
}

/* Behind the end, where special pool has bytes for the alignment: found when it is given back. */
BOOLEAN writes_behind_a_buffer(MOMENT *m) {
    WDFMEMORY memory;
    volatile UCHAR *buffer;
    UNREFERENCED_PARAMETER(m);
    if (!NT_SUCCESS(WdfMemoryCreate(WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 30, &memory,
            (PVOID *)&buffer)))
        return FALSE;
    buffer[30] = 0;
    WdfObjectDelete(memory);
    return FALSE;
}

typedef struct _SMALL {
    UCHAR Bytes[24];
} SMALL;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SMALL, GetSmall)

BOOLEAN writes_behind_its_context(MOMENT *m) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSPINLOCK lock;
    UNREFERENCED_PARAMETER(m);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SMALL);
    if (!NT_SUCCESS(WdfSpinLockCreate(&attributes, &lock)))
        return FALSE;
    ((volatile UCHAR *)GetSmall(lock))[sizeof(SMALL)] = 0;
    WdfObjectDelete(lock);
    return FALSE;
}

BOOLEAN frees_with_another_tag(MOMENT *m) {
    ExFreePoolWithTag(m->Context->Scratch, 'xxxx');
    m->Context->Scratch = NULL;
    return FALSE;
}

BOOLEAN frees_twice(MOMENT *m) {
    ExFreePoolWithTag(m->Context->Scratch, TAG);
    ExFreePoolWithTag(m->Context->Scratch, TAG);
    m->Context->Scratch = NULL;
    return FALSE;
}

BOOLEAN allocates_without_a_tag(MOMENT *m) {
    PVOID memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 0);
    UNREFERENCED_PARAMETER(m);
    if (memory)
        ExFreePool(memory);
    return FALSE;
}

/* The pointer is overwritten: the first allocation is never freed. */
BOOLEAN leaks_pool(MOMENT *m) {
    m->Context->Scratch = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    return FALSE;
}

BOOLEAN maps_nothing(MOMENT *m) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(m->Translated, 0);
    MmMapIoSpaceEx(d->u.Memory.Start, 0, PAGE_READWRITE | PAGE_NOCACHE);
    return FALSE;
}

/* The raw resources are the bus's. */
BOOLEAN maps_the_raw_address(MOMENT *m) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(m->Raw, 0);
    MmMapIoSpaceEx(d->u.Memory.Start, d->u.Memory.Length, PAGE_READWRITE | PAGE_NOCACHE);
    return FALSE;
}

BOOLEAN maps_more_than_its_bar(MOMENT *m) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(m->Translated, 0);
    MmMapIoSpaceEx(
        d->u.Memory.Start, d->u.Memory.Length + PAGE_SIZE, PAGE_READWRITE | PAGE_NOCACHE);
    return FALSE;
}

/* Without PAGE_NOCACHE: what is read may be what was read before. */
BOOLEAN maps_registers_cached(MOMENT *m) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(m->Translated, 0);
    MmMapIoSpaceEx(d->u.Memory.Start, d->u.Memory.Length, PAGE_READWRITE);
    return FALSE;
}

BOOLEAN leaks_an_mdl(MOMENT *m) {
    IoAllocateMdl(m->Context->Scratch, 64, FALSE, FALSE, NULL);
    return FALSE;
}

BOOLEAN leaks_a_work_item(MOMENT *m) {
    IoAllocateWorkItem(WdfDeviceWdmGetDeviceObject(m->Context->Device));
    return FALSE;
}

/* A driver that does not load is not asked to unload. */
BOOLEAN leaks_pool_when_it_does_not_load(MOMENT *m) {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG);
    m->Status = STATUS_UNSUCCESSFUL;
    return TRUE;
}

BOOLEAN unmaps_half_a_bar(MOMENT *m) {
    MmUnmapIoSpace(m->Context->Registers, m->Context->Length / 2);
    return FALSE;
}

BOOLEAN assigns_a_buffer_to_memory_that_has_one(MOMENT *m) {
    WDFMEMORY memory;
    if (!NT_SUCCESS(WdfMemoryCreate(
            WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 16, &memory, NULL)))
        return FALSE;
    WdfMemoryAssignBuffer(memory, m->Context->Scratch, 64);
    WdfObjectDelete(memory);
    return FALSE;
}

/* A kernel stack has 24 KiB. */
static __attribute__((noinline, optnone)) ULONG Descend(ULONG depth) {
    volatile UCHAR frame[1024];
    frame[0] = (UCHAR)depth;
    return depth == 0 ? KeGetCurrentIrql() : Descend(depth - 1) + frame[0];
}

BOOLEAN recurses_too_deep(MOMENT *m) {
    m->Context->Times = Descend(64);
    return FALSE;
}

/* The BAR is mapped twice, and the first mapping forgotten. */
BOOLEAN keeps_a_mapping(MOMENT *m) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(m->Translated, 0);
    MmMapIoSpaceEx(d->u.Memory.Start, d->u.Memory.Length, PAGE_READWRITE | PAGE_NOCACHE);
    return FALSE;
}

PVOID ExAllocatePoolWithTag(POOL_TYPE type, SIZE_T bytes, ULONG tag);

/* Since Windows 2000 there is no pool that must succeed: the system ends. */
BOOLEAN demands_pool(MOMENT *m) {
    PVOID memory = ExAllocatePoolWithTag(NonPagedPoolMustSucceed, 16, TAG);
    UNREFERENCED_PARAMETER(m);
    if (memory)
        ExFreePoolWithTag(memory, TAG);
    return FALSE;
}

/* The timer is set, and its memory freed. */
BOOLEAN frees_a_timer_that_is_set(MOMENT *m) {
    PKTIMER timer = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KTIMER), TAG);
    LARGE_INTEGER due = {.QuadPart = WDF_REL_TIMEOUT_IN_SEC(1)};
    UNREFERENCED_PARAMETER(m);
    if (!timer)
        return FALSE;
    KeInitializeTimer(timer);
    KeSetTimer(timer, due, NULL);
    ExFreePoolWithTag(timer, TAG);
    return FALSE;
}

static KTIMER Forgotten;

/* The timer is still set when the driver goes. */
BOOLEAN forgets_a_timer(MOMENT *m) {
    LARGE_INTEGER due = {.QuadPart = WDF_REL_TIMEOUT_IN_SEC(1000)};
    UNREFERENCED_PARAMETER(m);
    KeInitializeTimer(&Forgotten);
    KeSetTimer(&Forgotten, due, NULL);
    return FALSE;
}

/* As forgets_a_timer, in a driver that does not load. */
BOOLEAN leaves_a_timer_when_it_does_not_load(MOMENT *m) {
    forgets_a_timer(m);
    m->Status = STATUS_UNSUCCESSFUL;
    return TRUE;
}
