/* Cancelable requests. */
#include "teeth.h"

BOOLEAN marks_cancelable_twice(MOMENT *m) {
    if (NT_SUCCESS(WdfRequestMarkCancelableEx(m->Request, OnCancel)))
        WdfRequestMarkCancelableEx(m->Request, OnCancel);
    return TRUE;
}

/* The DPC completes without unmarking: EvtRequestCancel may run, and completes, too. */
BOOLEAN completes_while_cancelable(MOMENT *m) {
    CONTEXT *c = m->Context;
    WDFREQUEST request = c->Current;
    c->Current = NULL;
    WdfSpinLockRelease(c->Lock);
    if (request)
        Succeed(request, m->Value);
    return TRUE;
}

BOOLEAN asks_a_cancelable_request(MOMENT *m) {
    if (NT_SUCCESS(WdfRequestMarkCancelableEx(m->Request, OnCancel)))
        WdfRequestIsCanceled(m->Request);
    return TRUE;
}

BOOLEAN forwards_a_cancelable_request(MOMENT *m) {
    if (NT_SUCCESS(WdfRequestMarkCancelableEx(m->Request, OnCancel)))
        WdfRequestForwardToIoQueue(m->Request, m->Context->Manual);
    return TRUE;
}

BOOLEAN unmarks_what_is_not_cancelable(MOMENT *m) {
    WdfRequestUnmarkCancelable(m->Request);
    return FALSE;
}
