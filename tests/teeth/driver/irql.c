/* At which IRQL what may be called, and with which a callback returns. */
#include "teeth.h"

/* A callback returns at another IRQL than it was called at. */
BOOLEAN returns_at_dispatch_level(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KfRaiseIrql(DISPATCH_LEVEL);
    return FALSE;
}

/* The ISR completes the request itself, instead of leaving it to the DPC. */
BOOLEAN completes_in_the_isr(MOMENT *m) {
    CONTEXT *c = m->Context;
    if (c->Current && Read(c, INTERRUPT_STATUS) & CAUSE_FACTORIAL)
        WdfRequestComplete(c->Current, STATUS_SUCCESS);
    return FALSE;
}

/* A DPC waits for a lock that takes its turn by putting threads to sleep. */
BOOLEAN waits_for_a_wait_lock_in_the_dpc(MOMENT *m) {
    WdfWaitLockAcquire(m->Context->WaitLock, NULL);
    WdfWaitLockRelease(m->Context->WaitLock);
    return FALSE;
}

/* A DPC sleeps. */
BOOLEAN sleeps_in_the_dpc(MOMENT *m) {
    LARGE_INTEGER interval = {.QuadPart = WDF_REL_TIMEOUT_IN_MS(1)};
    UNREFERENCED_PARAMETER(m);
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    return FALSE;
}

/* A DPC allocates memory that may be paged out. */
BOOLEAN paged_pool_in_the_dpc(MOMENT *m) {
    PVOID memory = ExAllocatePool2(POOL_FLAG_PAGED, 16, TAG);
    UNREFERENCED_PARAMETER(m);
    if (memory)
        ExFreePoolWithTag(memory, TAG);
    return FALSE;
}

/* A function in a pageable section, called by a DPC: its page may be out. */
static __attribute__((noinline, section("PAGE"))) void Paged(CONTEXT *c) {
    WdfSpinLockAcquire(c->Lock);
    WdfSpinLockRelease(c->Lock);
}

BOOLEAN calls_pageable_code_in_the_dpc(MOMENT *m) {
    Paged(m->Context);
    return FALSE;
}

static __attribute__((noinline)) void Give(CONTEXT *c) {
    WdfSpinLockRelease(c->Lock);
}

/* The lock raises the IRQL, and the last call is a jump, which does not come back here. */
static __attribute__((noinline, section("PAGE"))) void PagedWithTheLock(CONTEXT *c) {
    WdfSpinLockAcquire(c->Lock);
    Give(c);
}

BOOLEAN takes_the_lock_in_pageable_code(MOMENT *m) {
    PagedWithTheLock(m->Context);
    return FALSE;
}

/* It calls nothing. */
static __attribute__((noinline, section("PAGE"))) void PagedSum(CONTEXT *c) {
    volatile ULONG *times = &c->Times;
    for (ULONG i = 0; i < 3; i++)
        *times += i;
}

BOOLEAN computes_in_pageable_code_in_the_dpc(MOMENT *m) {
    PagedSum(m->Context);
    return FALSE;
}
