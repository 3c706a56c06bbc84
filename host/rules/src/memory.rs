//! Memory: pool, buffers, mappings, stacks.

use crate::rule::declare;

declare! { Memory:
    ACCESS_VIOLATION = System "AccessViolation", "bug checks 0x50, 0xD1, 0xBE",
        "The driver reads and writes only memory that it has allocated or was given.";
    INVALID_POINTER = System "InvalidPointer", "bug checks 0x50, 0xD1; KMDF for NULL: 0x10D, 0x4 WDF_REQUIRED_PARAMETER_IS_NULL (fxverifierbugcheck.cpp)",
        "A pointer that is passed to the framework or the kernel points to memory of the stated or documented size.";
    BUF_AFTER_REQ_COMPLETED = Compliance "BufAfterReqCompleted", "BufAfterReqCompleted*",
        "The buffer of a request is not accessed after the request was completed.";
    BUFFER_OVERRUN = System "BufferOverrun", "Driver Verifier, special pool: bug checks 0xC1, 0xD6",
        "A buffer is written only inside its bounds.";
    CONTEXT_OVERRUN = System "ContextOverrun", "Driver Verifier, special pool: bug checks 0xC1, 0xD6",
        "An object's context space is written only inside its bounds.";
    BAD_FREE = System "BadFree", "Driver Verifier: bug check 0xC4; bug check 0xC2, BAD_POOL_CALLER",
        "Memory is freed once, by the function and with the tag that match its allocation.";
    TIMER_OR_DPC_FREED = System "TimerOrDpcFreed", "bug check 0xC7, TIMER_OR_DPC_INVALID",
        "Memory is not freed while a KTIMER in it is set or a KDPC in it is queued.";
    POOL_TAG = System "PoolTag", "bug check 0xC2, 0x9B",
        "Pool is allocated with a tag.";
    MUST_SUCCEED_POOL = System "MustSucceedPool", "bug check 0xC2, 0x9A",
        "Pool is never allocated with a MustSucceed type: an allocation may fail.";
    POOL_LEAK = System "PoolLeak", "Driver Verifier, pool tracking: bug check 0xC4, 0x62; kmdf-host for MDLs and work items",
        "All pool, MDLs and IO_WORKITEMs are freed before the driver is unloaded, also if DriverEntry fails.";
    MAPPING_LEAK = Own "MappingLeak", "kmdf-host; MmUnmapIoSpace",
        "All device memory is unmapped before the driver is unloaded.";
    MAP_IO_SPACE = Own "MapIoSpace", "kmdf-host; MmMapIoSpaceEx",
        "Only device memory in the translated resources is mapped, and not beyond its end.";
    MAP_IO_SPACE_CACHED = Own "MapIoSpaceCached", "kmdf-host; MmMapIoSpaceEx, PAGE_NOCACHE",
        "The registers of a device are mapped uncached, unless their BAR is prefetchable.";
    UNMAP_IO_SPACE = Own "UnmapIoSpace", "kmdf-host; MmUnmapIoSpace",
        "A mapping is unmapped once, as a whole, with the size with which it was mapped.";
    MDL_PAGES = System "MdlPages", "bug checks 0x76, PROCESS_HAS_LOCKED_PAGES, and 0xCB",
        "The pages of an MDL are locked once, and unlocked once before the MDL is freed.";
    MEMORY_ASSIGN = Framework "MemoryAssign", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (WdfMemoryAssignBuffer, fxmemorybufferpreallocatedapi.cpp)",
        "A buffer is assigned only to memory objects that were created for this (WdfMemoryCreatePreallocated).";
    STACK_OVERFLOW = System "StackOverflow", "bug check 0x7F, double fault",
        "A callback does not exhaust its kernel stack of 24 KiB.";
}
