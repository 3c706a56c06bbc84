//! Locks and waiting.

use crate::rule::declare;

declare! { Locks:
    WDF_SPINLOCK = Compliance "WdfSpinlock", "WdfSpinlock",
        "A WDFSPINLOCK is taken by a flow that does not hold it, and given back before the callback returns.";
    WDF_SPINLOCK_RELEASE = Compliance "WdfSpinlockRelease", "WdfSpinlockRelease; KMDF Verifier: 0x10D, 0xB WDF_INVALID_LOCK_OPERATION (FxSpinLock::ReleaseLock, fxspinlock.cpp)",
        "A WDFSPINLOCK is given back by the flow that took it.";
    WDF_WAITLOCK = Compliance "WdfWaitlock", "WdfWaitlock",
        "A WDFWAITLOCK is taken by a flow that does not hold it, and given back before the callback returns.";
    WDF_WAITLOCK_RELEASE = Compliance "WdfWaitlockRelease", "WdfWaitlockRelease",
        "A WDFWAITLOCK is given back by the flow that took it.";
    WDF_INTERRUPT_LOCK = Compliance "WdfInterruptLock", "WdfInterruptLock",
        "The lock of an interrupt is taken by a flow that does not hold it, and given back before the callback returns.";
    WDF_INTERRUPT_LOCK_RELEASE = Compliance "WdfInterruptLockRelease", "WdfInterruptLockRelease",
        "The lock of an interrupt is given back by the flow that took it.";
    SPIN_LOCK = Compliance "SpinLock", "SpinLock, SpinLockRelease (for WDM)",
        "A KSPIN_LOCK is taken by a flow that does not hold it, and given back by the flow that took it, before the callback returns.";
    OBJECT_LOCK = Framework "ObjectLock", "KMDF: 0x10D, 0xB WDF_INVALID_LOCK_OPERATION (WdfObjectAcquireLock, fxobjectapi.cpp), and 0x2 WDF_RECURSIVE_LOCK (FxVerifierLock::Lock, fxverifierlock.cpp)",
        "The callback lock of a device or a queue is taken by a flow that does not hold it, and given back by the flow that took it, before the callback returns.";
    LOCK_SEQUENCE = Framework "LockSequence", "KMDF Verifier: a lock is acquired out of sequence (FxVerifierLock::Lock, fxverifierlock.cpp:1017)",
        "The lock of a device is taken before the locks of its queues.";
    LOCK_ORDER = System "LockOrder", "Driver Verifier, deadlock detection: bug check 0xC4, 0x1001",
        "Two locks that are held together are taken in the same order everywhere.";
    TIMER_DEADLOCK = Framework "TimerDeadlock", "KMDF: FxTimer::Stop breaks and returns (fxtimer.cpp)",
        "A timer's callback does not wait for its own end.";
    WORK_ITEM_DEADLOCK = Framework "WorkItemDeadlock", "KMDF: FxWorkItem::FlushAndWait breaks and returns (fxworkitem.cpp)",
        "A work item's callback does not wait for its own end.";
}
