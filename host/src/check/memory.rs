//! Memory: pool, buffers, mappings, stacks.

use super::rule::rules;

rules! { Memory:
    ACCESS_VIOLATION = "AccessViolation", "bug checks 0x50, 0xD1, 0xBE",
        "The driver reads and writes memory it has, and nothing else.";
    INVALID_POINTER = "InvalidPointer", "bug checks 0x50, 0xD1",
        "A pointer that is handed to the framework or the kernel leads to memory of the size that is said or documented.";
    BUF_AFTER_REQ_COMPLETED = "BufAfterReqCompleted", "BufAfterReqCompleted* (DDI compliance)",
        "The buffer of a request is not accessed after the request was completed.";
    BUFFER_OVERRUN = "BufferOverrun", "special pool; bug checks 0xC1, 0xD6",
        "A buffer is written inside its bounds.";
    CONTEXT_OVERRUN = "ContextOverrun", "special pool; bug checks 0xC1, 0xD6",
        "An object's context space is written inside its bounds.";
    BAD_FREE = "BadFree", "bug check 0xC4, DRIVER_VERIFIER_DETECTED_VIOLATION",
        "What is freed was allocated that way, with that tag, and is freed once.";
    TIMER_OR_DPC_FREED = "TimerOrDpcFreed", "bug check 0xC7, TIMER_OR_DPC_INVALID",
        "Memory is not freed while a KTIMER in it is set or a KDPC in it is queued.";
    POOL_TAG = "PoolTag", "ExAllocatePool2",
        "Pool is allocated with a tag.";
    MUST_SUCCEED_POOL = "MustSucceedPool", "POOL_TYPE",
        "Pool is never demanded with a MustSucceed type: an allocation may fail.";
    POOL_LEAK = "PoolLeak", "bug check 0xC4, 0x62",
        "All pool, MDL and IO_WORKITEM is freed before the driver is unloaded, which it is too when DriverEntry fails.";
    MAPPING_LEAK = "MappingLeak", "MmUnmapIoSpace; bug check 0xC4",
        "All device memory is unmapped before the driver is unloaded.";
    MAP_IO_SPACE = "MapIoSpace", "kmdf-host; MmMapIoSpaceEx",
        "What is mapped is device memory that the translated resources name, and no more of it than there is.";
    MAP_IO_SPACE_CACHED = "MapIoSpaceCached", "kmdf-host; MmMapIoSpaceEx, PAGE_NOCACHE",
        "The registers of a device are mapped uncached, unless their BAR is prefetchable.";
    UNMAP_IO_SPACE = "UnmapIoSpace", "MmUnmapIoSpace",
        "A mapping is unmapped once, as a whole, with the size it was mapped with.";
    MEMORY_ASSIGN = "MemoryAssign", "WdfMemoryAssignBuffer",
        "A buffer is assigned to memory objects that were created for one.";
    STACK_OVERFLOW = "StackOverflow", "bug check 0x7F, double fault",
        "A callback leaves room on its kernel stack of 24 KiB.";
}
