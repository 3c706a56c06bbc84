/* Probes of memory objects and look-aside lists. */

#include "group.h"

typedef struct {
    ULONG Nothing;
} MEMORY_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(MEMORY_CONTEXT, MemoryContextOf)

PROBE(a_look_aside_list_makes_memory_of_one_size) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory[2];
    size_t bytes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfLookasideListCreate(&attributes, 24, NonPagedPoolNx, &attributes, 'borP', &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[0]));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[1]));
    HOLDS(WdfMemoryGetBuffer(memory[0], &bytes) != WdfMemoryGetBuffer(memory[1], NULL));
    HOLDS(bytes == 24);
    WdfObjectDelete(memory[0]);
    WdfObjectDelete(memory[1]);
    WdfObjectDelete(list);
    return 0;
}

PROBE(memory_outlives_its_look_aside_list) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory;
    size_t bytes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfLookasideListCreate(&attributes, 24, NonPagedPoolNx, &attributes, 'borP', &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory));
    WdfObjectDelete(list);
    RtlZeroMemory(WdfMemoryGetBuffer(memory, &bytes), 24);
    HOLDS(bytes == 24);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(a_look_aside_list_may_be_pageable) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory;
    size_t bytes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfLookasideListCreate(&attributes, 5000, PagedPool, NULL, 0, &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory));
    WdfMemoryGetBuffer(memory, &bytes);
    HOLDS(bytes == 5000);
    WdfObjectDelete(memory);
    WdfObjectDelete(list);
    return 0;
}

PROBE(a_look_aside_list_makes_memory_of_some_size) {
    WDFLOOKASIDE list = (WDFLOOKASIDE)device;

    HOLDS(WdfLookasideListCreate(NULL, 0, NonPagedPoolNx, NULL, 0, &list) == STATUS_INVALID_PARAMETER);
    HOLDS(list == NULL);
    return 0;
}

PROBE(a_look_aside_list_has_no_execution_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfLookasideListCreate(&attributes, 24, NonPagedPoolNx, NULL, 0, &list)
        == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    return 0;
}

PROBE(a_look_aside_list_looks_at_the_attributes_of_its_memory) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfLookasideListCreate(NULL, 24, NonPagedPoolNx, &attributes, 0, &list)
        == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    return 0;
}

PROBE(memory_of_a_look_aside_list_has_its_context) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, MEMORY_CONTEXT);
    SUCCEEDS(WdfLookasideListCreate(NULL, 24, NonPagedPoolNx, &attributes, 0, &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory));
    HOLDS(MemoryContextOf(memory) != NULL && MemoryContextOf(memory)->Nothing == 0);
    WdfObjectDelete(memory);
    WdfObjectDelete(list);
    return 0;
}

PROBE(memory_has_the_size_it_was_made_with) {
    WDFMEMORY memory;
    PVOID buffer;
    size_t bytes;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 33, &memory, &buffer));
    HOLDS(WdfMemoryGetBuffer(memory, &bytes) == buffer && bytes == 33);
    HOLDS(WdfMemoryGetBuffer(memory, NULL) == buffer);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(memory_of_a_page_begins_at_a_page) {
    WDFMEMORY memory;
    PVOID buffer;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', PAGE_SIZE, &memory, &buffer));
    HOLDS(((ULONG_PTR)buffer & (PAGE_SIZE - 1)) == 0);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(memory_may_be_pageable) {
    WDFMEMORY memory;
    size_t bytes;

    SUCCEEDS(WdfMemoryCreate(NULL, PagedPool, 0, 33, &memory, NULL));
    RtlZeroMemory(WdfMemoryGetBuffer(memory, &bytes), 33);
    HOLDS(bytes == 33);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(memory_has_some_size) {
    WDFMEMORY memory;

    HOLDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 0, &memory, NULL) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(memory_has_neither_level_nor_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelDispatch;
    HOLDS(WdfMemoryCreate(&attributes, NonPagedPoolNx, 0, 8, &memory, NULL)
        == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(WdfMemoryCreate(&attributes, NonPagedPoolNx, 0, 8, &memory, NULL)
        == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(memory_that_is_refused_is_null) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory = (WDFMEMORY)device;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    HOLDS(WdfMemoryCreate(&attributes, NonPagedPoolNx, 0, 8, &memory, NULL)
        == STATUS_INFO_LENGTH_MISMATCH);
    HOLDS(memory == NULL);
    return 0;
}

PROBE(bytes_are_copied_into_memory_and_out) {
    UCHAR in[4] = {1, 2, 3, 4}, out[4] = {0};
    WDFMEMORY memory;
    PUCHAR buffer;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, (PVOID *)&buffer));
    RtlZeroMemory(buffer, 8);
    SUCCEEDS(WdfMemoryCopyFromBuffer(memory, 4, in, 4));
    HOLDS(buffer[3] == 0 && buffer[4] == 1 && buffer[7] == 4);
    SUCCEEDS(WdfMemoryCopyToBuffer(memory, 3, out, 4));
    HOLDS(out[0] == 0 && out[1] == 1 && out[3] == 3);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(memory_takes_no_more_than_it_has) {
    UCHAR bytes[16] = {0};
    WDFMEMORY memory;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, NULL));
    HOLDS(WdfMemoryCopyFromBuffer(memory, 0, bytes, 9) == STATUS_INVALID_BUFFER_SIZE);
    HOLDS(WdfMemoryCopyFromBuffer(memory, 5, bytes, 4) == STATUS_INVALID_BUFFER_SIZE);
    HOLDS(WdfMemoryCopyFromBuffer(memory, 8, bytes, 1) == STATUS_INVALID_BUFFER_SIZE);
    SUCCEEDS(WdfMemoryCopyFromBuffer(memory, 7, bytes, 1));
    WdfObjectDelete(memory);
    return 0;
}

PROBE(memory_gives_no_more_than_it_has) {
    UCHAR bytes[16];
    WDFMEMORY memory;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, NULL));
    HOLDS(WdfMemoryCopyToBuffer(memory, 0, bytes, 9) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(WdfMemoryCopyToBuffer(memory, 5, bytes, 4) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(WdfMemoryCopyToBuffer(memory, 8, bytes, 1) == STATUS_BUFFER_TOO_SMALL);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(some_bytes_are_copied) {
    UCHAR byte = 0;
    WDFMEMORY memory;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, NULL));
    HOLDS(WdfMemoryCopyFromBuffer(memory, 0, &byte, 0) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfMemoryCopyToBuffer(memory, 0, &byte, 0) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(memory);
    return 0;
}

PROBE(preallocated_memory_is_the_drivers_own) {
    UCHAR bytes[8];
    WDFMEMORY memory;
    size_t size;

    SUCCEEDS(WdfMemoryCreatePreallocated(NULL, bytes, sizeof(bytes), &memory));
    HOLDS(WdfMemoryGetBuffer(memory, &size) == bytes && size == sizeof(bytes));
    WdfObjectDelete(memory);
    return 0;
}

PROBE(preallocated_memory_has_some_size) {
    UCHAR bytes[8];
    WDFMEMORY memory = (WDFMEMORY)device;

    HOLDS(WdfMemoryCreatePreallocated(NULL, bytes, 0, &memory) == STATUS_INVALID_PARAMETER);
    HOLDS(memory == NULL);
    return 0;
}

PROBE(preallocated_memory_takes_another_buffer) {
    UCHAR first[8], second[4];
    WDFMEMORY memory;
    size_t size;

    SUCCEEDS(WdfMemoryCreatePreallocated(NULL, first, sizeof(first), &memory));
    SUCCEEDS(WdfMemoryAssignBuffer(memory, second, sizeof(second)));
    HOLDS(WdfMemoryGetBuffer(memory, &size) == second && size == sizeof(second));
    WdfObjectDelete(memory);
    return 0;
}

PROBE(preallocated_memory_takes_no_buffer_without_a_size) {
    UCHAR first[8], second[4];
    WDFMEMORY memory;
    size_t size;

    SUCCEEDS(WdfMemoryCreatePreallocated(NULL, first, sizeof(first), &memory));
    HOLDS(WdfMemoryAssignBuffer(memory, second, 0) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfMemoryGetBuffer(memory, &size) == first && size == sizeof(first));
    WdfObjectDelete(memory);
    return 0;
}

static UCHAR SeenInCleanup;

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnMemoryCleanup;
static void OnMemoryCleanup(WDFOBJECT memory) {
    SeenInCleanup = *(PUCHAR)WdfMemoryGetBuffer((WDFMEMORY)memory, NULL);
}

PROBE(memory_is_there_while_it_is_cleaned_up) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;
    PUCHAR buffer;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = OnMemoryCleanup;
    SUCCEEDS(WdfMemoryCreate(&attributes, NonPagedPoolNx, 'borP', 8, &memory, (PVOID *)&buffer));
    *buffer = 77;
    SeenInCleanup = 0;
    WdfObjectDelete(memory);
    HOLDS(SeenInCleanup == 77);
    return 0;
}

PROBE(referenced_memory_keeps_its_buffer) {
    WDFMEMORY memory;
    PUCHAR buffer;

    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, (PVOID *)&buffer));
    *buffer = 78;
    WdfObjectReference(memory);
    WdfObjectDelete(memory);
    HOLDS(*buffer == 78);
    WdfObjectDereference(memory);
    return 0;
}

GROUP(memory, PROBES_MEMORY)
