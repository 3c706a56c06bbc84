/* A translation to C of what the Rust driver runs for a factorial and for an interrupt, to count its
 * instructions beside the Rust driver's: request.c has EvtIoDeviceControl, callbacks.c EvtInterruptIsr
 * and EvtInterruptDpc, with all that they call; only as much of a driver as they need is in driver.c.
 *
 * The same structures, the same order, the same calls; each function says what it translates. */
#pragma once

#include <ntddk.h>
#include <wdf.h>

/* spec/src/registers.rs */
#define FACTORIAL 0x08
#define STATUS 0x20
#define INTERRUPT_STATUS 0x24
#define INTERRUPT_ACKNOWLEDGE 0x64
#define STATUS_COMPUTING 0x01
#define STATUS_INTERRUPT_WHEN_DONE 0x80
#define CAUSE_FACTORIAL 0x00000001
#define CAUSE_DMA 0x00000100
#define CAUSES_SOFTWARE (0x7FFFFFFFu & ~(CAUSE_FACTORIAL | CAUSE_DMA))
#define ALL_ONES MAXULONG

/* spec/src/ioctl.rs */
#define CODE(function, access) CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, access)
#define IOCTL_INFORMATION CODE(0x800, FILE_READ_ACCESS)
#define IOCTL_LIVENESS CODE(0x801, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define IOCTL_FACTORIAL CODE(0x802, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define IOCTL_RAISE CODE(0x803, FILE_WRITE_ACCESS)
#define IOCTL_STATISTICS CODE(0x804, FILE_READ_ACCESS)
#define IOCTL_WAIT_EVENT CODE(0x805, FILE_READ_ACCESS)

/* driver/src/device.rs */
#define TICK_MS 1000

/* driver/core/src/ring.rs */
#define SNAPSHOTS 8
typedef struct _SNAPSHOT {
    ULONG64 Sequence;
    ULONG Causes;
    ULONG Message;
} SNAPSHOT;

typedef struct _RING {
    SNAPSHOT Slots[SNAPSHOTS];
    SIZE_T First;
    SIZE_T Length;
} RING;

/* driver/core/src/log.rs */
typedef struct _COUNTS {
    ULONG64 Interrupts;
    ULONG64 NotOurs;
    ULONG64 DeviceRemoved;
    ULONG64 DpcsQueued;
    ULONG64 DpcsAlreadyQueued;
    ULONG64 SnapshotsOverwritten;
    ULONG64 FactorialCauses;
    ULONG64 DmaCauses;
    ULONG64 SoftwareCauses;
} COUNTS;

typedef struct _LOG {
    ULONG Causes;
    /* The causes of overwritten snapshots. */
    ULONG Overwritten;
    RING Snapshots;
    COUNTS Counts;
} LOG;

/* driver/core/src/events.rs */
#define REMEMBERED 32
typedef struct _EVENTS {
    ULONG64 Newest;
    SNAPSHOT Slots[REMEMBERED];
} EVENTS;

/* spec/src/wire.rs */
typedef struct _EVENT {
    ULONG64 Number;
    ULONG64 Interrupt;
    ULONG64 Missed;
    ULONG Causes;
    ULONG Message;
} EVENT;

typedef struct _STATISTICS {
    ULONG64 IsrCalls;
    ULONG64 Interrupts;
    ULONG64 NotOurs;
    ULONG64 DeviceRemoved;
    ULONG64 DpcsQueued;
    ULONG64 DpcsAlreadyQueued;
    ULONG64 DpcCalls;
    ULONG64 SnapshotsOverwritten;
    ULONG64 FactorialCauses;
    ULONG64 DmaCauses;
    ULONG64 SoftwareCauses;
    ULONG64 StrayFactorials;
    ULONG64 FactorialsCompleted;
    ULONG64 SnapshotsTaken;
    ULONG64 Events;
    ULONG64 InterruptsMissed;
    ULONG64 Timeouts;
    ULONG64 TransfersCompleted;
    ULONG64 StrayTransfers;
} STATISTICS;

#define MAX_MESSAGES 2
typedef struct _INTERRUPT_INFORMATION {
    ULONG Vector;
    ULONG Irql;
    ULONG MessageNumber;
    ULONG MessageSignaled;
    ULONG64 TargetProcessors;
    ULONG Group;
    ULONG Mode;
} INTERRUPT_INFORMATION;

typedef struct _INFORMATION {
    ULONG Identification;
    ULONG DriverVersion;
    ULONG InterruptCount;
    ULONG Reserved;
    INTERRUPT_INFORMATION Interrupts[MAX_MESSAGES];
} INFORMATION;

/* driver/src/recovery.rs */
typedef struct _FINDINGS {
    ULONG Unknown;
    BOOLEAN Missed[2];
    BOOLEAN Stuck[2];
    BOOLEAN Removed;
} FINDINGS;

/* driver/core/src/engine.rs */
typedef enum _SLOT { Empty, Waiting, Working, Leaving } SLOT;
typedef struct _ENGINE {
    SLOT Slot;
    ULONG Job;
    WDFREQUEST Request;
    ULONG64 Jobs;
    BOOLEAN Late;
} ENGINE;

/* driver/src/device.rs: what the device's spin lock guards, in the lock's context. */
typedef struct _STATE {
    PUCHAR Registers;
    ENGINE Factorial;
    LOG Log;
    FINDINGS Findings;
    EVENTS Events;
    STATISTICS Statistics;
    BOOLEAN Ticking;
} STATE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(STATE, GetState)

/* driver/src/interrupt/mod.rs: what the ISRs share, in the interrupt lock's context. */
typedef struct _ISR_SHARED {
    PUCHAR Registers;
    ULONG64 Sequence;
    /* wdf/src/interrupt/deferring.rs */
    volatile BOOLEAN Deferring;
} ISR_SHARED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ISR_SHARED, GetIsrShared)

/* wdf/src/interrupt/mod.rs */
typedef enum _HANDLING { Dirql, PassiveWorkItem, PassiveDpc } HANDLING;
typedef struct _INTERRUPT {
    LOG Log;
    ISR_SHARED *Shared;
    HANDLING Handling;
} INTERRUPT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(INTERRUPT, GetInterrupt)

/* driver/src/events.rs: the contexts of a handle and of a request. */
typedef struct _HANDLE {
    volatile LONG Waiting;
} HANDLE_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(HANDLE_CONTEXT, GetHandle)

typedef struct _WAIT {
    volatile ULONG64 Seen;
} WAIT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(WAIT, GetWait)

typedef struct _DEVICE {
    WDFSPINLOCK Lock;
    STATE *State;
    ISR_SHARED *Shared;
    WDFQUEUE WaitingQueue;
    WDFDPC DmaDpc;
    WDFWORKITEM Recovery;
    WDFTIMER WatchdogTimer;
    WDFQUEUE RegisterQueue;
    WDFQUEUE FactorialQueue;
    SIZE_T Length;
} DEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE, GetDevice)

/* request.c */
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnControl;
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnFactorial;

/* callbacks.c */
EVT_WDF_INTERRUPT_ISR OnInterrupt;
EVT_WDF_INTERRUPT_DPC OnDpc;

/* driver/src/factorial.rs: a request to complete when the lock is released, and how. */
typedef struct _ENDED {
    WDFREQUEST Request;
    NTSTATUS Status;
    ULONG Value;
} ENDED;
void Complete(const ENDED *ended);

/* wdf/etw/src/lib.rs: a provider, and one kind of event, with one value. */
typedef struct _PROVIDER {
    const void *Metadata;
    SIZE_T MetadataBytes;
    REGHANDLE Handle;
    /* The highest level that somebody listens to. */
    volatile USHORT Level;
} PROVIDER;
typedef struct _TRACE_EVENT {
    PROVIDER *Provider;
    const void *Schema;
    SIZE_T SchemaBytes;
    UCHAR Level;
} TRACE_EVENT;
extern PROVIDER Provider;
extern const TRACE_EVENT FactorialStarted;
void WriteEnabled(const TRACE_EVENT *event, ULONG64 value);

/* Event::write */
FORCEINLINE void TraceWrite(const TRACE_EVENT *event, ULONG64 value) {
    if (event->Level <= event->Provider->Level)
        WriteEnabled(event, value);
}

FORCEINLINE ULONG Read(PUCHAR registers, ULONG offset) {
    return *(volatile ULONG *)(registers + offset);
}
FORCEINLINE void Write(PUCHAR registers, ULONG offset, ULONG value) {
    *(volatile ULONG *)(registers + offset) = value;
}
