/* The way of a request: computation, interrupt, DPC, completion; cancellation and stop. */
#include "teeth.h"

/* Has the device compute for the current request, if there is one and the device is idle. The lock
 * is held. */
void BeginComputation(CONTEXT *c) {
    MOMENT m = {.Context = c};
    if (!c->Current || c->Busy || At(Begin, &m))
        return;
    c->Busy = TRUE;
    c->Running = c->Sequence;
    Write(c, FACTORIAL, c->Operand);
}

void OnDeviceControl(
    WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    CONTEXT *c = GetContext(WdfIoQueueGetDevice(queue));
    MOMENT m = {.Context = c, .Request = request};
    PULONG operand, result;
    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);

    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (code == IOCTL_FACTORIAL)
        status = WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&operand, NULL);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(ULONG), (PVOID *)&result, NULL);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(request, status);
        return;
    }
    if (At(Request, &m))
        return;

    WdfSpinLockAcquire(c->Lock);
    status = WdfRequestMarkCancelableEx(request, OnCancel);
    if (NT_SUCCESS(status)) {
        c->Current = request;
        c->Operand = *operand;
        c->Sequence++;
        BeginComputation(c);
    }
    WdfSpinLockRelease(c->Lock);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(request, status);
}

void Succeed(WDFREQUEST request, ULONG result) {
    PULONG output;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, sizeof(ULONG), (PVOID *)&output, NULL);
    if (NT_SUCCESS(status))
        *output = result;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(ULONG) : 0);
}

/* Reads give the last operand, and writes change it. */
void OnRead(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    CONTEXT *c = GetContext(WdfIoQueueGetDevice(queue));
    MOMENT m = {.Context = c, .Request = request};
    UNREFERENCED_PARAMETER(length);
    if (!At(ReadIo, &m))
        Succeed(request, c->Operand);
}

void OnWrite(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    CONTEXT *c = GetContext(WdfIoQueueGetDevice(queue));
    MOMENT m = {.Context = c, .Request = request};
    PULONG operand;
    UNREFERENCED_PARAMETER(length);
    if (At(WriteIo, &m))
        return;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, sizeof(ULONG), (PVOID *)&operand, NULL);
    if (NT_SUCCESS(status))
        c->Operand = *operand;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(ULONG) : 0);
}

/* EVT_WDF_INTERRUPT_ISR. At DIRQL, with the interrupt's lock. */
BOOLEAN OnInterrupt(WDFINTERRUPT interrupt, ULONG message) {
    CONTEXT *c = GetContext(WdfInterruptGetDevice(interrupt));
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(message);
    if (At(Isr, &m))
        return (BOOLEAN)m.Value;
    ULONG causes = Read(c, INTERRUPT_STATUS);
    if (causes == 0 || causes == MAXULONG)
        return FALSE;
    m.Value = causes;
    if (!At(Acknowledge, &m)) {
        Write(c, INTERRUPT_ACKNOWLEDGE, causes);
        c->Causes |= causes;
    }
    if (c->Deferring)
        WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}

static ULONG TakeCauses(CONTEXT *c) {
    MOMENT m = {.Context = c};
    if (At(Take, &m))
        return m.Value;
    WdfInterruptAcquireLock(c->Interrupt);
    ULONG causes = c->Causes;
    c->Causes = 0;
    WdfInterruptReleaseLock(c->Interrupt);
    return causes;
}

/* The device has computed: its result is the current request's, unless that came later. */
static void FinishComputation(CONTEXT *c) {
    WDFREQUEST request = NULL;
    WdfSpinLockAcquire(c->Lock);
    if (Read(c, STATUS) & STATUS_COMPUTING) {
        WdfSpinLockRelease(c->Lock);
        return;
    }
    MOMENT m = {.Context = c, .Value = Read(c, FACTORIAL)};
    c->Busy = FALSE;
    if (At(Finish, &m))
        return;
    /* A removed device reads all ones, which is no result: no factorial has all bits set. */
    BOOLEAN removed = m.Value == MAXULONG;
    if (c->Current && c->Running == c->Sequence) {
        request = c->Current;
        c->Current = NULL;
        /* Under the lock that EvtRequestCancel takes first: until then the request is there. */
        if (WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED)
            request = NULL;
    }
    BeginComputation(c);
    WdfSpinLockRelease(c->Lock);
    if (request && removed)
        WdfRequestComplete(request, STATUS_DEVICE_DOES_NOT_EXIST);
    else if (request)
        Succeed(request, m.Value);
}

/* EVT_WDF_INTERRUPT_DPC. */
void OnDpc(WDFINTERRUPT interrupt, WDFOBJECT device) {
    CONTEXT *c = GetContext(device);
    MOMENT m = {.Context = c};
    UNREFERENCED_PARAMETER(interrupt);
    At(Dpc, &m);
    if (TakeCauses(c) & CAUSE_FACTORIAL)
        FinishComputation(c);
}

void OnCancel(WDFREQUEST request) {
    CONTEXT *c = GetContext(WdfIoQueueGetDevice(WdfRequestGetIoQueue(request)));
    MOMENT m = {.Context = c, .Request = request};
    if (At(Cancel, &m))
        return;
    WdfSpinLockAcquire(c->Lock);
    if (c->Current == request)
        c->Current = NULL;
    WdfSpinLockRelease(c->Lock);
    WdfRequestComplete(request, STATUS_CANCELLED);
}

void OnIoStop(WDFQUEUE queue, WDFREQUEST request, ULONG flags) {
    CONTEXT *c = GetContext(WdfIoQueueGetDevice(queue));
    MOMENT m = {.Context = c, .Request = request, .Value = flags};
    BOOLEAN ours = FALSE;
    if (At(IoStop, &m))
        return;
    WdfSpinLockAcquire(c->Lock);
    if (c->Current == request) {
        if (flags & WdfRequestStopActionPurge) {
            c->Current = NULL;
            ours = WdfRequestUnmarkCancelable(request) != STATUS_CANCELLED;
        } else {
            WdfRequestStopAcknowledge(request, FALSE);
        }
    }
    WdfSpinLockRelease(c->Lock);
    if (ours)
        WdfRequestComplete(request, STATUS_CANCELLED);
}

/* The request waits for the device again: EvtDeviceD0EntryPostInterruptsEnabled has begun its computation. */
void OnIoResume(WDFQUEUE queue, WDFREQUEST request) {
    MOMENT m = {.Context = GetContext(WdfIoQueueGetDevice(queue)), .Request = request};
    At(IoResume, &m);
}
