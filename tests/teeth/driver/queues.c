/* The states of queues, and what is retrieved from them. */
#include "teeth.h"

static EVT_WDF_IO_QUEUE_STATE OnStateChanged;
static void OnStateChanged(WDFQUEUE queue, WDFCONTEXT context) {
    UNREFERENCED_PARAMETER(queue);
    UNREFERENCED_PARAMETER(context);
}

/* The queue cannot have stopped yet: the request that asks for it is one of its own. */
BOOLEAN changes_a_queue_twice(MOMENT *m) {
    WdfIoQueueStop(m->Context->Queue, OnStateChanged, NULL);
    WdfIoQueueStop(m->Context->Queue, OnStateChanged, NULL);
    return FALSE;
}

/* The queue waits for the request, and the request for the queue. */
BOOLEAN purges_its_queue_synchronously(MOMENT *m) {
    WdfIoQueuePurgeSynchronously(m->Context->Queue);
    return FALSE;
}

BOOLEAN retrieves_from_a_sequential_queue(MOMENT *m) {
    WDFREQUEST request;
    WdfIoQueueRetrieveNextRequest(m->Context->Queue, &request);
    return FALSE;
}

BOOLEAN retrieves_a_found_request_elsewhere(MOMENT *m) {
    WDFREQUEST request;
    WdfIoQueueRetrieveFoundRequest(m->Context->Queue, m->Request, &request);
    return FALSE;
}

BOOLEAN forwards_a_request_to_its_own_queue(MOMENT *m) {
    return NT_SUCCESS(WdfRequestForwardToIoQueue(m->Request, m->Context->Queue));
}

BOOLEAN deletes_its_default_queue(MOMENT *m) {
    WdfObjectDelete(WdfDeviceGetDefaultQueue(m->Context->Device));
    return FALSE;
}

BOOLEAN retrieves_what_it_did_not_find(MOMENT *m) {
    WDFREQUEST found, request;
    (void)WdfIoQueueFindRequest(m->Context->Manual, NULL, NULL, NULL, &found);
    (void)WdfIoQueueRetrieveFoundRequest(m->Context->Manual, found, &request);
    return FALSE;
}

/* The framework has the request of this IRP. */
BOOLEAN dispatches_an_irp_from_elsewhere(MOMENT *m) {
    (void)WdfDeviceWdmDispatchIrpToIoQueue(
        m->Context->Device, WdfRequestWdmGetIrp(m->Request), m->Context->Manual, 0);
    return TRUE;
}

/* It may be the request that was found, of which the driver keeps a reference. */
BOOLEAN retrieves_the_next_instead_of_what_it_found(MOMENT *m) {
    WDFREQUEST found, request;
    WDFQUEUE queue = m->Context->Manual;
    if (NT_SUCCESS(WdfRequestForwardToIoQueue(m->Request, queue)) &&
        NT_SUCCESS(WdfIoQueueFindRequest(queue, NULL, NULL, NULL, &found)))
        (void)WdfIoQueueRetrieveNextRequest(queue, &request);
    return TRUE;
}
