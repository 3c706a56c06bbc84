/* Probes of file objects: of the file that the app's request comes through. */

#include "group.h"

/* What EvtDeviceFileCreate has seen of the file that an app has opened last. */
static struct {
    WDFFILEOBJECT File, OfRequest, Retrieved;
    WDF_REQUEST_TYPE Type;
    NTSTATUS Marked, Unmarked;
    KIRQL Irql;
} Created;

static EVT_WDF_REQUEST_CANCEL OnCancel;
static void OnCancel(WDFREQUEST request) {
}

static EVT_WDF_DEVICE_FILE_CREATE OnFileCreate;
static void OnFileCreate(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT file) {
    WDF_REQUEST_PARAMETERS parameters;

    /* A probe opens the device, too. */
    if (WdfRequestGetRequestorMode(request) == KernelMode) {
        WdfRequestComplete(request, STATUS_SUCCESS);
        return;
    }
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    Created.Type = parameters.Type;
    Created.File = file;
    Created.OfRequest = WdfRequestGetFileObject(request);
    Created.Retrieved = WdfDeviceGetFileObject(device, WdfFileObjectWdmGetFileObject(file));
    Created.Irql = KeGetCurrentIrql();
    Created.Marked = WdfRequestMarkCancelableEx(request, OnCancel);
    Created.Unmarked = NT_SUCCESS(Created.Marked) ? WdfRequestUnmarkCancelable(request) : Created.Marked;
    if (Created.Unmarked != STATUS_CANCELLED || Created.Marked == STATUS_CANCELLED)
        WdfRequestComplete(request, STATUS_SUCCESS);
}

void ConfigureFiles(PWDFDEVICE_INIT init) {
    WDF_FILEOBJECT_CONFIG config;

    WDF_FILEOBJECT_CONFIG_INIT(&config, OnFileCreate, NULL, NULL);
    WdfDeviceInitSetFileObjectConfig(init, &config, WDF_NO_OBJECT_ATTRIBUTES);
}

PROBE(a_request_comes_through_a_file) {
    NEEDS_REQUEST();
    HOLDS(WdfRequestGetFileObject(request) != NULL);
    HOLDS(WdfRequestGetFileObject(request) == WdfRequestGetFileObject(request));
    return 0;
}

PROBE(a_file_is_of_its_device) {
    NEEDS_REQUEST();
    HOLDS(WdfFileObjectGetDevice(WdfRequestGetFileObject(request)) == device);
    return 0;
}

PROBE(a_file_is_found_by_what_stands_for_it) {
    WDFFILEOBJECT file;

    NEEDS_REQUEST();
    file = WdfRequestGetFileObject(request);
    HOLDS(WdfFileObjectWdmGetFileObject(file) != NULL);
    HOLDS(WdfDeviceGetFileObject(device, WdfFileObjectWdmGetFileObject(file)) == file);
    return 0;
}

PROBE(a_file_of_the_device_itself_has_no_name) {
    PUNICODE_STRING name;

    NEEDS_REQUEST();
    name = WdfFileObjectGetFileName(WdfRequestGetFileObject(request));
    HOLDS(name != NULL && name->Length == 0);
    return 0;
}

PROBE(opening_a_file_was_a_request_of_its_own) {
    NEEDS_REQUEST();
    HOLDS(Created.Type == WdfRequestTypeCreate && Created.Irql == PASSIVE_LEVEL);
    return 0;
}

PROBE(a_file_exists_while_it_is_opened) {
    NEEDS_REQUEST();
    HOLDS(Created.File == WdfRequestGetFileObject(request));
    HOLDS(Created.OfRequest == Created.File && Created.Retrieved == Created.File);
    return 0;
}

PROBE(the_request_that_opens_a_file_can_be_cancelable) {
    NEEDS_REQUEST();
    HOLDS(Created.Marked == STATUS_SUCCESS && Created.Unmarked == STATUS_SUCCESS);
    return 0;
}

PROBE(a_request_is_retrieved_by_its_file) {
    WDF_IO_QUEUE_CONFIG config;
    WDFREQUEST same;
    WDFQUEUE queue;

    NEEDS_REQUEST();
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    SUCCEEDS(WdfIoQueueCreate(device, &config, NULL, &queue));
    HOLDS(WdfIoQueueRetrieveRequestByFileObject(queue, Created.File, &same) == STATUS_NO_MORE_ENTRIES);
    HOLDS(same == NULL);
    SUCCEEDS(WdfRequestForwardToIoQueue(request, queue));
    SUCCEEDS(WdfIoQueueRetrieveRequestByFileObject(queue, Created.File, &same));
    HOLDS(same == request);
    SUCCEEDS(WdfRequestRequeue(request));
    SUCCEEDS(WdfIoQueueFindRequest(queue, NULL, Created.File, NULL, &same));
    HOLDS(same == request);
    WdfObjectDereference(same);
    SUCCEEDS(WdfIoQueueRetrieveNextRequest(queue, &same));
    return 0;
}

GROUP(files, PROBES_FILES)
