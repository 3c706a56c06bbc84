/* Register accesses. */
#include "teeth.h"

BOOLEAN reads_a_byte_of_a_register(MOMENT *m) {
    (void)READ_REGISTER_UCHAR(m->Context->Registers + INTERRUPT_STATUS);
    return FALSE;
}

BOOLEAN reads_where_there_is_no_register(MOMENT *m) {
    (void)Read(m->Context, 0x3C);
    return FALSE;
}

/* The device drops what is written while it computes. */
BOOLEAN writes_while_the_device_computes(MOMENT *m) {
    CONTEXT *c = m->Context;
    Write(c, FACTORIAL, c->Operand);
    Write(c, FACTORIAL, c->Operand);
    c->Busy = TRUE;
    c->Running = c->Sequence;
    return TRUE;
}

/* The device may have lost its power by now. */
BOOLEAN reads_a_register_after_d0(MOMENT *m) {
    if (m->Context->Registers)
        (void)Read(m->Context, STATUS);
    return FALSE;
}
