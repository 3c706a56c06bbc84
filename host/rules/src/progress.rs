//! Getting on: what a callback may take, and callbacks and requests that never end.

use crate::rule::declare;

declare! { Progress:
    ISR_TOO_LONG = Own "IsrTooLong", "Microsoft's guidelines for ISRs: 25 µs",
        "An ISR ends within 25 µs: 25 register accesses, or the same time of stalling.";
    DPC_TOO_LONG = Own "DpcTooLong", "Microsoft's guidelines for DPCs: 100 µs; far beyond it bug check 0x133, DPC_WATCHDOG_VIOLATION",
        "A DPC, or a timer's callback at DISPATCH_LEVEL, ends within 100 µs: 100 register accesses, or the same time of stalling.";
    CALLBACK_NEVER_ENDS = Own "CallbackNeverEnds", "kmdf-host; for some callbacks bug check 0x133, DPC_WATCHDOG_VIOLATION",
        "A callback ends: it does not loop for ever and does not wait for an event that cannot come.";
    REQUEST_AGE = Compliance "RequestAge", "RequestCompleted, RequestCompletedLocal, DeferredRequestCompleted, ReqSendFail, EvtIoStopResume",
        "A request that the driver owns is completed while an event can still make the driver do so.";
}
