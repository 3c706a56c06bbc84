/* Exceptions: those that the driver and the kernel raise, and those of accesses to what an app named. */

#include "driver.h"

/* Where an app could have memory, and has none. */
#define NOBODYS ((PUCHAR)0x10000000)

/* What happened, in its order: a digit for each step. */
static ULONG Steps;

static LONG Note(ULONG step, LONG answer) {
    Steps = Steps * 10 + step;
    return answer;
}

/* In functions of their own: clang guards the calls in a block, not its own accesses. */
static DECLSPEC_NOINLINE UCHAR Load(volatile UCHAR *from) {
    return *from;
}

static DECLSPEC_NOINLINE void Store(volatile UCHAR *to) {
    *to = 1;
}

static DECLSPEC_NOINLINE void Raise(NTSTATUS status) {
    if (status == STATUS_ACCESS_VIOLATION)
        ExRaiseAccessViolation();
    if (status == STATUS_DATATYPE_MISALIGNMENT)
        ExRaiseDatatypeMisalignment();
    ExRaiseStatus(status);
}

static ULONG an_exception_is_caught(WDFDEVICE device) {
    static const NTSTATUS all[] = {STATUS_DEVICE_BUSY, STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT};
    NTSTATUS caught = STATUS_SUCCESS;
    ULONG index;

    UNREFERENCED_PARAMETER(device);
    for (index = 0; index < RTL_NUMBER_OF(all); index++) {
        __try {
            Raise(all[index]);
            return __LINE__;
        } __except (GetExceptionCode() == all[index] ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
            caught = GetExceptionCode();
        }
        HOLDS(caught == all[index]);
    }
    return 0;
}

static DECLSPEC_NOINLINE void Inner(NTSTATUS status) {
    __try {
        Note(1, 0);
        if (status != STATUS_SUCCESS)
            Raise(status);
    } __finally {
        Note(AbnormalTermination() ? 3 : 2, 0);
    }
}

static DECLSPEC_NOINLINE void Nested(NTSTATUS status) {
    __try {
        Inner(status);
    } __except (Note(4, EXCEPTION_CONTINUE_SEARCH)) {
        Note(9, 0);
    }
    Note(5, 0);
}

static ULONG a_filter_is_asked_before_a_frame_is_left(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    Steps = 0;
    Nested(STATUS_SUCCESS);
    HOLDS(Steps == 125);
    Steps = 0;
    __try {
        __try {
            __try {
                Nested(STATUS_DEVICE_BUSY);
            } __except (Note(6, EXCEPTION_CONTINUE_SEARCH)) {
                Note(9, 0);
            }
        } __except (Note(7, EXCEPTION_EXECUTE_HANDLER)) {
            Note(8, 0);
        }
    } __finally {
        Note(AbnormalTermination() ? 9 : 5, 0);
    }
    HOLDS(Steps == 1467385);
    return 0;
}

static DECLSPEC_NOINLINE LONG64 Spread(LONG64 seed, volatile UCHAR *from) {
    LONG64 a = seed * 3, b = seed * 5, c = seed * 7, d = seed * 11, e = seed * 13, f = seed * 17, g = seed * 19;

    return Load(from) + a + b + c + d + e + f + g;
}

static ULONG registers_are_as_they_were(WDFDEVICE device) {
    LONG64 one = (LONG64)(ULONG_PTR)device | 1, two = one * 3, three = one * 5, four = one * 7, five = one * 9, sum;
    UCHAR there = 4;

    sum = Spread(one, &there);
    __try {
        sum += Spread(two, NOBODYS);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        sum += 1;
    }
    HOLDS(sum == one * 75 + 5 && two == one * 3 && three == one * 5 && four == one * 7 && five == one * 9);
    return 0;
}

/* What an access says about itself. */
static LONG IsFault(PEXCEPTION_POINTERS pointers, ULONG_PTR is_write, ULONG_PTR address) {
    PEXCEPTION_RECORD record = pointers->ExceptionRecord;

    return record->ExceptionCode == STATUS_ACCESS_VIOLATION && record->NumberParameters == 2
        && record->ExceptionInformation[0] == is_write && record->ExceptionInformation[1] == address;
}

static ULONG an_access_to_what_an_app_does_not_have_is_caught(WDFDEVICE device) {
    UCHAR room[8];
    volatile SIZE_T length = sizeof(room);

    UNREFERENCED_PARAMETER(device);
    Steps = 0;
    __try {
        Load(NOBODYS + 1);
    } __except (IsFault(GetExceptionInformation(), 0, (ULONG_PTR)NOBODYS + 1)) {
        Note(1, 0);
    }
    __try {
        Store(NULL);
    } __except (IsFault(GetExceptionInformation(), 1, 0)) {
        Note(2, 0);
    }
    __try {
        RtlCopyMemory(room, NOBODYS, length);
        Load(room);
    } __except (IsFault(GetExceptionInformation(), 0, (ULONG_PTR)NOBODYS)) {
        Note(3, 0);
    }
    HOLDS(Steps == 123);
    return 0;
}

/* Gives every general register that has the one value the other. */
static LONG Repair(PEXCEPTION_POINTERS pointers, PVOID bad, PVOID good) {
    ULONG_PTR *registers = (ULONG_PTR *)((PUCHAR)pointers->ContextRecord + 0x78);
    ULONG index;

    for (index = 0; index < 16; index++)
        if (registers[index] == (ULONG_PTR)bad)
            registers[index] = (ULONG_PTR)good;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static ULONG a_filter_puts_an_access_right(WDFDEVICE device) {
    UCHAR good = 42, loaded = 0;

    UNREFERENCED_PARAMETER(device);
    __try {
        loaded = Load(NOBODYS);
    } __except (Repair(GetExceptionInformation(), NOBODYS, &good)) {
        return __LINE__;
    }
    HOLDS(loaded == 42);
    return 0;
}

static NTSTATUS Probe(PVOID address, SIZE_T length, ULONG alignment, BOOLEAN write) {
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        if (write)
            ProbeForWrite(address, length, alignment);
        else
            ProbeForRead(address, length, alignment);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static ULONG what_an_app_names_is_probed(WDFDEVICE device) {
    ULONG here = 0;

    UNREFERENCED_PARAMETER(device);
    HOLDS(Probe(NOBODYS, 4096, 1, FALSE) == STATUS_SUCCESS && Probe(&here, 0, 1, FALSE) == STATUS_SUCCESS);
    HOLDS(Probe(NOBODYS + 2, 4, 4, FALSE) == STATUS_DATATYPE_MISALIGNMENT);
    HOLDS(Probe(&here, sizeof(here), 1, FALSE) == STATUS_ACCESS_VIOLATION);
    HOLDS(Probe(&here, sizeof(here), 1, TRUE) == STATUS_ACCESS_VIOLATION);
    HOLDS(Probe(NOBODYS, (SIZE_T)-1, 1, FALSE) == STATUS_ACCESS_VIOLATION);
    HOLDS(Probe(NOBODYS, 4096, 1, TRUE) == STATUS_ACCESS_VIOLATION);
    return 0;
}

static NTSTATUS Lock(PMDL list, KPROCESSOR_MODE mode) {
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        MmProbeAndLockPages(list, mode, IoWriteAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static ULONG pages_are_probed_and_locked(WDFDEVICE device) {
    UCHAR *pool = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'drac'), *mapped;
    PMDL nobodys = IoAllocateMdl(NOBODYS, 100, FALSE, FALSE, NULL), own;

    UNREFERENCED_PARAMETER(device);
    HOLDS(pool != NULL && nobodys != NULL && Lock(nobodys, UserMode) == STATUS_ACCESS_VIOLATION);
    IoFreeMdl(nobodys);
    own = IoAllocateMdl(pool, 100, FALSE, FALSE, NULL);
    HOLDS(own != NULL && Lock(own, UserMode) == STATUS_ACCESS_VIOLATION && Lock(own, KernelMode) == STATUS_SUCCESS);
    mapped = MmMapLockedPagesSpecifyCache(own, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    HOLDS(mapped != NULL);
    mapped[99] = 7;
    HOLDS(pool[99] == 7);
    MmUnmapLockedPages(mapped, own);
    MmUnlockPages(own);
    IoFreeMdl(own);
    ExFreePoolWithTag(pool, 'drac');
    return 0;
}

/* EVT_WDF_OBJECT_CONTEXT_CLEANUP */
static void RaiseInCleanup(WDFOBJECT object) {
    UNREFERENCED_PARAMETER(object);
    Raise(STATUS_DEVICE_BUSY);
}

static ULONG an_exception_leaves_a_callback(WDFDEVICE device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    attributes.EvtCleanupCallback = RaiseInCleanup;
    SUCCEEDS(WdfObjectCreate(&attributes, &object));
    __try {
        WdfObjectDelete(object);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note(1, 0);
    }
    return 0;
}

static ULONG nobody_wants_an_exception(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    __try {
        Raise(STATUS_DEVICE_BUSY);
    } __except (EXCEPTION_CONTINUE_SEARCH) {
        Note(1, 0);
    }
    return 0;
}

static ULONG memory_that_was_freed_is_guarded(WDFDEVICE device) {
    UCHAR *pool = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'drac');

    UNREFERENCED_PARAMETER(device);
    HOLDS(pool != NULL);
    ExFreePoolWithTag(pool, 'drac');
    __try {
        Load(pool);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note(1, 0);
    }
    return 0;
}

static ULONG pages_stay_locked(WDFDEVICE device) {
    UCHAR room[4];
    PMDL list = IoAllocateMdl(room, sizeof(room), FALSE, FALSE, NULL);

    UNREFERENCED_PARAMETER(device);
    HOLDS(list != NULL && Lock(list, KernelMode) == STATUS_SUCCESS);
    IoFreeMdl(list);
    return 0;
}

static ULONG pages_are_unlocked_twice(WDFDEVICE device) {
    UCHAR room[4];
    PMDL list = IoAllocateMdl(room, sizeof(room), FALSE, FALSE, NULL);

    UNREFERENCED_PARAMETER(device);
    HOLDS(list != NULL && Lock(list, KernelMode) == STATUS_SUCCESS);
    MmUnlockPages(list);
    MmUnlockPages(list);
    IoFreeMdl(list);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK ExceptionChecks[] = {
    ENTRY(an_exception_is_caught),
    ENTRY(a_filter_is_asked_before_a_frame_is_left),
    ENTRY(registers_are_as_they_were),
    ENTRY(an_access_to_what_an_app_does_not_have_is_caught),
    ENTRY(a_filter_puts_an_access_right),
    ENTRY(what_an_app_names_is_probed),
    ENTRY(pages_are_probed_and_locked),
    ENTRY(an_exception_leaves_a_callback),
    ENTRY(nobody_wants_an_exception),
    ENTRY(memory_that_was_freed_is_guarded),
    ENTRY(pages_stay_locked),
    ENTRY(pages_are_unlocked_twice),
    {NULL, NULL},
};
