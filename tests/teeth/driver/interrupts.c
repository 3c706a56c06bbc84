/* ISRs, DPCs of interrupts, lines and messages. */
#include "teeth.h"

BOOLEAN queues_the_dpc_from_elsewhere(MOMENT *m) {
    WdfInterruptQueueDpcForIsr(m->Context->Interrupt);
    return FALSE;
}

/* The ISR says that the interrupt is another device's. */
BOOLEAN disowns_its_interrupt(MOMENT *m) {
    m->Value = FALSE;
    return TRUE;
}

/* The ISR claims its interrupt and does not acknowledge it at the device. */
BOOLEAN does_not_acknowledge(MOMENT *m) {
    m->Context->Causes |= m->Value;
    return TRUE;
}

/* WdfInterruptEnable is for what WdfInterruptDisable has disconnected. */
BOOLEAN enables_what_is_connected(MOMENT *m) {
    WdfInterruptEnable(m->Context->Interrupt);
    return FALSE;
}

BOOLEAN sets_the_policy_too_late(MOMENT *m) {
    WdfInterruptSetPolicy(
        m->Context->Interrupt, WdfIrqPolicySpecifiedProcessors, WdfIrqPriorityNormal, 1);
    return FALSE;
}

/* PassiveHandling, installed by an INF that asks for messages. */
BOOLEAN handles_messages_at_passive_level(MOMENT *m) {
    m->Config->PassiveHandling = TRUE;
    return FALSE;
}

/* On a shared line, the interrupt of another device is claimed: its own ISR is never called. */
BOOLEAN claims_every_interrupt(MOMENT *m) {
    m->Value = TRUE;
    return Read(m->Context, INTERRUPT_STATUS) == 0;
}

/* The ISR waits for the device to be idle. */
BOOLEAN polls_in_the_isr(MOMENT *m) {
    for (ULONG i = 0; i < 100; i++)
        (void)Read(m->Context, STATUS);
    return FALSE;
}

BOOLEAN stalls_in_the_dpc(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeStallExecutionProcessor(500);
    return FALSE;
}

/* The bit that is waited for never comes. */
BOOLEAN polls_for_ever(MOMENT *m) {
    while (!(Read(m->Context, STATUS) & 0x40))
        ;
    return FALSE;
}

/* An ISR between the flush of its DPC and the disconnection still queues it. */
BOOLEAN queues_its_dpc_to_the_last(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    return TRUE;
}

/* The DPC, on the other processor, spins for the lock as long. */
BOOLEAN stalls_with_the_lock_of_the_dpc(MOMENT *m) {
    WdfSpinLockAcquire(m->Context->Lock);
    Write(m->Context, INTERRUPT_RAISE, CAUSE_FACTORIAL);
    for (ULONG i = 0; i < 20; i++)
        KeStallExecutionProcessor(50);
    WdfSpinLockRelease(m->Context->Lock);
    return FALSE;
}

/* A device whose driver is gone still interrupts. */
BOOLEAN leaves_its_interrupt_on(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    return TRUE;
}
