/* EvtInterruptIsr and EvtInterruptDpc, and all that they call. */
#include "twin.h"

/* --- driver/core/src/ring.rs, log.rs, events.rs ------------------------------------------------- */

/* Ring::push: whether the oldest snapshot had to go for it. */
static BOOLEAN Push(RING *ring, SNAPSHOT snapshot, SNAPSHOT *oldest) {
    SNAPSHOT *slot = &ring->Slots[(ring->First + ring->Length) & (SNAPSHOTS - 1)];
    *oldest = *slot;
    *slot = snapshot;
    if (ring->Length < SNAPSHOTS) {
        ring->Length++;
        return FALSE;
    }
    ring->First = (ring->First + 1) & (SNAPSHOTS - 1);
    return TRUE;
}

/* Log::remember */
static void Remember(LOG *log, SNAPSHOT snapshot) {
    SNAPSHOT overwritten;
    if (Push(&log->Snapshots, snapshot, &overwritten)) {
        log->Overwritten |= overwritten.Causes;
        log->Counts.SnapshotsOverwritten++;
    }
}

/* Log::record */
static void Record(LOG *log, SNAPSHOT snapshot) {
    ULONG causes = snapshot.Causes;
    log->Causes |= causes;
    Remember(log, snapshot);
    log->Counts.Interrupts++;
    log->Counts.FactorialCauses += (causes & CAUSE_FACTORIAL) != 0;
    log->Counts.DmaCauses += (causes & CAUSE_DMA) != 0;
    log->Counts.SoftwareCauses += (causes & CAUSES_SOFTWARE) != 0;
}

/* Log::dpc_queued */
static void DpcQueued(LOG *log, BOOLEAN queued) {
    log->Counts.DpcsQueued += queued != 0;
    log->Counts.DpcsAlreadyQueued += queued == 0;
}

/* Log::take */
static void Take(LOG *log, LOG *taken) {
    *taken = *log;
    RtlZeroMemory(log, sizeof(*log));
}

/* Counts::add */
static void Add(COUNTS *counts, const COUNTS *other) {
    counts->Interrupts += other->Interrupts;
    counts->NotOurs += other->NotOurs;
    counts->DeviceRemoved += other->DeviceRemoved;
    counts->DpcsQueued += other->DpcsQueued;
    counts->DpcsAlreadyQueued += other->DpcsAlreadyQueued;
    counts->SnapshotsOverwritten += other->SnapshotsOverwritten;
    counts->FactorialCauses += other->FactorialCauses;
    counts->DmaCauses += other->DmaCauses;
    counts->SoftwareCauses += other->SoftwareCauses;
}

/* Log::absorb */
static void Absorb(LOG *log, const LOG *taken) {
    log->Causes |= taken->Causes;
    log->Overwritten |= taken->Overwritten;
    Add(&log->Counts, &taken->Counts);
    for (SIZE_T i = 0; i < taken->Snapshots.Length; i++) {
        SIZE_T slot = (taken->Snapshots.First + i) & (SNAPSHOTS - 1);
        Remember(log, taken->Snapshots.Slots[slot]);
    }
}

/* Counts::add_to */
static void AddTo(const COUNTS *counts, STATISTICS *statistics) {
    statistics->IsrCalls += counts->Interrupts + counts->NotOurs + counts->DeviceRemoved;
    statistics->Interrupts += counts->Interrupts;
    statistics->NotOurs += counts->NotOurs;
    statistics->DeviceRemoved += counts->DeviceRemoved;
    statistics->DpcsQueued += counts->DpcsQueued;
    statistics->DpcsAlreadyQueued += counts->DpcsAlreadyQueued;
    statistics->SnapshotsOverwritten += counts->SnapshotsOverwritten;
    statistics->FactorialCauses += counts->FactorialCauses;
    statistics->DmaCauses += counts->DmaCauses;
    statistics->SoftwareCauses += counts->SoftwareCauses;
}

/* Events::push */
static void PushEvent(EVENTS *events, SNAPSHOT snapshot) {
    if ((snapshot.Causes & CAUSES_SOFTWARE) == 0)
        return;
    events->Newest++;
    events->Slots[events->Newest & (REMEMBERED - 1)] = snapshot;
}

/* Taken::forgotten, pushed as an event. */
static __attribute__((noinline)) void PushForgotten(EVENTS *events, const LOG *taken) {
    const RING *ring = &taken->Snapshots;
    ULONG causes = taken->Overwritten;
    for (SIZE_T i = 0; i < ring->Length; i++)
        causes &= ~ring->Slots[(ring->First + i) & (SNAPSHOTS - 1)].Causes;
    if (causes != 0) {
        SNAPSHOT snapshot = {ring->Slots[ring->First].Sequence - 1, causes, 0};
        PushEvent(events, snapshot);
    }
}

/* Events::record, with Taken::history: whether an event was among it. */
static BOOLEAN RecordEvents(EVENTS *events, const LOG *taken) {
    const RING *ring = &taken->Snapshots;
    ULONG64 newest = events->Newest;
    if (taken->Overwritten != 0)
        PushForgotten(events, taken);
    for (SIZE_T i = 0; i < ring->Length; i++)
        PushEvent(events, ring->Slots[(ring->First + i) & (SNAPSHOTS - 1)]);
    return events->Newest != newest;
}

/* --- driver/src/interrupt/isr.rs ---------------------------------------------------------------- */

/* EduInterrupt::service */
static BOOLEAN Service(LOG *log, ISR_SHARED *shared, ULONG message) {
    if (shared->Registers == NULL)
        return FALSE;
    ULONG causes = Read(shared->Registers, INTERRUPT_STATUS);
    if (causes == 0) {
        log->Counts.NotOurs++;
        return FALSE;
    }
    if (causes == ALL_ONES) {
        log->Counts.DeviceRemoved++;
        return FALSE;
    }
    Write(shared->Registers, INTERRUPT_ACKNOWLEDGE, causes);
    shared->Sequence++;
    SNAPSHOT snapshot = {shared->Sequence, causes, message};
    Record(log, snapshot);
    return TRUE;
}

/* Isr::defer, and what it returns is counted as. */
static void Defer(WDFINTERRUPT handle, const INTERRUPT *interrupt, LOG *log) {
    if (!interrupt->Shared->Deferring)
        return;
    DpcQueued(log, interrupt->Handling == PassiveWorkItem ? WdfInterruptQueueWorkItemForIsr(handle)
                                                          : WdfInterruptQueueDpcForIsr(handle));
}

/* EduInterrupt::pass_on */
static __attribute__((noinline)) void PassOn(
    WDFINTERRUPT handle, INTERRUPT *interrupt, DEVICE *device, BOOLEAN ours) {
    LOG taken;
    WdfSpinLockAcquire(device->Lock);
    Take(&interrupt->Log, &taken);
    Absorb(&device->State->Log, &taken);
    if (ours)
        Defer(handle, interrupt, &device->State->Log);
    WdfSpinLockRelease(device->Lock);
}

/* EVT_WDF_INTERRUPT_ISR */
BOOLEAN OnInterrupt(WDFINTERRUPT handle, ULONG message) {
    INTERRUPT *interrupt = GetInterrupt(handle);
    BOOLEAN ours = Service(&interrupt->Log, interrupt->Shared, message);
    if (interrupt->Handling != Dirql)
        PassOn(handle, interrupt, GetDevice(WdfInterruptGetDevice(handle)), ours);
    else if (ours)
        Defer(handle, interrupt, &interrupt->Log);
    return ours;
}

/* --- driver/src/factorial.rs, wdf/etw/src/lib.rs ------------------------------------------- */

static const UCHAR StartedSchema[] = "\x1d\0\0FactorialStarted\0Operand\0\x0a";
static const UCHAR CompletedSchema[] = "\x1e\0\0FactorialCompleted\0Result\0\x0a";
static const UCHAR FailedSchema[] = "\x1b\0\0FactorialFailed\0Status\0\x0a";
const TRACE_EVENT FactorialStarted = {&Provider, StartedSchema, sizeof(StartedSchema) - 1, 5};
static const TRACE_EVENT FactorialCompleted = {
    &Provider, CompletedSchema, sizeof(CompletedSchema) - 1, 5};
static const TRACE_EVENT FactorialFailed = {&Provider, FailedSchema, sizeof(FailedSchema) - 1, 3};

/* Event::write_enabled */
__attribute__((noinline)) void WriteEnabled(const TRACE_EVENT *event, ULONG64 value) {
    EVENT_DESCRIPTOR descriptor = {.Channel = 11, .Level = event->Level, .Keyword = 1};
    struct _EVENT_DATA_DESCRIPTOR data[3] = {
        {.Ptr = (ULONG_PTR)event->Provider->Metadata,
            .Size = (ULONG)event->Provider->MetadataBytes,
            .Reserved = 2},
        {.Ptr = (ULONG_PTR)event->Schema, .Size = (ULONG)event->SchemaBytes, .Reserved = 1},
        {.Ptr = (ULONG_PTR)&value, .Size = sizeof(value)},
    };
    EtwWriteTransfer(event->Provider->Handle, &descriptor, NULL, NULL, RTL_NUMBER_OF(data), data);
}

/* factorial::complete */
void Complete(const ENDED *ended) {
    PULONG output;
    ULONG_PTR information = 0;
    NTSTATUS status = ended->Status;
    if (NT_SUCCESS(status)) {
        TraceWrite(&FactorialCompleted, ended->Value);
        status = WdfRequestRetrieveOutputBuffer(
            ended->Request, sizeof(ULONG), (PVOID *)&output, NULL);
        if (NT_SUCCESS(status)) {
            *output = ended->Value;
            information = sizeof(ULONG);
        }
    } else {
        TraceWrite(&FactorialFailed, (ULONG)status);
    }
    WdfRequestCompleteWithInformation(ended->Request, status, information);
}

/* Engine::end: whether the request is the caller's to complete. */
static BOOLEAN End(ENGINE *engine) {
    if (NT_SUCCESS(WdfRequestUnmarkCancelable(engine->Request))) {
        engine->Slot = Empty;
        return TRUE;
    }
    engine->Slot = Leaving;
    return FALSE;
}

/* State::device_removed. */
static BOOLEAN EndRemoved(STATE *state, ENDED *ended) {
    if (!End(&state->Factorial)) {
        state->Statistics.StrayFactorials++;
        return FALSE;
    }
    state->Findings.Removed = TRUE;
    ended->Status = STATUS_DEVICE_DOES_NOT_EXIST;
    return TRUE;
}

/* State::factorial_interrupt, Engine::on_interrupt and the factorial engine's Work: whether a request
 * ended. */
static BOOLEAN FactorialInterrupt(STATE *state, ENDED *ended) {
    ENGINE *engine = &state->Factorial;
    if (state->Registers == NULL)
        return FALSE;
    ended->Request = engine->Request;
    switch (engine->Slot) {
    case Waiting: {
        ULONG status = Read(state->Registers, STATUS);
        if (status == ALL_ONES)
            return EndRemoved(state, ended);
        if ((status & STATUS_COMPUTING) == 0) {
            Write(state->Registers, FACTORIAL, engine->Job);
            engine->Slot = Working;
        }
        break;
    }
    case Working: {
        ULONG value = Read(state->Registers, FACTORIAL);
        if (value == engine->Job && value != 1 && value != 2)
            break;
        if (value == ALL_ONES)
            return EndRemoved(state, ended);
        if (!End(engine))
            break;
        state->Statistics.FactorialsCompleted++;
        ended->Status = STATUS_SUCCESS;
        ended->Value = value;
        return TRUE;
    }
    default:
        break;
    }
    state->Statistics.StrayFactorials++;
    return FALSE;
}

/* --- driver/src/events.rs, driver/core/src/events.rs -------------------------------------------- */

/* Events::after: STATUS_PENDING if the event is yet to come. */
static NTSTATUS After(const EVENTS *events, ULONG64 cursor, EVENT *event) {
    if (cursor > events->Newest)
        return STATUS_INVALID_PARAMETER;
    ULONG64 unseen = events->Newest - cursor;
    if (unseen == 0)
        return STATUS_PENDING;
    event->Missed = unseen > REMEMBERED ? unseen - REMEMBERED : 0;
    event->Number = cursor + event->Missed + 1;
    const SNAPSHOT *snapshot = &events->Slots[event->Number & (REMEMBERED - 1)];
    event->Interrupt = snapshot->Sequence;
    event->Causes = snapshot->Causes & CAUSES_SOFTWARE;
    event->Message = snapshot->Message;
    return STATUS_SUCCESS;
}

/* event_for */
static NTSTATUS EventFor(DEVICE *device, WDFREQUEST request, EVENT *event) {
    PULONG64 cursor;
    NTSTATUS status =
        WdfRequestRetrieveInputBuffer(request, sizeof(*cursor), (PVOID *)&cursor, NULL);
    if (!NT_SUCCESS(status))
        return status;
    ULONG64 value = *cursor;
    WdfSpinLockAcquire(device->Lock);
    status = After(&device->State->Events, value, event);
    WdfSpinLockRelease(device->Lock);
    return status;
}

/* Dropping a RequestReference. */
static void Dereference(WDFREQUEST request) {
    if (request)
        WdfObjectDereferenceActual(request, NULL, 0, NULL);
}

/* Queue::retrieve, for the first request that has not seen the newest event. */
static WDFREQUEST RetrieveUnseen(WDFQUEUE queue, ULONG64 newest) {
    WDFREQUEST previous = NULL, found, request;
    for (;;) {
        NTSTATUS status = WdfIoQueueFindRequest(queue, previous, NULL, NULL, &found);
        if (!NT_SUCCESS(status)) {
            Dereference(previous);
            if (status != STATUS_NOT_FOUND || previous == NULL)
                return NULL;
            previous = NULL;
            continue;
        }
        WAIT *wait = GetWait(found);
        if (wait && wait->Seen < newest &&
            NT_SUCCESS(WdfIoQueueRetrieveFoundRequest(queue, found, &request))) {
            Dereference(found);
            Dereference(previous);
            return request;
        }
        Dereference(previous);
        previous = found;
    }
}

/* leave */
static void Leave(WDFREQUEST request) {
    WDFFILEOBJECT file = WdfRequestGetFileObject(request);
    HANDLE_CONTEXT *handle = file ? GetHandle(file) : NULL;
    if (handle)
        InterlockedDecrement(&handle->Waiting);
}

/* Request::respond */
static void Respond(WDFREQUEST request, const EVENT *event) {
    EVENT *output;
    ULONG_PTR information = 0;
    NTSTATUS status =
        WdfRequestRetrieveOutputBuffer(request, sizeof(*event), (PVOID *)&output, NULL);
    if (NT_SUCCESS(status)) {
        *output = *event;
        information = sizeof(*event);
    }
    WdfRequestCompleteWithInformation(request, status, information);
}

/* events::answer */
static void Answer(DEVICE *device) {
    WDFREQUEST request;
    EVENT event;
    WdfSpinLockAcquire(device->Lock);
    ULONG64 newest = device->State->Events.Newest;
    WdfSpinLockRelease(device->Lock);
    while ((request = RetrieveUnseen(device->WaitingQueue, newest)) != NULL) {
        Leave(request);
        NTSTATUS status = EventFor(device, request, &event);
        if (status == STATUS_SUCCESS)
            Respond(request, &event);
        else
            WdfRequestComplete(request, STATUS_INTERNAL_ERROR);
    }
}

/* --- driver/src/interrupt/dpc.rs ---------------------------------------------------------------- */

/* EduDevice::queue_recovery */
static void QueueRecovery(DEVICE *device, const FINDINGS *findings) {
    if (findings->Unknown || findings->Missed[0] || findings->Missed[1] || findings->Stuck[0] ||
        findings->Stuck[1] || findings->Removed)
        WdfWorkItemEnqueue(device->Recovery);
}

/* EVT_WDF_INTERRUPT_DPC */
void OnDpc(WDFINTERRUPT handle, WDFOBJECT object) {
    DEVICE *device = GetDevice(object);
    INTERRUPT *interrupt = GetInterrupt(handle);
    BOOLEAN passive = !interrupt->Shared->Deferring || interrupt->Handling != Dirql;
    BOOLEAN ended = FALSE;
    ENDED done;
    LOG taken;
    if (!passive) {
        WdfInterruptAcquireLock(handle);
        Take(&interrupt->Log, &taken);
        WdfInterruptReleaseLock(handle);
    }
    WdfSpinLockAcquire(device->Lock);
    STATE *state = device->State;
    if (passive)
        Take(&state->Log, &taken);
    state->Statistics.DpcCalls++;
    state->Statistics.SnapshotsTaken += taken.Snapshots.Length;
    AddTo(&taken.Counts, &state->Statistics);
    BOOLEAN newEvents = RecordEvents(&state->Events, &taken);
    state->Findings.Unknown |= taken.Causes & ~(CAUSE_FACTORIAL | CAUSE_DMA) & ~CAUSES_SOFTWARE;
    if (taken.Causes & CAUSE_FACTORIAL)
        ended = FactorialInterrupt(state, &done);
    QueueRecovery(device, &state->Findings);
    WdfSpinLockRelease(device->Lock);
    if (taken.Causes & CAUSE_DMA)
        WdfDpcEnqueue(device->DmaDpc);
    if (ended)
        Complete(&done);
    if (newEvents)
        Answer(device);
}
