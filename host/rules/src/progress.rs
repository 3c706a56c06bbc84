//! Getting on: what a callback may take, and callbacks and requests that never end.

use crate::rule::declare;

declare! { Progress:
    ISR_TOO_LONG = Own "IsrTooLong", "Microsoft's guidelines for ISRs: 25 µs",
        "An ISR is done within 25 µs: 25 register accesses, or as much stalling.";
    DPC_TOO_LONG = Own "DpcTooLong", "Microsoft's guidelines for DPCs: 100 µs; far beyond it bug check 0x133, DPC_WATCHDOG_VIOLATION",
        "A DPC, and a timer's callback at DISPATCH_LEVEL, is done within 100 µs: 100 register accesses, or as much stalling.";
    CALLBACK_NEVER_ENDS = Own "CallbackNeverEnds", "kmdf-host; of some bug check 0x133, DPC_WATCHDOG_VIOLATION",
        "A callback comes to its end: it does not loop or wait for what never comes.";
    REQUEST_AGE = Compliance "RequestAge", "DeferredRequestCompleted",
        "A request that the driver has is completed while there is still something that can make the driver do it.";
}
