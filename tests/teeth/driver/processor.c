/* Instructions that end a system. */
#include "teeth.h"

/* A pointer to a function that was never filled in. */
BOOLEAN registers_data_as_a_callback(MOMENT *m) {
    m->Config->EvtInterruptIsr = (PFN_WDF_INTERRUPT_ISR)(PVOID)m->Config;
    return FALSE;
}

/* DbgBreakPoint, inline: without a debugger the end of the system. */
BOOLEAN breaks_into_the_debugger(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    __asm__ volatile("int3");
    return FALSE;
}

BOOLEAN executes_no_instruction(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    __asm__ volatile("ud2");
    return FALSE;
}

BOOLEAN divides_by_zero(MOMENT *m) {
    ULONG volatile zero = 0;
    m->Context->Times = m->Context->Sequence / zero;
    return FALSE;
}

/* __fastfail: what a damaged stack cookie or list entry comes to. */
BOOLEAN fails_fast(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    __asm__ volatile("int $0x29" : : "c"(3));
    return FALSE;
}

BOOLEAN halts_the_processor(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    __asm__ volatile("hlt");
    return FALSE;
}

BOOLEAN ends_the_system(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeBugCheckEx(0xE2, 0, 0, 0, 0);
    return FALSE;
}
