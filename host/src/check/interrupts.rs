//! Interrupts.

use super::rule::rules;

rules! { Interrupts:
    DPC_ONLY_FROM_ISR = "DpcOnlyFromIsr", "WdfInterruptQueueDpcForIsr, WdfInterruptQueueWorkItemForIsr",
        "The DPC or work item of an interrupt is queued by its own ISR, and the interrupt has one.";
    INTERRUPT_STORM = "InterruptStorm", "kmdf-host",
        "A line that a device asserts is claimed by an ISR that makes the device lower it.";
    ISR_UNACKED = "IsrUnacked", "kmdf-host",
        "An ISR that returns TRUE has made its device lower the line.";
    ISR_CLAIMED_FOREIGN = "IsrClaimedForeign", "EvtInterruptIsr; kmdf-host",
        "On a shared line an ISR returns TRUE only if its own device has asserted the line.";
    INTERRUPT_POLICY = "InterruptPolicy", "WdfInterruptSetPolicy, WdfInterruptSetExtendedPolicy",
        "The policy of an interrupt is set before its resources are assigned.";
    PASSIVE_MESSAGE_SIGNALED = "PassiveMessageSignaled", "WDF_INTERRUPT_CONFIG, PassiveHandling",
        "An interrupt that is handled at PASSIVE_LEVEL is line-based.";
}
