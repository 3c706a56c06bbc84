/* Probes of memory objects and look-aside lists. */

#include "group.h"

PROBE(a_look_aside_list_makes_memory_of_one_size) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory[2];
    size_t bytes;

    HOLDS(WdfLookasideListCreate(NULL, 0, NonPagedPoolNx, NULL, 0, &list) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfLookasideListCreate(&attributes, 24, NonPagedPoolNx, &attributes, 'borP', &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[0]));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[1]));
    HOLDS(WdfMemoryGetBuffer(memory[0], &bytes) != WdfMemoryGetBuffer(memory[1], NULL));
    HOLDS(bytes == 24);
    /* The memory outlives the list. */
    WdfObjectDelete(list);
    RtlZeroMemory(WdfMemoryGetBuffer(memory[0], NULL), bytes);
    WdfObjectDelete(memory[0]);
    WdfObjectDelete(memory[1]);
    SUCCEEDS(WdfLookasideListCreate(&attributes, 5000, PagedPool, NULL, 0, &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[0]));
    WdfMemoryGetBuffer(memory[0], &bytes);
    HOLDS(bytes == 5000);
    WdfObjectDelete(memory[0]);
    WdfObjectDelete(list);
    return 0;
}

GROUP(memory, PROBES_MEMORY)
