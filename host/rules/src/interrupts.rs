//! Interrupts.

use crate::rule::declare;

declare! { Interrupts:
    DPC_ONLY_FROM_ISR = Own "DpcOnlyFromIsr", "WdfInterruptQueueDpcForIsr, WdfInterruptQueueWorkItemForIsr",
        "The DPC or work item of an interrupt is queued only by the ISR of that interrupt, and only if the interrupt has one.";
    INTERRUPT_NOT_CONNECTED = Framework "InterruptNotConnected", "KMDF Verifier: FxInterrupt::AcquireLock, ReleaseLock, ReportActive, ReportInactive break (interruptobject.cpp, interruptobjectkm.cpp)",
        "The lock of an interrupt is acquired and released only while the interrupt is connected; otherwise there is no lock. A DPC may run later than that, if an ISR queues it after the framework has flushed the DPC and before it disconnects the interrupt.";
    INTERRUPT_CONNECTED = Own "InterruptConnected", "WdfInterruptEnable; an assertion of FxInterrupt::Connect (interruptobject.cpp)",
        "WdfInterruptEnable is called only for an interrupt that WdfInterruptDisable has disconnected.";
    INTERRUPT_STORM = Own "InterruptStorm", "kmdf-host",
        "For a line that a device asserts, an ISR returns TRUE and makes the device deassert it.";
    ISR_UNACKED = Own "IsrUnacked", "kmdf-host",
        "An ISR that returns TRUE has made its device deassert the line.";
    ISR_CLAIMED_FOREIGN = Own "IsrClaimedForeign", "kmdf-host; EvtInterruptIsr",
        "On a shared line an ISR returns TRUE only if its own device has asserted the line.";
    INTERRUPT_LEFT_ON = Own "InterruptLeftOn", "kmdf-host; EvtInterruptDisable",
        "When a device leaves D0, the driver has told it not to interrupt any more.";
    INTERRUPT_POLICY = Own "InterruptPolicy", "WdfInterruptSetPolicy, WdfInterruptSetExtendedPolicy",
        "The policy of an interrupt is set before its resources are assigned.";
    PASSIVE_MESSAGE_SIGNALED = Own "PassiveMessageSignaled", "WDF_INTERRUPT_CONFIG, PassiveHandling",
        "An interrupt that is handled at PASSIVE_LEVEL is line-based.";
}
