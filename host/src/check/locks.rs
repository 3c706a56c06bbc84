//! Locks and waiting.

use super::rule::rules;

rules! { Locks:
    WDF_SPINLOCK = "WdfSpinlock", "WdfSpinlock (DDI compliance)",
        "A WDFSPINLOCK is taken by a flow that does not hold it, and given back before the callback returns.";
    WDF_SPINLOCK_RELEASE = "WdfSpinlockRelease", "WdfSpinlockRelease (DDI compliance)",
        "A WDFSPINLOCK is given back by the flow that took it.";
    WDF_WAITLOCK = "WdfWaitlock", "WdfWaitlock (DDI compliance)",
        "A WDFWAITLOCK is taken by a flow that does not hold it, and given back before the callback returns.";
    WDF_WAITLOCK_RELEASE = "WdfWaitlockRelease", "WdfWaitlockRelease (DDI compliance)",
        "A WDFWAITLOCK is given back by the flow that took it.";
    WDF_INTERRUPT_LOCK = "WdfInterruptLock", "WdfInterruptLock (DDI compliance)",
        "The lock of an interrupt is taken while the interrupt is connected, by a flow that does not hold it, and given back before the callback returns.";
    WDF_INTERRUPT_LOCK_RELEASE = "WdfInterruptLockRelease", "WdfInterruptLockRelease (DDI compliance)",
        "The lock of an interrupt is given back by the flow that took it.";
    SPIN_LOCK = "SpinLock", "SpinLock, SpinLockRelease (DDI compliance for WDM)",
        "A KSPIN_LOCK is taken by a flow that does not hold it, and given back by the flow that took it, before the callback returns.";
    OBJECT_LOCK = "ObjectLock", "WdfObjectAcquireLock; bug check 0x10D, WDF_INVALID_LOCK_OPERATION",
        "The callback lock of a device or a queue is taken by a flow that does not hold it, and given back by the flow that took it, before the callback returns.";
    LOCK_ORDER = "LockOrder", "deadlock detection (Driver Verifier); bug check 0xC4, 0x1001",
        "Two locks that are held together are taken in the same order everywhere.";
    TIMER_DEADLOCK = "TimerDeadlock", "WdfTimerStop",
        "A timer's callback does not wait for its own end.";
    WORK_ITEM_DEADLOCK = "WorkItemDeadlock", "WdfWorkItemFlush",
        "A work item's callback does not wait for its own end.";
}
