//! Queues: their states, and what is retrieved from them.

use crate::rule::declare;

declare! { Queues:
    CHANGE_QUEUE_STATE = Compliance "ChangeQueueState", "ChangeQueueState; KMDF: 0x10D, 0xA WDF_QUEUE_FATAL_ERROR (FxIoQueue::FatalError, fxioqueueapi.cpp)",
        "A queue is asked to tell when it has stopped, or is empty, when it has told the time before.";
    NO_IO_QUEUE_PURGE_SYNCHRONOUSLY = Compliance "NoIoQueuePurgeSynchronously", "NoIoQueuePurgeSynchronously",
        "A callback of a queue does not wait for a queue to become empty.";
    RETRIEVE_NEXT_REQUEST = Compliance "WdfIoQueueRetrieveNextRequest", "WdfIoQueueRetrieveNextRequest",
        "The next request is retrieved from a queue that can give one: a manual queue, or a sequential one of which the driver has a request.";
    RETRIEVE_FOUND_REQUEST = Compliance "WdfIoQueueRetrieveFoundRequest", "WdfIoQueueRetrieveFoundRequest",
        "A found request is retrieved from the manual queue it was found in.";
}
