/* Probes of locks. */

#include "group.h"

PROBE(a_callback_lock_is_taken_and_given_back) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    queue = WdfRequestGetIoQueue(request);
    WdfObjectAcquireLock(queue);
    WdfObjectReleaseLock(queue);
    WdfObjectAcquireLock(queue);
    WdfObjectReleaseLock(queue);
    return 0;
}

PROBE(the_lock_of_a_device_comes_before_those_of_its_queues) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    queue = WdfRequestGetIoQueue(request);
    WdfObjectAcquireLock(device);
    WdfObjectAcquireLock(queue);
    WdfObjectReleaseLock(queue);
    WdfObjectReleaseLock(device);
    return 0;
}

PROBE(the_lock_of_a_passive_level_device_leaves_the_irql) {
    WdfObjectAcquireLock(device);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfObjectReleaseLock(device);
    return 0;
}

PROBE(a_spin_lock_is_held_at_dispatch_level) {
    WDFSPINLOCK lock;

    SUCCEEDS(WdfSpinLockCreate(NULL, &lock));
    WdfSpinLockAcquire(lock);
    HOLDS(KeGetCurrentIrql() == DISPATCH_LEVEL);
    WdfSpinLockRelease(lock);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfObjectDelete(lock);
    return 0;
}

PROBE(a_spin_lock_goes_back_to_the_irql_it_came_from) {
    WDFSPINLOCK outer, inner;

    SUCCEEDS(WdfSpinLockCreate(NULL, &outer));
    SUCCEEDS(WdfSpinLockCreate(NULL, &inner));
    WdfSpinLockAcquire(outer);
    WdfSpinLockAcquire(inner);
    WdfSpinLockRelease(inner);
    HOLDS(KeGetCurrentIrql() == DISPATCH_LEVEL);
    WdfSpinLockRelease(outer);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfObjectDelete(inner);
    WdfObjectDelete(outer);
    return 0;
}

PROBE(a_spin_lock_has_neither_level_nor_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSPINLOCK lock;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelDispatch;
    HOLDS(WdfSpinLockCreate(&attributes, &lock) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(WdfSpinLockCreate(&attributes, &lock) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(a_wait_lock_is_held_at_passive_level) {
    WDFWAITLOCK lock;

    SUCCEEDS(WdfWaitLockCreate(NULL, &lock));
    HOLDS(WdfWaitLockAcquire(lock, NULL) == STATUS_SUCCESS);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfWaitLockRelease(lock);
    WdfObjectDelete(lock);
    return 0;
}

PROBE(a_free_wait_lock_is_taken_without_waiting) {
    LONGLONG none = 0;
    WDFWAITLOCK lock;

    SUCCEEDS(WdfWaitLockCreate(NULL, &lock));
    HOLDS(WdfWaitLockAcquire(lock, &none) == STATUS_SUCCESS);
    WdfWaitLockRelease(lock);
    HOLDS(WdfWaitLockAcquire(lock, &none) == STATUS_SUCCESS);
    WdfWaitLockRelease(lock);
    WdfObjectDelete(lock);
    return 0;
}

PROBE(a_wait_for_a_held_wait_lock_has_a_limit) {
    LONGLONG none = 0, some = WDF_REL_TIMEOUT_IN_MS(5);
    WDFWAITLOCK lock;

    SUCCEEDS(WdfWaitLockCreate(NULL, &lock));
    HOLDS(WdfWaitLockAcquire(lock, NULL) == STATUS_SUCCESS);
    HOLDS(WdfWaitLockAcquire(lock, &none) == STATUS_TIMEOUT);
    HOLDS(WdfWaitLockAcquire(lock, &some) == STATUS_TIMEOUT);
    WdfWaitLockRelease(lock);
    WdfObjectDelete(lock);
    return 0;
}

PROBE(a_wait_lock_has_neither_level_nor_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFWAITLOCK lock;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfWaitLockCreate(&attributes, &lock) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    HOLDS(WdfWaitLockCreate(&attributes, &lock) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

GROUP(locks, PROBES_LOCKS)
