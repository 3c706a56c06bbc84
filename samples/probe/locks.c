/* Probes of locks. */

#include "group.h"

PROBE(a_callback_lock_is_taken_and_given_back) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    queue = WdfRequestGetIoQueue(request);
    /* The device's comes before its queue's. Of a passive-level device: waiting for it does not raise the IRQL. */
    WdfObjectAcquireLock(device);
    WdfObjectAcquireLock(queue);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfObjectReleaseLock(queue);
    WdfObjectReleaseLock(device);
    WdfObjectAcquireLock(queue);
    WdfObjectReleaseLock(queue);
    return 0;
}

GROUP(locks, PROBES_LOCKS)
