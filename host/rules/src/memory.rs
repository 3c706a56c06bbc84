//! Memory: pool, buffers, mappings, stacks.

use crate::rule::declare;

declare! { Memory:
    ACCESS_VIOLATION = System "AccessViolation", "bug checks 0x50, 0xD1, 0xBE",
        "The driver reads and writes memory it has, and nothing else.";
    INVALID_POINTER = System "InvalidPointer", "bug checks 0x50, 0xD1; KMDF for NULL: 0x10D, 0x4 WDF_REQUIRED_PARAMETER_IS_NULL (fxverifierbugcheck.cpp)",
        "A pointer that is handed to the framework or the kernel leads to memory of the size that is said or documented.";
    BUF_AFTER_REQ_COMPLETED = Compliance "BufAfterReqCompleted", "BufAfterReqCompleted*",
        "The buffer of a request is not accessed after the request was completed.";
    BUFFER_OVERRUN = System "BufferOverrun", "Driver Verifier, special pool: bug checks 0xC1, 0xD6",
        "A buffer is written inside its bounds.";
    CONTEXT_OVERRUN = System "ContextOverrun", "Driver Verifier, special pool: bug checks 0xC1, 0xD6",
        "An object's context space is written inside its bounds.";
    BAD_FREE = System "BadFree", "Driver Verifier: bug check 0xC4; bug check 0xC2, BAD_POOL_CALLER",
        "What is freed was allocated that way, with that tag, and is freed once.";
    TIMER_OR_DPC_FREED = System "TimerOrDpcFreed", "bug check 0xC7, TIMER_OR_DPC_INVALID",
        "Memory is not freed while a KTIMER in it is set or a KDPC in it is queued.";
    POOL_TAG = System "PoolTag", "bug check 0xC2, 0x9B",
        "Pool is allocated with a tag.";
    MUST_SUCCEED_POOL = System "MustSucceedPool", "bug check 0xC2, 0x9A",
        "Pool is never demanded with a MustSucceed type: an allocation may fail.";
    POOL_LEAK = System "PoolLeak", "Driver Verifier, pool tracking: bug check 0xC4, 0x62; kmdf-host for MDLs and work items",
        "All pool, MDL and IO_WORKITEM is freed before the driver is unloaded, which it is too when DriverEntry fails.";
    MAPPING_LEAK = Own "MappingLeak", "kmdf-host; MmUnmapIoSpace",
        "All device memory is unmapped before the driver is unloaded.";
    MAP_IO_SPACE = Own "MapIoSpace", "kmdf-host; MmMapIoSpaceEx",
        "What is mapped is device memory that the translated resources name, and no more of it than there is.";
    MAP_IO_SPACE_CACHED = Own "MapIoSpaceCached", "kmdf-host; MmMapIoSpaceEx, PAGE_NOCACHE",
        "The registers of a device are mapped uncached, unless their BAR is prefetchable.";
    UNMAP_IO_SPACE = Own "UnmapIoSpace", "kmdf-host; MmUnmapIoSpace",
        "A mapping is unmapped once, as a whole, with the size it was mapped with.";
    MEMORY_ASSIGN = Framework "MemoryAssign", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (WdfMemoryAssignBuffer, fxmemorybufferpreallocatedapi.cpp)",
        "A buffer is assigned to memory objects that were created for one.";
    STACK_OVERFLOW = System "StackOverflow", "bug check 0x7F, double fault",
        "A callback leaves room on its kernel stack of 24 KiB.";
}
