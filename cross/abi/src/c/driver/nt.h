/* Annotations: they say to a checker what the documentation says; to the compiler nothing. */
#define IN
#define OUT
#define OPTIONAL
#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(x)
#define _In_reads_opt_(x)
#define _In_reads_bytes_(x)
#define _In_reads_bytes_opt_(x)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(x)
#define _Inout_updates_bytes_(x)
#define _Out_
#define _Out_opt_
#define _Out_writes_(x)
#define _Out_writes_opt_(x)
#define _Out_writes_bytes_(x)
#define _Out_writes_bytes_opt_(x)
#define _Out_writes_bytes_to_(x, y)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Ret_maybenull_
#define _Reserved_
#define _Null_terminated_
#define _Field_size_(x)
#define _Field_size_bytes_(x)
#define _When_(condition, annotation)
#define _At_(target, annotation)
#define _On_failure_(x)
#define _Post_satisfies_(x)
#define _Pre_satisfies_(x)
#define _Success_(x)
#define _Must_inspect_result_
#define _Check_return_
#define _Use_decl_annotations_
#define _Analysis_assume_(x)
#define _Analysis_noreturn_
#define _Function_class_(x)
#define _Dispatch_type_(x)
#define _Acquires_lock_(x)
#define _Releases_lock_(x)
#define _Requires_lock_held_(x)
#define _Requires_lock_not_held_(x)
#define _IRQL_always_function_max_(x)
#define _IRQL_always_function_min_(x)
#define _IRQL_raises_(x)
#define _IRQL_requires_(x)
#define _IRQL_requires_max_(x)
#define _IRQL_requires_min_(x)
#define _IRQL_requires_same_
#define _IRQL_restores_
#define _IRQL_saves_
#define _Interlocked_operand_
#define __drv_aliasesMem
#define __drv_allocatesMem(x)
#define __drv_freesMem(x)
#define __analysis_assume(x)

/* The end of a string. */
#define UNICODE_NULL ((WCHAR)0)

/* The language. */
#ifndef FORCEINLINE
#define FORCEINLINE static inline __attribute__((always_inline, unused))
#endif
#define NTAPI
#ifdef __cplusplus
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif
#define POINTER_32 __ptr32
typedef unsigned int UINT, UINT32, ULONG32, *PUINT, *PUINT32, *PULONG32;
typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef signed int INT, INT32, LONG32, *PINT, *PINT32;
typedef unsigned long long UINT64, *PUINT64;
typedef signed long long INT64, *PINT64;
typedef LONG_PTR SSIZE_T, *PSSIZE_T;
#define DECLSPEC_NOINLINE __declspec(noinline)
#define NTSYSAPI
#define NTKERNELAPI
#define MAXUINT8 ((UINT8)~0)
#define MAXUINT16 ((UINT16)~0)
#define MAXUINT32 ((UINT32)~0)
#define UNREFERENCED_PARAMETER(P) ((void)(P))
#define DBG_UNREFERENCED_PARAMETER(P) ((void)(P))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(V) ((void)(V))
#define C_ASSERT(e) _Static_assert(e, #e)
#ifndef offsetof
#define offsetof(type, field) __builtin_offsetof(type, field)
#endif
#define ROUND_TO_PAGES(Size) (((ULONG_PTR)(Size) + PAGE_SIZE - 1) & ~((ULONG_PTR)PAGE_SIZE - 1))
#define BYTES_TO_PAGES(Size) ((((ULONG_PTR)(Size)) + PAGE_SIZE - 1) / PAGE_SIZE)
#define Int32x32To64(a, b) ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define FIELD_OFFSET(type, field) ((LONG)__builtin_offsetof(type, field))
#define CONTAINING_RECORD(address, type, field) \
    ((type *)((PCHAR)(address) - __builtin_offsetof(type, field)))
#define RTL_NUMBER_OF(A) (sizeof(A) / sizeof((A)[0]))
#define ARRAYSIZE(A) RTL_NUMBER_OF(A)
#define RTL_FIELD_SIZE(type, field) (sizeof(((type *)0)->field))
#define ULongToPtr(u) ((PVOID)(ULONG_PTR)(ULONG)(u))
#define PtrToUlong(p) ((ULONG)(ULONG_PTR)(p))
#define PtrToUint(p) ((UINT)(ULONG_PTR)(p))
#define HandleToULong(h) ((ULONG)(ULONG_PTR)(h))
#define UlongToHandle(u) ((HANDLE)(ULONG_PTR)(ULONG)(u))
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif

#define NT_SUCCESS(Status) (((NTSTATUS)(Status)) >= 0)
#define NT_INFORMATION(Status) ((((ULONG)(Status)) >> 30) == 1)
#define NT_WARNING(Status) ((((ULONG)(Status)) >> 30) == 2)
#define NT_ERROR(Status) ((((ULONG)(Status)) >> 30) == 3)

/* What a checked build prints and asserts is nothing here. */
#define KdPrint(args) ((void)0)
#define KdPrintEx(args) ((void)0)
#define ASSERT(e) ((void)0)
#define ASSERTMSG(message, e) ((void)0)
#define NT_ASSERT(e) ((void)0)
#define PAGED_CODE() ((void)0)
#define PAGED_CODE_LOCKED() ((void)0)

/* Constants that are no enumerators and that the declarations above have no value of. */
#ifndef POOL_FLAG_NON_PAGED
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL
#endif

/* Memory. */
#define RtlZeroMemory(Destination, Length) ((void)memset((Destination), 0, (Length)))
#define RtlFillMemory(Destination, Length, Fill) ((void)memset((Destination), (Fill), (Length)))
#define RtlCopyMemory(Destination, Source, Length) \
    ((void)memcpy((Destination), (Source), (Length)))
#define RtlMoveMemory(Destination, Source, Length) \
    ((void)memmove((Destination), (Source), (Length)))
#define RtlEqualMemory(Left, Right, Length) (!memcmp((Left), (Right), (Length)))

#define ExAllocatePoolUninitialized(PoolType, NumberOfBytes, Tag) ExAllocatePoolWithTag((PoolType), (NumberOfBytes), (Tag))
#define ExAllocatePoolZero(PoolType, NumberOfBytes, Tag) \
    ExAllocatePoolWithTag((POOL_TYPE)((PoolType) | POOL_ZERO_ALLOCATION), (NumberOfBytes), (Tag))
#ifndef POOL_ZERO_ALLOCATION
#define POOL_ZERO_ALLOCATION 1024
#endif

#ifndef STATUS_DEVICE_HARDWARE_ERROR
#define STATUS_DEVICE_HARDWARE_ERROR ((NTSTATUS)0xC0000483L)
#define STATUS_BAD_DATA ((NTSTATUS)0xC000090BL)
#endif
#define QUOTA_LIMITS_HARDWS_MIN_ENABLE 0x00000001
#ifndef CRITICAL_STRUCTURE_CORRUPTION
#define CRITICAL_STRUCTURE_CORRUPTION ((ULONG)0x00000109L)
#endif

/* Pool that holds no code, for drivers that ask for it themselves. */
#define DrvRtPoolNxOptIn 0x00000001
#define ExInitializeDriverRuntime(RuntimeFlags) ((void)(RuntimeFlags))
#ifndef POOL_NX_ALLOCATION
#define POOL_NX_ALLOCATION 512
#endif

/* Strings and identifiers. */
#define RTL_CONSTANT_STRING(s) \
    { sizeof(s) - sizeof((s)[0]), sizeof(s), (void *)(s) }
#define DECLARE_CONST_UNICODE_STRING(variable, string) \
    static const WCHAR variable##_buffer[] = string;   \
    static const UNICODE_STRING variable = {           \
        sizeof(string) - sizeof(WCHAR), sizeof(string), (PWSTR)variable##_buffer}
#define DECLARE_UNICODE_STRING_SIZE(variable, characters) \
    WCHAR variable##_buffer[characters];                  \
    UNICODE_STRING variable = {0, (characters) * sizeof(WCHAR), variable##_buffer}
#ifdef INITGUID
#include "initguid.h"
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) extern const GUID name
#endif
#define InitializeObjectAttributes(p, n, a, r, s)           \
    do {                                                    \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);            \
        (p)->RootDirectory = (r);                           \
        (p)->Attributes = (a);                              \
        (p)->ObjectName = (n);                              \
        (p)->SecurityDescriptor = (s);                      \
        (p)->SecurityQualityOfService = NULL;               \
    } while (0)

/* Singly linked lists. */
FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY Head) {
    PSINGLE_LIST_ENTRY first = Head->Next;
    if (first != NULL)
        Head->Next = first->Next;
    return first;
}
FORCEINLINE void PushEntryList(PSINGLE_LIST_ENTRY Head, PSINGLE_LIST_ENTRY Entry) {
    Entry->Next = Head->Next;
    Head->Next = Entry;
}

/* Doubly linked lists. */
FORCEINLINE void InitializeListHead(PLIST_ENTRY Head) {
    Head->Flink = Head->Blink = Head;
}
FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *Head) {
    return Head->Flink == Head;
}
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry) {
    PLIST_ENTRY next = Entry->Flink, previous = Entry->Blink;
    previous->Flink = next;
    next->Blink = previous;
    return next == previous;
}
FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY Head) {
    PLIST_ENTRY entry = Head->Flink;
    RemoveEntryList(entry);
    return entry;
}
FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY Head) {
    PLIST_ENTRY entry = Head->Blink;
    RemoveEntryList(entry);
    return entry;
}
FORCEINLINE void InsertHeadList(PLIST_ENTRY Head, PLIST_ENTRY Entry) {
    Entry->Flink = Head->Flink;
    Entry->Blink = Head;
    Head->Flink->Blink = Entry;
    Head->Flink = Entry;
}
FORCEINLINE void InsertTailList(PLIST_ENTRY Head, PLIST_ENTRY Entry) {
    Entry->Flink = Head;
    Entry->Blink = Head->Blink;
    Head->Blink->Flink = Entry;
    Head->Blink = Entry;
}

/* Interlocked operations: full barriers, as on every x64. */
#define InterlockedIncrement(p) __sync_add_and_fetch((volatile LONG *)(p), 1)
#define InterlockedDecrement(p) __sync_sub_and_fetch((volatile LONG *)(p), 1)
#define InterlockedAdd(p, v) __sync_add_and_fetch((volatile LONG *)(p), (v))
#define InterlockedExchangeAdd(p, v) __sync_fetch_and_add((volatile LONG *)(p), (v))
#define InterlockedExchange(p, v) \
    __atomic_exchange_n((volatile LONG *)(p), (LONG)(v), __ATOMIC_SEQ_CST)
#define InterlockedExchangePointer(p, v) \
    __atomic_exchange_n((PVOID volatile *)(p), (PVOID)(v), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(p, v, old) \
    __sync_val_compare_and_swap((volatile LONG *)(p), (LONG)(old), (LONG)(v))
#define InterlockedCompareExchangePointer(p, v, old) \
    __sync_val_compare_and_swap((PVOID volatile *)(p), (PVOID)(old), (PVOID)(v))
#define InterlockedOr(p, v) __sync_fetch_and_or((volatile LONG *)(p), (LONG)(v))
#define InterlockedAnd(p, v) __sync_fetch_and_and((volatile LONG *)(p), (LONG)(v))
#define InterlockedXor(p, v) __sync_fetch_and_xor((volatile LONG *)(p), (LONG)(v))
#define InterlockedIncrement64(p) __sync_add_and_fetch((volatile LONG64 *)(p), 1)
#define InterlockedDecrement64(p) __sync_sub_and_fetch((volatile LONG64 *)(p), 1)
#define InterlockedExchange64(p, v) \
    __atomic_exchange_n((volatile LONG64 *)(p), (LONG64)(v), __ATOMIC_SEQ_CST)
#define InterlockedOr64(p, v) __sync_fetch_and_or((volatile LONG64 *)(p), (LONG64)(v))
#define InterlockedAnd64(p, v) __sync_fetch_and_and((volatile LONG64 *)(p), (LONG64)(v))
#define InterlockedAdd64(p, v) __sync_add_and_fetch((volatile LONG64 *)(p), (v))
#define InterlockedExchangeAdd64(p, v) __sync_fetch_and_add((volatile LONG64 *)(p), (v))
#define InterlockedCompareExchange64(p, v, old) \
    __sync_val_compare_and_swap((volatile LONG64 *)(p), (LONG64)(old), (LONG64)(v))
#define KeMemoryBarrier() __sync_synchronize()
#define MemoryBarrier() __sync_synchronize()

/* Device registers: one access of the type's width, in program order. */
#define KMDF_ABI_REGISTER(NAME, TYPE)                                             \
    FORCEINLINE TYPE READ_REGISTER_##NAME(const volatile TYPE *Register) {        \
        __sync_synchronize();                                                     \
        return *Register;                                                         \
    }                                                                             \
    FORCEINLINE void WRITE_REGISTER_##NAME(volatile TYPE *Register, TYPE Value) { \
        *Register = Value;                                                        \
        __sync_synchronize();                                                     \
    }
KMDF_ABI_REGISTER(UCHAR, UCHAR)
KMDF_ABI_REGISTER(USHORT, USHORT)
KMDF_ABI_REGISTER(ULONG, ULONG)
KMDF_ABI_REGISTER(ULONG64, ULONG64)
#undef KMDF_ABI_REGISTER

/* I/O ports, which x64 has: one access, or as many as a count says. */
#ifdef __x86_64__
#define KMDF_ABI_PORT(NAME, TYPE, SUFFIX)                                                         \
    FORCEINLINE TYPE READ_PORT_##NAME(TYPE *Port) {                                               \
        TYPE value;                                                                               \
        __asm__ volatile("in" SUFFIX " %w1, %0" : "=a"(value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory"); \
        return value;                                                                             \
    }                                                                                             \
    FORCEINLINE void WRITE_PORT_##NAME(TYPE *Port, TYPE Value) {                                  \
        __asm__ volatile("out" SUFFIX " %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory"); \
    }                                                                                             \
    FORCEINLINE void READ_PORT_BUFFER_##NAME(TYPE *Port, TYPE *Buffer, ULONG Count) {             \
        SIZE_T left = Count;                                                                      \
        __asm__ volatile("rep ins" SUFFIX : "+D"(Buffer), "+c"(left) : "d"((USHORT)(ULONG_PTR)Port) : "memory"); \
    }                                                                                             \
    FORCEINLINE void WRITE_PORT_BUFFER_##NAME(TYPE *Port, TYPE *Buffer, ULONG Count) {            \
        SIZE_T left = Count;                                                                      \
        __asm__ volatile("rep outs" SUFFIX : "+S"(Buffer), "+c"(left) : "d"((USHORT)(ULONG_PTR)Port) : "memory"); \
    }
KMDF_ABI_PORT(UCHAR, UCHAR, "b")
KMDF_ABI_PORT(USHORT, USHORT, "w")
KMDF_ABI_PORT(ULONG, ULONG, "l")
#undef KMDF_ABI_PORT
#endif

/* IRQL and spin locks. */
#define KeRaiseIrql(NewIrql, OldIrql) (*(OldIrql) = KfRaiseIrql(NewIrql))
#define KeInitializeSpinLock(SpinLock) ((void)(*(SpinLock) = 0))
#define KeAcquireSpinLock(SpinLock, OldIrql) (*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock))

/* IRPs. */
#define IoCallDriver(DeviceObject, Irp) IofCallDriver((DeviceObject), (Irp))
#define IoCompleteRequest(Irp, PriorityBoost) IofCompleteRequest((Irp), (PriorityBoost))
FORCEINLINE PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP Irp) {
    return Irp->Tail.Overlay.CurrentStackLocation;
}
FORCEINLINE PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP Irp) {
    return Irp->Tail.Overlay.CurrentStackLocation - 1;
}
FORCEINLINE void IoSkipCurrentIrpStackLocation(PIRP Irp) {
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
}
FORCEINLINE void IoSetNextIrpStackLocation(PIRP Irp) {
    Irp->CurrentLocation--;
    Irp->Tail.Overlay.CurrentStackLocation--;
}
/* All but the completion routine and its context. */
FORCEINLINE void IoCopyCurrentIrpStackLocationToNext(PIRP Irp) {
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
    memcpy(next, IoGetCurrentIrpStackLocation(Irp), __builtin_offsetof(IO_STACK_LOCATION, CompletionRoutine));
    next->Control = 0;
}
FORCEINLINE void IoMarkIrpPending(PIRP Irp) {
    IoGetCurrentIrpStackLocation(Irp)->Control |= SL_PENDING_RETURNED;
}
FORCEINLINE void IoSetCompletionRoutine(PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
    BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel) {
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
    next->CompletionRoutine = CompletionRoutine;
    next->Context = Context;
    next->Control = (UCHAR)((InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) | (InvokeOnError ? SL_INVOKE_ON_ERROR : 0)
        | (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0));
}

/* Handlers of exceptions: what a filter answers, and what it can ask. */
#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
typedef struct _EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[15];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;
typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    struct _CONTEXT *ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;
#define GetExceptionCode _exception_code
#define GetExceptionInformation() ((PEXCEPTION_POINTERS)_exception_info())
#define AbnormalTermination _abnormal_termination

/* Records of callbacks for bug checks: not in use. */
typedef struct _KBUGCHECK_REASON_CALLBACK_RECORD KBUGCHECK_REASON_CALLBACK_RECORD;
#define KeInitializeCallbackRecord(CallbackRecord) ((void)((CallbackRecord)->State = 0))

/* A buffer that a memory descriptor list describes, as the system sees it. */
FORCEINLINE PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority) {
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        return Mdl->MappedSystemVa;
    return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, Priority);
}
#define MmGetMdlByteCount(Mdl) ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl) ((Mdl)->ByteOffset)
#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((PCHAR)(Mdl)->StartVa + (Mdl)->ByteOffset))

/* The frames of the pages that a memory descriptor list describes. */
#ifndef PFN_NUMBER
typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;
#endif
#define MmGetMdlPfnArray(Mdl) ((PPFN_NUMBER)((Mdl) + 1))
typedef struct _MM_PHYSICAL_ADDRESS_LIST {
    PHYSICAL_ADDRESS PhysicalAddress;
    SIZE_T NumberOfBytes;
} MM_PHYSICAL_ADDRESS_LIST, *PMM_PHYSICAL_ADDRESS_LIST;
NTSTATUS MmAllocateMdlForIoSpace(PMM_PHYSICAL_ADDRESS_LIST PhysicalAddressList, SIZE_T NumberOfEntries, PMDL *NewMdl);
PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress, PHYSICAL_ADDRESS SkipBytes,
    SIZE_T TotalBytes);

/* Look-aside lists: GENERAL_LOOKASIDE, and what the headers of the WDK do inline. */
typedef struct __attribute__((aligned(16))) _KMDF_ABI_SLIST {
    ULONG64 Alignment, Region;
} KMDF_ABI_SLIST;
PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead);
PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);
typedef struct __attribute__((aligned(64))) _NPAGED_LOOKASIDE_LIST {
    struct {
        KMDF_ABI_SLIST ListHead;
        USHORT Depth, MaximumDepth;
        ULONG TotalAllocates, AllocateMisses, TotalFrees, FreeMisses;
        POOL_TYPE Type;
        ULONG Tag, Size;
        PVOID (*Allocate)(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
        void (*Free)(PVOID Buffer);
        LIST_ENTRY ListEntry;
        ULONG LastTotalAllocates, LastAllocateMisses, Future[2];
    } L;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;
void ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Allocate, PVOID Free, ULONG Flags,
    SIZE_T Size, ULONG Tag, USHORT Depth);
void ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);
FORCEINLINE PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
    PVOID entry;
    Lookaside->L.TotalAllocates++;
    entry = ExpInterlockedPopEntrySList((PSLIST_HEADER)&Lookaside->L.ListHead);
    if (entry == NULL) {
        Lookaside->L.AllocateMisses++;
        entry = Lookaside->L.Allocate(Lookaside->L.Type, Lookaside->L.Size, Lookaside->L.Tag);
    }
    return entry;
}
FORCEINLINE void ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) {
    Lookaside->L.TotalFrees++;
    if ((USHORT)Lookaside->L.ListHead.Alignment >= Lookaside->L.Depth) {
        Lookaside->L.FreeMisses++;
        Lookaside->L.Free(Entry);
    } else {
        ExpInterlockedPushEntrySList((PSLIST_HEADER)&Lookaside->L.ListHead, (PSLIST_ENTRY)Entry);
    }
}

/* Objects that have handles, their types, and what a thread waits for. */
extern POBJECT_TYPE *ExEventObjectType, *ExSemaphoreObjectType, *IoFileObjectType, *PsProcessType, *PsThreadType;
#define ObReferenceObject(Object) ObfReferenceObject(Object)
#define ObDereferenceObject(Object) ObfDereferenceObject(Object)
NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);
PKEVENT IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);
PKEVENT IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);
LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore);
KPRIORITY KeQueryPriorityThread(PKTHREAD Thread);
#ifndef THREAD_ALL_ACCESS
#define THREAD_ALL_ACCESS 0x1FFFFF
#define EVENT_ALL_ACCESS 0x1F0003
#define EVENT_MODIFY_STATE 0x0002
#endif

DRIVER_INITIALIZE DriverEntry;
