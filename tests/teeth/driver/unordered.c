/* Accesses of the same memory that nothing orders. In the simplest order each of them goes well. */
#include "teeth.h"

/* What two devices of the driver share. */
static ULONG Requests;
static volatile LONG Interlocked;

/* EvtIoDeviceControl looks at what the ISR writes. */
BOOLEAN looks_at_the_causes(MOMENT *m) {
    volatile ULONG *causes = &m->Context->Causes;
    m->Value = *causes;
    return FALSE;
}

/* EvtTimerFunc looks at the current request. */
BOOLEAN looks_at_the_request(MOMENT *m) {
    m->Request = *(WDFREQUEST volatile *)&m->Context->Current;
    return FALSE;
}

/* EvtWorkItem counts in what EvtIoDeviceControl counts in under the lock. */
BOOLEAN counts_in_the_work_item(MOMENT *m) {
    volatile ULONG *sequence = &m->Context->Sequence;
    *sequence = *sequence + 1;
    return FALSE;
}

/* EvtRequestCancel takes the request from the DPC without their lock. */
BOOLEAN takes_it_back_without_the_lock(MOMENT *m) {
    if (m->Context->Current == m->Request)
        m->Context->Current = NULL;
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    return TRUE;
}

/* EvtRequestCancel takes the request under another lock than the DPC. */
BOOLEAN takes_it_back_under_another_lock(MOMENT *m) {
    WdfWaitLockAcquire(m->Context->WaitLock, NULL);
    if (m->Context->Current == m->Request)
        m->Context->Current = NULL;
    WdfWaitLockRelease(m->Context->WaitLock);
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    return TRUE;
}

/* The DPC notes the causes for itself before it acquires the lock; the ISR does it, too. */
BOOLEAN clears_the_causes_early(MOMENT *m) {
    CONTEXT *c = m->Context;
    volatile ULONG *causes = &c->Causes;
    WdfInterruptAcquireLock(c->Interrupt);
    m->Value = *causes;
    WdfInterruptReleaseLock(c->Interrupt);
    *causes = 0;
    return TRUE;
}

/* EvtDeviceD0ExitPreInterruptsDisabled tells the ISR to queue no DPC, without the interrupt's lock. */
BOOLEAN tells_the_isr_without_the_lock(MOMENT *m) {
    volatile BOOLEAN *deferring = &m->Context->Deferring;
    *deferring = FALSE;
    return TRUE;
}

/* The framework may call back for two devices at once: a global variable has no lock. */
BOOLEAN counts_for_all_devices(MOMENT *m) {
    volatile ULONG *requests = &Requests;
    UNREFERENCED_PARAMETER(m);
    *requests = *requests + 1;
    return FALSE;
}

/* One device counts atomically, the other reads and writes. */
BOOLEAN counts_atomically_at_times(MOMENT *m) {
    if (m->Context->Times == 0 && Interlocked == 0)
        InterlockedIncrement(&Interlocked);
    else
        Interlocked = Interlocked + 1;
    return FALSE;
}

/* EvtInterruptIsr counts in a word that EvtTimerFunc resets. */
BOOLEAN resets_what_the_isr_adds_to(MOMENT *m) {
    volatile ULONG *causes = &m->Context->Causes;
    *causes = *causes & ~0xF000u;
    return FALSE;
}
