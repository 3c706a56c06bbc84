/* Threads of the driver's, and what they wait for. */

#include "driver.h"

/* What a thread and who started it share. */
typedef struct {
    KEVENT Go, Ended;
    KSEMAPHORE Slots;
    KMUTEX Mutex;
    PVOID Thread;
    LONG Steps;
} SHARED;

static LONGLONG Relative(LONGLONG milliseconds) {
    return WDF_REL_TIMEOUT_IN_MS(milliseconds);
}

static NTSTATUS Wait(PVOID object, LONGLONG limit) {
    LARGE_INTEGER timeout;

    timeout.QuadPart = limit;
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &timeout);
}

/* Starts a thread: its object, with a reference. */
static PVOID Start(PKSTART_ROUTINE routine, PVOID context) {
    HANDLE handle;
    PVOID thread;

    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context)))
        return NULL;
    if (!NT_SUCCESS(ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL)))
        thread = NULL;
    ZwClose(handle);
    return thread;
}

/* Waits for the end of a thread and gives its object back. */
static BOOLEAN Join(PVOID thread) {
    BOOLEAN ended = Wait(thread, Relative(1000)) == STATUS_SUCCESS;

    ObDereferenceObject(thread);
    return ended;
}

/* A KSTART_ROUTINE that ends by returning. */
static void Returns(PVOID context) {
    SHARED *shared = context;

    if (Wait(&shared->Go, Relative(1000)) == STATUS_SUCCESS && KeGetCurrentIrql() == PASSIVE_LEVEL
        && (PVOID)KeGetCurrentThread() == shared->Thread)
        shared->Steps++;
}

static ULONG a_thread_runs_and_is_waited_for(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    KeInitializeEvent(&shared.Go, NotificationEvent, FALSE);
    shared.Thread = Start(Returns, &shared);
    HOLDS(shared.Thread != NULL && shared.Thread != (PVOID)KeGetCurrentThread());
    HOLDS(Wait(shared.Thread, Relative(1)) == STATUS_TIMEOUT);
    HOLDS(KeSetPriorityThread(shared.Thread, LOW_REALTIME_PRIORITY) == 8);
    KeSetEvent(&shared.Go, IO_NO_INCREMENT, FALSE);
    HOLDS(Join(shared.Thread) && shared.Steps == 1);
    return 0;
}

/* A KSTART_ROUTINE that ends inside a call. */
static void Terminates(PVOID context) {
    SHARED *shared = context;

    shared->Steps++;
    PsTerminateSystemThread(STATUS_SUCCESS);
    shared->Steps++;
}

static ULONG a_thread_ends_where_it_says(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    shared.Thread = Start(Terminates, &shared);
    HOLDS(shared.Thread != NULL && Join(shared.Thread) && shared.Steps == 1);
    return 0;
}

static ULONG several_objects_are_waited_for(WDFDEVICE device) {
    SHARED shared = {0};
    PVOID objects[2] = {&shared.Go, &shared.Ended};
    LARGE_INTEGER none, soon;

    UNREFERENCED_PARAMETER(device);
    none.QuadPart = 0;
    soon.QuadPart = Relative(1);
    KeInitializeEvent(&shared.Go, SynchronizationEvent, FALSE);
    KeInitializeEvent(&shared.Ended, NotificationEvent, TRUE);
    HOLDS(KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) == STATUS_WAIT_1);
    HOLDS(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &soon, NULL) == STATUS_TIMEOUT);
    KeSetEvent(&shared.Go, IO_NO_INCREMENT, FALSE);
    HOLDS(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL) == STATUS_SUCCESS);
    HOLDS(KeReadStateEvent(&shared.Go) == 0 && KeReadStateEvent(&shared.Ended) != 0);
    KeSetEvent(&shared.Go, IO_NO_INCREMENT, FALSE);
    HOLDS(KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, &none, NULL) == STATUS_WAIT_0);
    return 0;
}

static ULONG more_objects_are_waited_for_than_may_be(WDFDEVICE device) {
    KEVENT events[4];
    PVOID objects[4];
    ULONG index;

    UNREFERENCED_PARAMETER(device);
    for (index = 0; index < 4; index++) {
        KeInitializeEvent(&events[index], NotificationEvent, TRUE);
        objects[index] = &events[index];
    }
    KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    return 0;
}

static ULONG a_semaphore_counts(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    KeInitializeSemaphore(&shared.Slots, 1, 3);
    HOLDS(Wait(&shared.Slots, 0) == STATUS_SUCCESS && Wait(&shared.Slots, 0) == STATUS_TIMEOUT);
    HOLDS(KeReleaseSemaphore(&shared.Slots, 0, 2, FALSE) == 0 && KeReleaseSemaphore(&shared.Slots, 0, 1, FALSE) == 2);
    HOLDS(Wait(&shared.Slots, 0) == STATUS_SUCCESS && KeReadStateSemaphore(&shared.Slots) == 2);
    return 0;
}

static ULONG a_semaphore_is_released_beyond_its_limit(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    KeInitializeSemaphore(&shared.Slots, 1, 1);
    KeReleaseSemaphore(&shared.Slots, 0, 1, FALSE);
    return 0;
}

/* A KSTART_ROUTINE that wants the mutex. */
static void Takes(PVOID context) {
    SHARED *shared = context;

    if (Wait(&shared->Mutex, Relative(5)) == STATUS_TIMEOUT)
        shared->Steps++;
    KeSetEvent(&shared->Go, IO_NO_INCREMENT, FALSE);
    if (Wait(&shared->Mutex, Relative(1000)) == STATUS_SUCCESS) {
        shared->Steps++;
        KeReleaseMutex(&shared->Mutex, FALSE);
    }
}

static ULONG a_mutex_has_one_owner(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    KeInitializeMutex(&shared.Mutex, 0);
    KeInitializeEvent(&shared.Go, NotificationEvent, FALSE);
    HOLDS(Wait(&shared.Mutex, 0) == STATUS_SUCCESS && Wait(&shared.Mutex, 0) == STATUS_SUCCESS);
    shared.Thread = Start(Takes, &shared);
    HOLDS(shared.Thread != NULL && Wait(&shared.Go, Relative(1000)) == STATUS_SUCCESS && shared.Steps == 1);
    HOLDS(KeReleaseMutex(&shared.Mutex, FALSE) != 0 && KeReleaseMutex(&shared.Mutex, FALSE) == 0);
    HOLDS(Join(shared.Thread) && shared.Steps == 2);
    return 0;
}

static ULONG a_mutex_is_released_by_who_does_not_own_it(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    KeInitializeMutex(&shared.Mutex, 0);
    KeReleaseMutex(&shared.Mutex, FALSE);
    return 0;
}

static ULONG an_event_has_a_handle(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(low, L"\\KernelObjects\\LowMemoryCondition");
    DECLARE_CONST_UNICODE_STRING(own, L"\\BaseNamedObjects\\Card");
    LARGE_INTEGER none;
    HANDLE handle;
    PVOID object, event;

    UNREFERENCED_PARAMETER(device);
    none.QuadPart = 0;
    event = IoCreateNotificationEvent((PUNICODE_STRING)&low, &handle);
    HOLDS(event != NULL && KeReadStateEvent(event) == 0);
    HOLDS(ZwWaitForSingleObject(handle, FALSE, &none) == STATUS_TIMEOUT);
    HOLDS(ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &object, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
    HOLDS(ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, UserMode, &object, NULL) == STATUS_INVALID_HANDLE);
    SUCCEEDS(ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, KernelMode, &object, NULL));
    HOLDS(object == event);
    ZwClose(handle);
    KeSetEvent(object, IO_NO_INCREMENT, FALSE);
    HOLDS(Wait(object, 0) == STATUS_SUCCESS);
    ObDereferenceObject(object);
    HOLDS(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, NULL) == STATUS_INVALID_HANDLE);
    event = IoCreateSynchronizationEvent((PUNICODE_STRING)&own, &handle);
    HOLDS(event != NULL && Wait(event, 0) == STATUS_SUCCESS && Wait(event, 0) == STATUS_TIMEOUT);
    ZwClose(handle);
    return 0;
}

NTSTATUS Signal(WDFREQUEST request) {
    HANDLE *handle;
    PVOID event;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, sizeof(*handle), (PVOID *)&handle, NULL);

    if (NT_SUCCESS(status))
        status = ObReferenceObjectByHandle(*handle, EVENT_MODIFY_STATE, *ExEventObjectType, UserMode, &event, NULL);
    if (!NT_SUCCESS(status))
        return status;
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    ObDereferenceObject(event);
    return STATUS_SUCCESS;
}

static ULONG a_handle_is_closed_twice(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(name, L"\\BaseNamedObjects\\Card");
    HANDLE handle;

    UNREFERENCED_PARAMETER(device);
    HOLDS(IoCreateNotificationEvent((PUNICODE_STRING)&name, &handle) != NULL);
    ZwClose(handle);
    ZwClose(handle);
    return 0;
}

static ULONG a_reference_is_given_back_twice(WDFDEVICE device) {
    SHARED shared = {0};

    UNREFERENCED_PARAMETER(device);
    shared.Thread = Start(Terminates, &shared);
    HOLDS(shared.Thread != NULL && Join(shared.Thread));
    ObDereferenceObject(shared.Thread);
    return 0;
}

static ULONG a_reference_is_kept(WDFDEVICE device) {
    static SHARED shared;

    UNREFERENCED_PARAMETER(device);
    shared.Thread = Start(Terminates, &shared);
    HOLDS(shared.Thread != NULL);
    return 0;
}

/* A KSTART_ROUTINE that waits for what nobody signals. */
static void Stays(PVOID context) {
    SHARED *shared = context;

    KeWaitForSingleObject(&shared->Go, Executive, KernelMode, FALSE, NULL);
}

static ULONG a_thread_stays(WDFDEVICE device) {
    static SHARED shared;

    UNREFERENCED_PARAMETER(device);
    KeInitializeEvent(&shared.Go, NotificationEvent, FALSE);
    shared.Thread = Start(Stays, &shared);
    HOLDS(shared.Thread != NULL);
    ObDereferenceObject(shared.Thread);
    return 0;
}

static ULONG the_thread_of_another_is_ended(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    PsTerminateSystemThread(STATUS_SUCCESS);
    return 0;
}

static ULONG an_exception_is_raised(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    ExRaiseStatus(STATUS_ACCESS_DENIED);
    return 0;
}

/* MDL_MAPPED_TO_SYSTEM_VA */
#define MAPPED 1

static ULONG pages_are_described_mapped_and_given_back(WDFDEVICE device) {
    PHYSICAL_ADDRESS low, high, skip;
    PUCHAR bytes;
    PMDL list;
    PPFN_NUMBER frames;

    UNREFERENCED_PARAMETER(device);
    low.QuadPart = skip.QuadPart = 0;
    high.QuadPart = MAXULONG - 1;
    list = MmAllocatePagesForMdlEx(low, high, skip, 2 * PAGE_SIZE, MmCached, 0);
    HOLDS(list != NULL && MmGetMdlByteCount(list) == 2 * PAGE_SIZE && !(list->MdlFlags & MAPPED));
    frames = MmGetMdlPfnArray(list);
    HOLDS(frames[0] != 0 && frames[0] < MAXULONG / PAGE_SIZE && frames[1] != frames[0]);
    bytes = MmMapLockedPagesSpecifyCache(list, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    HOLDS(bytes != NULL && (list->MdlFlags & MAPPED));
    bytes[2 * PAGE_SIZE - 1] = 1;
    HOLDS(MmGetPhysicalAddress(bytes).QuadPart == (LONGLONG)frames[0] * PAGE_SIZE);
    MmUnmapLockedPages(bytes, list);
    MmFreePagesFromMdl(list);
    ExFreePool(list);
    return 0;
}

static ULONG pages_are_kept(WDFDEVICE device) {
    PHYSICAL_ADDRESS low, high, skip;
    PMDL list;

    UNREFERENCED_PARAMETER(device);
    low.QuadPart = skip.QuadPart = 0;
    high.QuadPart = -1;
    list = MmAllocatePagesForMdlEx(low, high, skip, PAGE_SIZE, MmCached, 0);
    HOLDS(list != NULL);
    ExFreePool(list);
    return 0;
}

static ULONG device_memory_is_described_and_mapped(WDFDEVICE device) {
    MM_PHYSICAL_ADDRESS_LIST entry;
    CARD *card = CardOf(device);
    PULONG table;
    PMDL list;

    entry.PhysicalAddress = card->Translated;
    entry.NumberOfBytes = card->Length;
    SUCCEEDS(MmAllocateMdlForIoSpace(&entry, 1, &list));
    table = MmMapLockedPagesSpecifyCache(list, UserMode, MmNonCached, NULL, FALSE, NormalPagePriority);
    HOLDS(table != NULL && READ_REGISTER_ULONG(table) == READ_REGISTER_ULONG((PULONG)card->Memory));
    MmUnmapLockedPages(table, list);
    IoFreeMdl(list);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK ThreadChecks[] = {
    ENTRY(a_thread_runs_and_is_waited_for),
    ENTRY(a_thread_ends_where_it_says),
    ENTRY(several_objects_are_waited_for),
    ENTRY(more_objects_are_waited_for_than_may_be),
    ENTRY(a_semaphore_counts),
    ENTRY(a_semaphore_is_released_beyond_its_limit),
    ENTRY(a_mutex_has_one_owner),
    ENTRY(a_mutex_is_released_by_who_does_not_own_it),
    ENTRY(an_event_has_a_handle),
    ENTRY(a_handle_is_closed_twice),
    ENTRY(a_reference_is_given_back_twice),
    ENTRY(a_reference_is_kept),
    ENTRY(a_thread_stays),
    ENTRY(the_thread_of_another_is_ended),
    ENTRY(an_exception_is_raised),
    ENTRY(pages_are_described_mapped_and_given_back),
    ENTRY(pages_are_kept),
    ENTRY(device_memory_is_described_and_mapped),
    {NULL, NULL},
};
