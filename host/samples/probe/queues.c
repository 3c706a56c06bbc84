/* Probes of queues: making them, their states, and the requests that wait in them. */

#include "group.h"

/* What the callbacks of the queue under test have seen. */
static struct {
    WDFREQUEST Presented, CanceledOnQueue, Canceled;
    ULONG States, Readies;
} Seen;

static EVT_WDF_IO_QUEUE_IO_DEFAULT OnPresented;
static void OnPresented(WDFQUEUE queue, WDFREQUEST request) {
    Seen.Presented = request;
}

static EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE OnCanceledOnQueue;
static void OnCanceledOnQueue(WDFQUEUE queue, WDFREQUEST request) {
    Seen.CanceledOnQueue = request;
}

static EVT_WDF_REQUEST_CANCEL OnCancel;
static void OnCancel(WDFREQUEST request) {
    Seen.Canceled = request;
}

static EVT_WDF_IO_QUEUE_STATE OnState;
static void OnState(WDFQUEUE queue, WDFCONTEXT context) {
    Seen.States++;
}

static EVT_WDF_IO_QUEUE_STATE OnReady;
static void OnReady(WDFQUEUE queue, WDFCONTEXT context) {
    Seen.Readies++;
}

/* A configuration that is taken: a manual queue, or one that presents. */
static void Configure(WDF_IO_QUEUE_CONFIG *config, WDF_IO_QUEUE_DISPATCH_TYPE type) {
    WDF_IO_QUEUE_CONFIG_INIT(config, type);
    if (type != WdfIoQueueDispatchManual)
        config->EvtIoDefault = OnPresented;
    config->EvtIoCanceledOnQueue = OnCanceledOnQueue;
    RtlZeroMemory(&Seen, sizeof(Seen));
}

static NTSTATUS Make(WDFDEVICE device, WDF_IO_QUEUE_DISPATCH_TYPE type, WDFQUEUE *queue) {
    WDF_IO_QUEUE_CONFIG config;

    Configure(&config, type);
    return WdfIoQueueCreate(device, &config, NULL, queue);
}

/* The bits of WDF_IO_QUEUE_STATE that say what a queue does with requests. */
static ULONG Does(WDFQUEUE queue) {
    return WdfIoQueueGetState(queue, NULL, NULL) & (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests);
}

static BOOLEAN Counts(WDFQUEUE queue, ULONG waiting, ULONG driver) {
    ULONG counted[2];
    ULONG state = WdfIoQueueGetState(queue, &counted[0], &counted[1]);

    return counted[0] == waiting && counted[1] == driver
        && ((state & WdfIoQueueNoRequests) != 0) == (waiting == 0)
        && ((state & WdfIoQueueDriverNoRequests) != 0) == (driver == 0);
}

/* Makes a manual queue that has the request, as it came from another queue. */
static NTSTATUS Hold(WDFDEVICE device, WDFREQUEST request, WDFQUEUE *queue) {
    NTSTATUS status = Make(device, WdfIoQueueDispatchManual, queue);

    return NT_SUCCESS(status) ? WdfRequestForwardToIoQueue(request, *queue) : status;
}

/* Makes a manual queue of which the driver has the request. */
static NTSTATUS Own(WDFDEVICE device, WDFREQUEST request, WDFQUEUE *queue) {
    NTSTATUS status = Hold(device, request, queue);
    WDFREQUEST same;

    if (!NT_SUCCESS(status))
        return status;
    status = WdfIoQueueRetrieveNextRequest(*queue, &same);
    return NT_SUCCESS(status) && same != request ? STATUS_INTERNAL_ERROR : status;
}

/* Where the request is between the probes, for a device. */
static WDFQUEUE Home;
static WDFDEVICE HomeOf;

/* Gives the request a queue that stays, as if nobody had canceled it, and deletes the one under test. */
static NTSTATUS Leave(WDFDEVICE device, WDFREQUEST request, WDFQUEUE queue) {
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_IO_QUEUE_CONFIG config;
    WDFREQUEST same;
    NTSTATUS status = STATUS_SUCCESS;

    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    if (HomeOf != device) {
        WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
        status = WdfIoQueueCreate(device, &config, NULL, &Home);
        HomeOf = device;
    }
    if (NT_SUCCESS(status))
        status = WdfRequestReuse(request, &reuse);
    if (NT_SUCCESS(status))
        status = WdfRequestForwardToIoQueue(request, Home);
    if (NT_SUCCESS(status))
        status = WdfIoQueueRetrieveNextRequest(Home, &same);
    if (NT_SUCCESS(status))
        WdfObjectDelete(queue);
    return status;
}

PROBE(a_queue_configuration_has_the_size_of_a_version) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchManual);
    config.Size--;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(only_a_default_queue_may_have_no_handle) {
    WDF_IO_QUEUE_CONFIG config;

    Configure(&config, WdfIoQueueDispatchManual);
    HOLDS(WdfIoQueueCreate(device, &config, NULL, NULL) == STATUS_INVALID_PARAMETER_4);
    return 0;
}

PROBE(a_default_queue_comes_before_the_start) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchManual);
    config.DefaultQueue = TRUE;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_DEVICE_STATE);
    config.DispatchType = WdfIoQueueDispatchInvalid;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(a_queue_has_a_parent_below_its_device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchManual);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = WdfGetDriver();
    HOLDS(WdfIoQueueCreate(device, &config, &attributes, &queue) == STATUS_INVALID_DEVICE_REQUEST);
    attributes.ParentObject = WdfDeviceGetDefaultQueue(device);
    SUCCEEDS(WdfIoQueueCreate(device, &config, &attributes, &queue));
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_queue_has_one_of_three_dispatch_types) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchManual);
    config.DispatchType = WdfIoQueueDispatchInvalid;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_PARAMETER);
    config.DispatchType = WdfIoQueueDispatchMax;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_queue_that_presents_has_a_callback) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_WDF_NO_CALLBACK);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_WDF_NO_CALLBACK);
    return 0;
}

PROBE(a_manual_queue_has_no_callback_for_requests) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.EvtIoDefault = OnPresented;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(only_a_parallel_queue_has_a_number_of_requests) {
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchSequential);
    config.Settings.Parallel.NumberOfPresentedRequests = 1;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_PARAMETER);
    Configure(&config, WdfIoQueueDispatchManual);
    config.Settings.Parallel.NumberOfPresentedRequests = 1;
    HOLDS(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_queue_in_its_device_s_scope_has_its_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue;

    Configure(&config, WdfIoQueueDispatchManual);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    attributes.ExecutionLevel = WdfExecutionLevelDispatch;
    HOLDS(WdfIoQueueCreate(device, &config, &attributes, &queue) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_new_queue_takes_and_hands_out) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    HOLDS(WdfIoQueueGetState(queue, NULL, NULL)
        == (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueueNoRequests
            | WdfIoQueueDriverNoRequests));
    HOLDS(Counts(queue, 0, 0));
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_queue_knows_its_device) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchSequential, &queue));
    HOLDS(WdfIoQueueGetDevice(queue) == device);
    HOLDS(WdfIoQueueGetDevice(WdfDeviceGetDefaultQueue(device)) == device);
    HOLDS(WdfDeviceGetDefaultQueue(device) != queue);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_stopped_queue_takes_and_hands_out_nothing) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    HOLDS(Does(queue) == WdfIoQueueAcceptRequests);
    WdfIoQueueStart(queue);
    HOLDS(Does(queue) == (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests));
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_purged_queue_hands_out_and_takes_nothing) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(Does(queue) == WdfIoQueueDispatchRequests);
    WdfIoQueueStart(queue);
    HOLDS(Does(queue) == (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests));
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_drained_queue_hands_out_and_takes_nothing) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueDrain(queue, NULL, NULL);
    HOLDS(Does(queue) == WdfIoQueueDispatchRequests);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_queue_stopped_and_purged_takes_and_hands_out_nothing) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStopAndPurge(queue, NULL, NULL);
    HOLDS(Does(queue) == WdfIoQueueAcceptRequests);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(purging_does_not_start_a_stopped_queue) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(Does(queue) == 0);
    WdfIoQueueStart(queue);
    WdfIoQueueStop(queue, NULL, NULL);
    WdfIoQueueDrain(queue, NULL, NULL);
    HOLDS(Does(queue) == 0);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(stopping_a_purged_queue_has_it_take_again) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    WdfIoQueueStop(queue, NULL, NULL);
    HOLDS(Does(queue) == WdfIoQueueAcceptRequests);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(an_empty_queue_tells_at_once_that_it_has_stopped) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStop(queue, OnState, NULL);
    HOLDS(Seen.States == 1);
    WdfIoQueueStop(queue, OnState, NULL);
    HOLDS(Seen.States == 2);
    WdfIoQueueStopAndPurge(queue, OnState, NULL);
    HOLDS(Seen.States == 3);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(an_empty_queue_tells_at_once_that_it_is_purged) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueuePurge(queue, OnState, NULL);
    HOLDS(Seen.States == 1);
    WdfIoQueueDrain(queue, OnState, NULL);
    HOLDS(Seen.States == 2);
    WdfObjectDelete(queue);
    return 0;
}

/* Not from a callback of a queue: in a system thread. */
static EVT_WDF_WORKITEM OnWork;
static void OnWork(WDFWORKITEM item) {
    WDFQUEUE queue;

    if (!NT_SUCCESS(Make((WDFDEVICE)WdfWorkItemGetParentObject(item), WdfIoQueueDispatchManual, &queue)))
        return;
    WdfIoQueueStopSynchronously(queue);
    Seen.States += Does(queue) == WdfIoQueueAcceptRequests;
    WdfIoQueuePurgeSynchronously(queue);
    Seen.States += Does(queue) == 0;
    WdfIoQueueStart(queue);
    WdfIoQueueDrainSynchronously(queue);
    Seen.States += Does(queue) == WdfIoQueueDispatchRequests;
    WdfIoQueueStopAndPurgeSynchronously(queue);
    Seen.States += Does(queue) == WdfIoQueueAcceptRequests;
    WdfObjectDelete(queue);
}

PROBE(an_empty_queue_changes_its_state_synchronously) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    WDF_WORKITEM_CONFIG_INIT(&config, OnWork);
    config.AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfWorkItemCreate(&config, &attributes, &item));
    RtlZeroMemory(&Seen, sizeof(Seen));
    WdfWorkItemEnqueue(item);
    WdfWorkItemFlush(item);
    WdfObjectDelete(item);
    HOLDS(Seen.States == 4);
    return 0;
}

PROBE(nothing_is_retrieved_from_an_empty_queue) {
    WDFREQUEST none = (WDFREQUEST)device;
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    HOLDS(WdfIoQueueRetrieveNextRequest(queue, &none) == STATUS_NO_MORE_ENTRIES);
    HOLDS(none == NULL);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(nothing_is_retrieved_from_a_parallel_queue) {
    WDFREQUEST none = (WDFREQUEST)device;
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchParallel, &queue));
    HOLDS(WdfIoQueueRetrieveNextRequest(queue, &none) == STATUS_INVALID_DEVICE_STATE);
    HOLDS(none == NULL);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(nothing_is_retrieved_from_a_stopped_queue) {
    WDFREQUEST none = (WDFREQUEST)device;
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    HOLDS(WdfIoQueueRetrieveNextRequest(queue, &none) == STATUS_WDF_PAUSED);
    HOLDS(none == NULL);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(nothing_is_found_in_an_empty_queue) {
    WDF_REQUEST_PARAMETERS parameters;
    WDFREQUEST none = (WDFREQUEST)device;
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    HOLDS(WdfIoQueueFindRequest(queue, NULL, NULL, &parameters, &none) == STATUS_NO_MORE_ENTRIES);
    HOLDS(none == NULL);
    WdfIoQueueStop(queue, NULL, NULL);
    HOLDS(WdfIoQueueFindRequest(queue, NULL, NULL, NULL, &none) == STATUS_NO_MORE_ENTRIES);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_request_is_found_with_parameters_of_a_size) {
    WDF_REQUEST_PARAMETERS parameters;
    WDFREQUEST none;
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    parameters.Size--;
    HOLDS(WdfIoQueueFindRequest(queue, NULL, NULL, &parameters, &none) == STATUS_INVALID_PARAMETER_4);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(an_empty_queue_is_not_ready) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    SUCCEEDS(WdfIoQueueReadyNotify(queue, OnReady, NULL));
    WdfIoQueueStop(queue, NULL, NULL);
    WdfIoQueueStart(queue);
    HOLDS(Seen.Readies == 0);
    WdfIoQueueStop(queue, NULL, NULL);
    SUCCEEDS(WdfIoQueueReadyNotify(queue, NULL, NULL));
    WdfObjectDelete(queue);
    return 0;
}

PROBE(requests_are_dispatched_as_configured_before_the_start) {
    WDFQUEUE queue;

    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    HOLDS(WdfDeviceConfigureRequestDispatching(device, queue, WdfRequestTypeRead)
        == STATUS_INVALID_DEVICE_STATE);
    HOLDS(WdfDeviceConfigureRequestDispatching(device, queue, WdfRequestTypeCreate)
        == STATUS_INVALID_DEVICE_STATE);
    HOLDS(WdfDeviceConfigureRequestDispatching(device, queue, WdfRequestTypePower)
        == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_forwarded_request_waits_in_a_manual_queue) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    HOLDS(Counts(queue, 1, 0));
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    HOLDS(same == request && Counts(queue, 0, 1));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_request_is_of_the_queue_it_was_forwarded_to) {
    WDFQUEUE first, second;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &first));
    HOLDS(WdfRequestGetIoQueue(request) == first);
    SUCCEEDS(Own(device, request, &second));
    HOLDS(WdfRequestGetIoQueue(request) == second && Counts(first, 0, 0));
    WdfObjectDelete(first);
    SUCCEEDS(Leave(device, request, second));
    return 0;
}

PROBE(a_stopped_queue_takes_forwarded_requests) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(WdfIoQueueRetrieveNextRequest(queue, &same) == STATUS_WDF_PAUSED);
    WdfIoQueueStart(queue);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_purged_queue_takes_no_forwarded_request) {
    WDFQUEUE first, queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &first));
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(WdfRequestForwardToIoQueue(request, queue) == STATUS_WDF_BUSY);
    HOLDS(WdfRequestGetIoQueue(request) == first && Counts(first, 0, 1));
    WdfObjectDelete(queue);
    SUCCEEDS(Leave(device, request, first));
    return 0;
}

PROBE(a_drained_queue_takes_no_forwarded_request) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    WdfIoQueueDrain(queue, NULL, NULL);
    HOLDS(WdfRequestForwardToIoQueue(request, queue) == STATUS_WDF_BUSY);
    WdfObjectDelete(queue);
    return 0;
}

PROBE(a_requeued_request_waits_again) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &queue));
    SUCCEEDS(WdfRequestRequeue(request));
    HOLDS(Counts(queue, 1, 0));
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    HOLDS(same == request);
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_found_request_stays_in_its_queue) {
    WDF_REQUEST_PARAMETERS parameters;
    WDFREQUEST found, same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    SUCCEEDS(WdfIoQueueFindRequest(queue, NULL, NULL, &parameters, &found));
    HOLDS(found == request && Counts(queue, 1, 0));
    HOLDS(parameters.Type == WdfRequestTypeDeviceControl);
    HOLDS(WdfIoQueueFindRequest(queue, found, NULL, NULL, &same) == STATUS_NO_MORE_ENTRIES);
    SUCCEEDS(WdfIoQueueRetrieveFoundRequest(queue, found, &same));
    HOLDS(same == request && Counts(queue, 0, 1));
    WdfObjectDereference(found);
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_request_that_has_left_its_queue_is_not_found_there) {
    WDFREQUEST found, none;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    SUCCEEDS(WdfIoQueueFindRequest(queue, NULL, NULL, NULL, &found));
    SUCCEEDS(WdfIoQueueRetrieveFoundRequest(queue, found, &none));
    HOLDS(WdfIoQueueRetrieveFoundRequest(queue, found, &none) == STATUS_NOT_FOUND);
    HOLDS(WdfIoQueueFindRequest(queue, found, NULL, NULL, &none) == STATUS_NOT_FOUND && none == NULL);
    WdfObjectDereference(found);
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_queue_is_ready_when_a_request_comes) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    SUCCEEDS(WdfIoQueueReadyNotify(queue, OnReady, NULL));
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(Seen.Readies == 1);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(WdfRequestRequeue(request));
    HOLDS(Seen.Readies == 2);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_queue_with_a_request_is_ready_at_once) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    SUCCEEDS(WdfIoQueueReadyNotify(queue, OnReady, NULL));
    HOLDS(Seen.Readies == 1);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_started_queue_with_a_request_is_ready) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &queue));
    SUCCEEDS(WdfIoQueueReadyNotify(queue, OnReady, NULL));
    WdfIoQueueStop(queue, NULL, NULL);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(Seen.Readies == 0);
    WdfIoQueueStart(queue);
    HOLDS(Seen.Readies == 1);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_sequential_queue_presents_what_is_forwarded_to_it) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchSequential, &queue));
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(Seen.Presented == request && Counts(queue, 0, 1));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_parallel_queue_presents_what_is_forwarded_to_it) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchParallel, &queue));
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(Seen.Presented == request && Counts(queue, 0, 1));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_queue_presents_when_it_is_started) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchSequential, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    HOLDS(Seen.Presented == NULL && Counts(queue, 1, 0));
    WdfIoQueueStart(queue);
    HOLDS(Seen.Presented == request);
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(draining_does_not_present_what_waits_in_a_stopped_queue) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Make(device, WdfIoQueueDispatchSequential, &queue));
    WdfIoQueueStop(queue, NULL, NULL);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    WdfIoQueueDrain(queue, OnState, NULL);
    HOLDS(Seen.Presented == NULL && Seen.States == 0);
    WdfIoQueueStart(queue);
    HOLDS(Seen.Presented == request && Seen.States == 0);
    SUCCEEDS(Leave(device, request, queue));
    HOLDS(Seen.States == 1);
    return 0;
}

PROBE(a_queue_has_stopped_when_the_driver_has_none_of_it) {
    WDFQUEUE first, second;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &first));
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &second));
    WdfIoQueueStop(first, OnState, NULL);
    HOLDS(Seen.States == 0);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, second));
    HOLDS(Seen.States == 1);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(second, &request));
    WdfObjectDelete(first);
    SUCCEEDS(Leave(device, request, second));
    return 0;
}

PROBE(a_queue_has_stopped_although_requests_wait) {
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    WdfIoQueueStop(queue, OnState, NULL);
    HOLDS(Seen.States == 1);
    WdfIoQueueStart(queue);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_queue_is_drained_when_its_last_request_has_gone) {
    WDFREQUEST same;
    WDFQUEUE first, second;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &first));
    WdfIoQueueDrain(first, OnState, NULL);
    HOLDS(Seen.States == 0 && Counts(first, 1, 0));
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(first, &same));
    HOLDS(Seen.States == 0);
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &second));
    SUCCEEDS(WdfRequestForwardToIoQueue(request, second));
    HOLDS(Seen.States == 1);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(second, &same));
    WdfObjectDelete(first);
    SUCCEEDS(Leave(device, request, second));
    return 0;
}

PROBE(stopping_and_draining_tell_apart) {
    WDFQUEUE first, second;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &first));
    WdfIoQueueStop(first, OnState, NULL);
    WdfIoQueueDrain(first, OnState, NULL);
    HOLDS(Seen.States == 0);
    SUCCEEDS(Make(device, WdfIoQueueDispatchManual, &second));
    SUCCEEDS(WdfRequestForwardToIoQueue(request, second));
    HOLDS(Seen.States == 2);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(second, &request));
    WdfObjectDelete(first);
    SUCCEEDS(Leave(device, request, second));
    return 0;
}

PROBE(purging_gives_the_driver_what_it_has_seen_before) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(Seen.CanceledOnQueue == request && Counts(queue, 0, 1));
    HOLDS(WdfRequestIsCanceled(request));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(what_purging_has_canceled_can_wait_elsewhere) {
    WDFQUEUE queue, other;

    NEEDS_REQUEST();
    SUCCEEDS(Hold(device, request, &queue));
    WdfIoQueueStopAndPurge(queue, NULL, NULL);
    HOLDS(Seen.CanceledOnQueue == request);
    SUCCEEDS(Hold(device, request, &other));
    HOLDS(Seen.CanceledOnQueue == NULL && Counts(other, 1, 0));
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(other, &request));
    WdfObjectDelete(queue);
    SUCCEEDS(Leave(device, request, other));
    return 0;
}

PROBE(purging_leaves_the_driver_what_it_has) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(Counts(queue, 0, 1) && !WdfRequestIsCanceled(request));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_request_of_a_purged_queue_is_not_marked_cancelable) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    HOLDS(WdfRequestMarkCancelableEx(request, OnCancel) == STATUS_CANCELLED);
    HOLDS(Seen.Canceled == NULL);
    WdfIoQueueStart(queue);
    SUCCEEDS(WdfRequestMarkCancelableEx(request, OnCancel));
    SUCCEEDS(WdfRequestUnmarkCancelable(request));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_request_of_a_purged_queue_is_requeued_as_canceled) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &queue));
    WdfIoQueuePurge(queue, NULL, NULL);
    SUCCEEDS(WdfRequestRequeue(request));
    HOLDS(Seen.CanceledOnQueue == request && Counts(queue, 0, 1));
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

PROBE(a_request_is_marked_and_unmarked) {
    WDFQUEUE queue;

    NEEDS_REQUEST();
    SUCCEEDS(Own(device, request, &queue));
    WdfRequestMarkCancelable(request, OnCancel);
    SUCCEEDS(WdfRequestUnmarkCancelable(request));
    HOLDS(!WdfRequestIsCanceled(request) && Seen.Canceled == NULL);
    SUCCEEDS(Leave(device, request, queue));
    return 0;
}

GROUP(queues, PROBES_QUEUES)
