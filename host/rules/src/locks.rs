//! Locks and waiting.

use crate::rule::declare;

declare! { Locks:
    WDF_SPINLOCK = Compliance "WdfSpinlock", "WdfSpinlock",
        "A WDFSPINLOCK is acquired by code that does not hold it, and released before the callback returns.";
    WDF_SPINLOCK_RELEASE = Compliance "WdfSpinlockRelease", "WdfSpinlockRelease; KMDF Verifier: 0x10D, 0xB WDF_INVALID_LOCK_OPERATION (FxSpinLock::ReleaseLock, fxspinlock.cpp)",
        "A WDFSPINLOCK is released by the code that acquired it.";
    WDF_WAITLOCK = Compliance "WdfWaitlock", "WdfWaitlock",
        "A WDFWAITLOCK is acquired by code that does not hold it, and released before the callback returns.";
    WDF_WAITLOCK_RELEASE = Compliance "WdfWaitlockRelease", "WdfWaitlockRelease",
        "A WDFWAITLOCK is released by the code that acquired it.";
    WDF_INTERRUPT_LOCK = Compliance "WdfInterruptLock", "WdfInterruptLock",
        "The lock of an interrupt is acquired by code that does not hold it, and released before the callback returns.";
    WDF_INTERRUPT_LOCK_RELEASE = Compliance "WdfInterruptLockRelease", "WdfInterruptLockRelease",
        "The lock of an interrupt is released by the code that acquired it.";
    SPIN_LOCK = Compliance "SpinLock", "SpinLock, SpinLockRelease, SpinlockDpc",
        "A KSPIN_LOCK is acquired by code that does not hold it, and released by the same code before the callback returns.";
    OBJECT_LOCK = Framework "ObjectLock", "KMDF: 0x10D, 0xB WDF_INVALID_LOCK_OPERATION (WdfObjectAcquireLock, fxobjectapi.cpp), and 0x2 WDF_RECURSIVE_LOCK (FxVerifierLock::Lock, fxverifierlock.cpp)",
        "The callback lock of a device or a queue is acquired by code that does not hold it, and released by the same code before the callback returns.";
    LOCK_SEQUENCE = Framework "LockSequence", "KMDF Verifier: a lock is acquired out of sequence (FxVerifierLock::Lock, fxverifierlock.cpp:1017)",
        "The lock of a device is acquired before the locks of its queues.";
    LOCK_ORDER = System "LockOrder", "Driver Verifier, deadlock detection: bug check 0xC4, 0x1001",
        "Two locks that are held together are acquired in the same order everywhere.";
    DATA_RACE = Own "DataRace", "the memory models of C and Rust (C11 5.1.2.4; core::sync::atomic): a data race is undefined behavior",
        "Accesses of the same memory of which one writes are ordered by a lock, a queue or PnP, or all of them are atomic.";
    WAIT_OBJECTS = System "WaitObjects", "bug check 0xC, MAXIMUM_WAIT_OBJECTS_EXCEEDED",
        "KeWaitForMultipleObjects waits for at most 64 objects, and for at most 3 if the driver passes no wait blocks.";
    TIMER_DEADLOCK = Framework "TimerDeadlock", "KMDF: FxTimer::Stop breaks and returns (fxtimer.cpp)",
        "A timer's callback does not wait until it has ended itself.";
    WORK_ITEM_DEADLOCK = Framework "WorkItemDeadlock", "KMDF: FxWorkItem::FlushAndWait breaks and returns (fxworkitem.cpp)",
        "A work item's callback does not wait until it has ended itself.";
}
