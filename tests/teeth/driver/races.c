/* Defects that the simplest order of events does not show. */
#include "teeth.h"

/* The DPC ignores that the request is being canceled, and completes it, too. */
BOOLEAN ignores_that_it_is_canceled(MOMENT *m) {
    CONTEXT *c = m->Context;
    WDFREQUEST request = NULL;
    if (c->Current && c->Running == c->Sequence) {
        request = c->Current;
        c->Current = NULL;
        WdfRequestUnmarkCancelable(request);
    }
    BeginComputation(c);
    WdfSpinLockRelease(c->Lock);
    if (request)
        Succeed(request, m->Value);
    return TRUE;
}

/* EvtRequestCancel completes the request and leaves it where the DPC finds it. */
BOOLEAN cancels_without_the_lock(MOMENT *m) {
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    WdfSpinLockAcquire(m->Context->Lock);
    if (m->Context->Current == m->Request)
        m->Context->Current = NULL;
    WdfSpinLockRelease(m->Context->Lock);
    return TRUE;
}

/* The ISR overwrites causes that no DPC has taken yet. */
BOOLEAN overwrites_the_causes(MOMENT *m) {
    Write(m->Context, INTERRUPT_ACKNOWLEDGE, m->Value);
    m->Context->Causes = m->Value;
    return TRUE;
}

/* The ISR acknowledges more than it read: a cause that comes in between is lost. */
BOOLEAN acknowledges_what_it_did_not_read(MOMENT *m) {
    Write(m->Context, INTERRUPT_ACKNOWLEDGE, MAXULONG);
    m->Context->Causes |= m->Value;
    return TRUE;
}

/* The DPC takes the causes without the interrupt's lock: what the ISR adds in between is lost. */
BOOLEAN takes_the_causes_without_the_lock(MOMENT *m) {
    volatile ULONG *causes = &m->Context->Causes;
    m->Value = *causes;
    *causes = 0;
    return TRUE;
}

/* The device is told to compute before the driver has noted for whom. */
BOOLEAN begins_before_it_is_ready(MOMENT *m) {
    CONTEXT *c = m->Context;
    PULONG operand;
    if (c->Busy || !NT_SUCCESS(WdfRequestRetrieveInputBuffer(
                       m->Request, sizeof(ULONG), (PVOID *)&operand, NULL)))
        return FALSE;
    Write(c, FACTORIAL, *operand);
    WdfSpinLockAcquire(c->Lock);
    NTSTATUS status = WdfRequestMarkCancelableEx(m->Request, OnCancel);
    if (NT_SUCCESS(status)) {
        c->Current = m->Request;
        c->Running = ++c->Sequence;
        c->Busy = TRUE;
    }
    WdfSpinLockRelease(c->Lock);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(m->Request, status);
    return TRUE;
}

/* EvtRequestCancel completes the request between the DPC's look at it and its taking it. */
BOOLEAN takes_the_request_without_the_lock(MOMENT *m) {
    CONTEXT *c = m->Context;
    WdfSpinLockRelease(c->Lock);
    WDFREQUEST request = *(WDFREQUEST volatile *)&c->Current;
    if (request && WdfRequestUnmarkCancelable(request) != STATUS_CANCELLED) {
        c->Current = NULL;
        Succeed(request, m->Value);
    }
    return TRUE;
}

/* The first allocation is not freed when the second fails. */
BOOLEAN leaks_when_out_of_memory(MOMENT *m) {
    PVOID first = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG), second;
    UNREFERENCED_PARAMETER(m);
    if (!first)
        return FALSE;
    second = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG);
    if (!second)
        return FALSE;
    ExFreePoolWithTag(second, TAG);
    ExFreePoolWithTag(first, TAG);
    return FALSE;
}

/* The status of a creation is not looked at. */
BOOLEAN uses_memory_it_did_not_get(MOMENT *m) {
    WDFMEMORY memory = NULL;
    volatile UCHAR *buffer = NULL;
    UNREFERENCED_PARAMETER(m);
    (void)WdfMemoryCreate(
        WDF_NO_OBJECT_ATTRIBUTES, NonPagedPoolNx, TAG, 16, &memory, (PVOID *)&buffer);
    buffer[0] = 0;
    WdfObjectDelete(memory);
    return FALSE;
}
