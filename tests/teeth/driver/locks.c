/* Locks and waiting. */
#include "teeth.h"

/* A spin lock is taken by the code that has it: on Windows the processor spins for ever. */
BOOLEAN takes_the_spin_lock_twice(MOMENT *m) {
    WdfSpinLockAcquire(m->Context->Lock);
    WdfSpinLockAcquire(m->Context->Lock);
    WdfSpinLockRelease(m->Context->Lock);
    WdfSpinLockRelease(m->Context->Lock);
    return FALSE;
}

/* An early return forgets the spin lock. */
BOOLEAN keeps_the_spin_lock(MOMENT *m) {
    WdfSpinLockAcquire(m->Context->Lock);
    return FALSE;
}

BOOLEAN releases_a_spin_lock_it_has_not(MOMENT *m) {
    WdfSpinLockRelease(m->Context->Lock);
    return FALSE;
}

/* An early return forgets the wait lock. */
BOOLEAN keeps_the_wait_lock(MOMENT *m) {
    WdfWaitLockAcquire(m->Context->WaitLock, NULL);
    return FALSE;
}

BOOLEAN releases_a_wait_lock_it_has_not(MOMENT *m) {
    WdfWaitLockRelease(m->Context->WaitLock);
    return FALSE;
}

/* The ISR takes the interrupt's lock, which the framework has taken for it. */
BOOLEAN takes_the_interrupt_lock_in_the_isr(MOMENT *m) {
    WdfInterruptAcquireLock(m->Context->Interrupt);
    return FALSE;
}

/* An early return of the DPC forgets the interrupt's lock. */
BOOLEAN keeps_the_interrupt_lock(MOMENT *m) {
    WdfInterruptAcquireLock(m->Context->Interrupt);
    m->Value = 0;
    return TRUE;
}

BOOLEAN releases_an_interrupt_lock_it_has_not(MOMENT *m) {
    WdfInterruptReleaseLock(m->Context->Interrupt);
    return FALSE;
}

static KSPIN_LOCK Plain;

BOOLEAN takes_a_kernel_spin_lock_twice(MOMENT *m) {
    KIRQL first, second;
    UNREFERENCED_PARAMETER(m);
    KeInitializeSpinLock(&Plain);
    KeAcquireSpinLock(&Plain, &first);
    KeAcquireSpinLock(&Plain, &second);
    KeReleaseSpinLock(&Plain, second);
    KeReleaseSpinLock(&Plain, first);
    return FALSE;
}

/* The timer's callback waits for its own end. */
BOOLEAN timer_waits_for_itself(MOMENT *m) {
    WdfTimerStop(m->Context->Timer, TRUE);
    return FALSE;
}

/* The work item's callback waits for its own end. */
BOOLEAN work_item_waits_for_itself(MOMENT *m) {
    WdfWorkItemFlush(m->Context->WorkItem);
    return FALSE;
}

/* Two locks, in one order here and in the other there. */
BOOLEAN takes_two_locks_in_both_orders(MOMENT *m) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSPINLOCK first = m->Context->Lock, second;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = m->Context->Device;
    if (!NT_SUCCESS(WdfSpinLockCreate(&attributes, &second)))
        return FALSE;
    WdfSpinLockAcquire(first);
    WdfSpinLockAcquire(second);
    WdfSpinLockRelease(second);
    WdfSpinLockRelease(first);
    WdfSpinLockAcquire(second);
    WdfSpinLockAcquire(first);
    WdfSpinLockRelease(first);
    WdfSpinLockRelease(second);
    return FALSE;
}

/* Only devices and queues have a callback lock. */
BOOLEAN takes_the_lock_of_a_lock(MOMENT *m) {
    WdfObjectAcquireLock(m->Context->Lock);
    WdfObjectReleaseLock(m->Context->Lock);
    return FALSE;
}

BOOLEAN keeps_the_lock_of_its_queue(MOMENT *m) {
    WdfObjectAcquireLock(m->Context->Queue);
    return FALSE;
}

/* A queue's lock, then its device's. */
BOOLEAN takes_the_lock_of_its_device_after_the_queues(MOMENT *m) {
    WdfObjectAcquireLock(m->Context->Manual);
    WdfObjectAcquireLock(m->Context->Device);
    WdfObjectReleaseLock(m->Context->Device);
    WdfObjectReleaseLock(m->Context->Manual);
    return FALSE;
}

BOOLEAN takes_a_kernel_spin_lock_twice_in_the_dpc(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeInitializeSpinLock(&Plain);
    KeAcquireSpinLockAtDpcLevel(&Plain);
    KeAcquireSpinLockAtDpcLevel(&Plain);
    KeReleaseSpinLockFromDpcLevel(&Plain);
    KeReleaseSpinLockFromDpcLevel(&Plain);
    return FALSE;
}
