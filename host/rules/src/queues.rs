//! Queues: their states, and what is retrieved from them.

use crate::rule::declare;

declare! { Queues:
    CHANGE_QUEUE_STATE = Compliance "ChangeQueueState", "ChangeQueueState; KMDF: 0x10D, 0xA WDF_QUEUE_FATAL_ERROR (FxIoQueue::FatalError, fxioqueueapi.cpp)",
        "A queue is stopped, drained or purged with a callback only after the callback of the previous such call.";
    NO_IO_QUEUE_PURGE_SYNCHRONOUSLY = Compliance "NoIoQueuePurgeSynchronously", "NoIoQueuePurgeSynchronously",
        "A callback of a queue does not wait for a queue to become empty.";
    RETRIEVE_NEXT_REQUEST = Compliance "WdfIoQueueRetrieveNextRequest", "WdfIoQueueRetrieveNextRequest",
        "The next request is retrieved only from a manual queue of which the driver has no request that it has found, or from a sequential queue while the driver owns a request of it.";
    FWD_IRP_TO_IO_QUEUE_VALID = Compliance "FwdIrpToIoQueueValid", "FwdIrpToIoQueueValid",
        "WdfDeviceWdmDispatchIrpToIoQueue is called only in EvtDeviceWdmIrpPreprocess or EvtDeviceWdmIrpDispatch.";
    FIND_REQUEST_FAILED = Compliance "WdfIoQueueFindRequestFailed", "WdfIoQueueFindRequestFailed",
        "If WdfIoQueueFindRequest has failed, there is no request: it is neither retrieved nor dereferenced.";
    RETRIEVE_FOUND_REQUEST = Compliance "WdfIoQueueRetrieveFoundRequest", "WdfIoQueueRetrieveFoundRequest",
        "A found request is retrieved from the manual queue in which it was found.";
}
