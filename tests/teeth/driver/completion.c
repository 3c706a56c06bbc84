/* A request is completed once, and not touched afterwards. */
#include "teeth.h"

/* The error path falls through to the completion. */
BOOLEAN completes_twice(MOMENT *m) {
    WdfRequestComplete(m->Request, STATUS_INVALID_PARAMETER);
    WdfRequestComplete(m->Request, STATUS_SUCCESS);
    return TRUE;
}

BOOLEAN uses_a_completed_request(MOMENT *m) {
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    WdfRequestSetInformation(m->Request, 0);
    return TRUE;
}

/* The output is written after the completion. */
BOOLEAN writes_to_a_completed_request(MOMENT *m) {
    PULONG output;
    if (!NT_SUCCESS(WdfRequestRetrieveOutputBuffer(
            m->Request, sizeof(ULONG), (PVOID *)&output, NULL)))
        return FALSE;
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    *(volatile ULONG *)output = 0;
    return TRUE;
}

/* A request that was forwarded to a queue is the queue's. */
BOOLEAN completes_a_queued_request(MOMENT *m) {
    if (!NT_SUCCESS(WdfRequestForwardToIoQueue(m->Request, m->Context->Manual)))
        return FALSE;
    WdfRequestComplete(m->Request, STATUS_SUCCESS);
    return TRUE;
}

BOOLEAN returns_more_than_the_buffer_has(MOMENT *m) {
    WdfRequestCompleteWithInformation(m->Request, STATUS_SUCCESS, 64);
    return TRUE;
}

/* STATUS_PENDING is for dispatch routines of WDM. */
BOOLEAN completes_with_pending(MOMENT *m) {
    WdfRequestComplete(m->Request, STATUS_PENDING);
    return TRUE;
}

/* The buffer holds the four bytes of the input, and then what pool held before. */
BOOLEAN returns_what_it_did_not_write(MOMENT *m) {
    WdfRequestCompleteWithInformation(m->Request, STATUS_SUCCESS, 16);
    return TRUE;
}

typedef struct _ANSWER {
    ULONG Operand;
    /* Four bytes without a name. */
    ULONG64 Result;
} ANSWER;

/* Both fields are written, and nobody writes what the compiler has put between them. */
BOOLEAN returns_what_lies_between_its_fields(MOMENT *m) {
    ANSWER *answer;
    if (!NT_SUCCESS(WdfRequestRetrieveOutputBuffer(
            m->Request, sizeof(ANSWER), (PVOID *)&answer, NULL)))
        return FALSE;
    answer->Operand = 5;
    answer->Result = 120;
    WdfRequestCompleteWithInformation(m->Request, STATUS_SUCCESS, sizeof(ANSWER));
    return TRUE;
}

/* A request that nobody has any more. */
BOOLEAN forgets_the_request(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    return TRUE;
}

BOOLEAN uses_the_memory_of_a_completed_request(MOMENT *m) {
    WDFMEMORY memory;
    if (!NT_SUCCESS(WdfRequestRetrieveOutputMemory(m->Request, &memory)))
        return FALSE;
    WdfRequestComplete(m->Request, STATUS_CANCELLED);
    WdfMemoryGetBuffer(memory, NULL);
    return TRUE;
}

/* A request of a queue is completed, not deleted. */
BOOLEAN deletes_a_request(MOMENT *m) {
    WdfObjectDelete(m->Request);
    return TRUE;
}

BOOLEAN asks_a_read_for_input(MOMENT *m) {
    PVOID input;
    (void)WdfRequestRetrieveInputBuffer(m->Request, 0, &input, NULL);
    return FALSE;
}

BOOLEAN asks_a_write_for_output(MOMENT *m) {
    PVOID output;
    (void)WdfRequestRetrieveOutputBuffer(m->Request, 0, &output, NULL);
    return FALSE;
}

/* The device has no file objects. */
BOOLEAN asks_for_a_file_object(MOMENT *m) {
    (void)WdfRequestGetFileObject(m->Request);
    return FALSE;
}
