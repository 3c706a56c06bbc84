/* Asks the framework what it does, and says where that is not what the documentation says: a device
 * without hardware whose one control request runs one probe. What holds in kmdf-host is meant to hold
 * on Windows: nothing here knows where it runs. */

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include "probe.h"

/* One probe: 0, or the line that does not hold. */
typedef ULONG PROBE_FUNCTION(WDFDEVICE Device, WDFREQUEST Request);
#define HOLDS(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)
#define SUCCEEDS(call) HOLDS(NT_SUCCESS(call))

#define DECLARE(name) static PROBE_FUNCTION name;
PROBES(DECLARE)

static ULONG a_look_aside_list_makes_memory_of_one_size(WDFDEVICE device, WDFREQUEST request) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list;
    WDFMEMORY memory[2];
    size_t bytes;

    UNREFERENCED_PARAMETER(request);
    HOLDS(WdfLookasideListCreate(NULL, 0, NonPagedPoolNx, NULL, 0, &list) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    SUCCEEDS(WdfLookasideListCreate(&attributes, 24, NonPagedPoolNx, &attributes, 'borP', &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[0]));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[1]));
    HOLDS(WdfMemoryGetBuffer(memory[0], &bytes) != WdfMemoryGetBuffer(memory[1], NULL));
    HOLDS(bytes == 24);
    /* The memory outlives the list. */
    WdfObjectDelete(list);
    RtlZeroMemory(WdfMemoryGetBuffer(memory[0], NULL), bytes);
    WdfObjectDelete(memory[0]);
    WdfObjectDelete(memory[1]);
    SUCCEEDS(WdfLookasideListCreate(&attributes, 5000, PagedPool, NULL, 0, &list));
    SUCCEEDS(WdfMemoryCreateFromLookaside(list, &memory[0]));
    WdfMemoryGetBuffer(memory[0], &bytes);
    HOLDS(bytes == 5000);
    WdfObjectDelete(memory[0]);
    WdfObjectDelete(list);
    return 0;
}

static ULONG a_callback_lock_is_taken_and_given_back(WDFDEVICE device, WDFREQUEST request) {
    WDFQUEUE queue = WdfRequestGetIoQueue(request);

    /* Of a passive-level device: waiting for it does not raise the IRQL. */
    WdfObjectAcquireLock(queue);
    WdfObjectAcquireLock(device);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfObjectReleaseLock(device);
    WdfObjectReleaseLock(queue);
    WdfObjectAcquireLock(queue);
    WdfObjectReleaseLock(queue);
    return 0;
}

static ULONG a_driver_tells_pnp_of_its_device(WDFDEVICE device, WDFREQUEST request) {
    WDF_DEVICE_STATE state;

    UNREFERENCED_PARAMETER(request);
    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceGetDeviceState(device, &state);
    HOLDS(state.DontDisplayInUI == WdfUseDefault && state.Failed == WdfUseDefault);
    state.DontDisplayInUI = WdfTrue;
    state.NotDisableable = WdfFalse;
    WdfDeviceSetDeviceState(device, &state);
    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceGetDeviceState(device, &state);
    HOLDS(state.DontDisplayInUI == WdfTrue && state.NotDisableable == WdfFalse);
    HOLDS(state.Disabled == WdfUseDefault);
    state.DontDisplayInUI = WdfUseDefault;
    state.NotDisableable = WdfUseDefault;
    WdfDeviceSetDeviceState(device, &state);
    WdfDeviceSetSpecialFileSupport(device, WdfSpecialFilePaging, TRUE);
    return 0;
}

static ULONG a_started_device_is_in_d0(WDFDEVICE device, WDFREQUEST request) {
    UNREFERENCED_PARAMETER(request);
    /* WdfDevStatePnpStarted, WdfDevStatePowerD0, PowerActionNone */
    HOLDS(WdfDeviceGetDevicePnpState(device) == 0x119);
    HOLDS(WdfDeviceGetDevicePowerState(device) == 0x307);
    HOLDS(WdfDeviceGetSystemPowerAction(device) == 0);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_PENDING) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_SUCCESS) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

static ULONG wdm_objects_lead_back_to_those_of_the_framework(WDFDEVICE device, WDFREQUEST request) {
    GUID unknown = {0};
    ULONG answer;

    UNREFERENCED_PARAMETER(request);
    HOLDS(WdfWdmDeviceGetWdfDeviceHandle(WdfDeviceWdmGetDeviceObject(device)) == device);
    HOLDS(WdfWdmDriverGetWdfDriverHandle(WdfDriverWdmGetDriverObject(WdfGetDriver())) == WdfGetDriver());
    HOLDS(WdfObjectQuery(device, &unknown, sizeof(answer), &answer) == STATUS_NOT_FOUND);
    return 0;
}

/* DEVPKEY_Device_HardwareIds, DEVPKEY_Device_EnumeratorName, and one of this driver's own. */
static const DEVPROPKEY HardwareIds = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 3};
static const DEVPROPKEY EnumeratorName = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 24};
static const DEVPROPKEY Own = {
    {0x0b8d4a62, 0x6c1d, 0x4d5e, {0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15}}, 2};

static ULONG properties_are_found_by_their_keys(WDFDEVICE device, WDFREQUEST request) {
    static const WCHAR id[] = L"ROOT\\SAMPLE_PROBE\0";
    WDF_DEVICE_PROPERTY_DATA data;
    WCHAR text[64];
    DEVPROPTYPE type;
    WDFMEMORY memory;
    ULONG bytes;
    size_t size;

    UNREFERENCED_PARAMETER(request);
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &HardwareIds);
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, 0, NULL, &bytes, &type) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(bytes == sizeof(id) && type == DEVPROP_TYPE_STRING_LIST);
    SUCCEEDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(text), text, &bytes, &type));
    HOLDS(RtlCompareMemory(text, id, sizeof(id)) == sizeof(id));
    SUCCEEDS(WdfDeviceAllocAndQueryPropertyEx(device, &data, NonPagedPoolNx, NULL, &memory, &type));
    HOLDS(RtlCompareMemory(WdfMemoryGetBuffer(memory, &size), id, sizeof(id)) == sizeof(id));
    HOLDS(size == sizeof(id));
    WdfObjectDelete(memory);
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &EnumeratorName);
    SUCCEEDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(text), text, &bytes, &type));
    HOLDS(type == DEVPROP_TYPE_STRING && bytes == sizeof(L"ROOT"));
    data.Size = 1;
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, 0, NULL, &bytes, &type) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

static ULONG assigned_properties_are_kept(WDFDEVICE device, WDFREQUEST request) {
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type;
    ULONG number = 7, found = 0, bytes;

    UNREFERENCED_PARAMETER(request);
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &Own);
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(found), &found, &bytes, &type)
        == STATUS_OBJECT_NAME_NOT_FOUND);
    HOLDS(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, 0, &number)
        == STATUS_INVALID_PARAMETER);
    SUCCEEDS(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, sizeof(number), &number));
    SUCCEEDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(found), &found, &bytes, &type));
    HOLDS(found == number && bytes == sizeof(number) && type == DEVPROP_TYPE_UINT32);
    SUCCEEDS(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_EMPTY, 0, NULL));
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(found), &found, &bytes, &type)
        == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}

static ULONG a_registry_key_is_removed_when_nothing_is_in_it(WDFDEVICE device, WDFREQUEST request) {
    DECLARE_CONST_UNICODE_STRING(outer, L"Outer");
    DECLARE_CONST_UNICODE_STRING(inner, L"Inner");
    WDFKEY root, above, below, again;

    UNREFERENCED_PARAMETER(request);
    SUCCEEDS(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, NULL, &root));
    SUCCEEDS(WdfRegistryCreateKey(root, &outer, KEY_ALL_ACCESS, 0, NULL, NULL, &above));
    SUCCEEDS(WdfRegistryCreateKey(above, &inner, KEY_ALL_ACCESS, 0, NULL, NULL, &below));
    HOLDS(WdfRegistryRemoveKey(above) == STATUS_CANNOT_DELETE);
    SUCCEEDS(WdfRegistryRemoveKey(below));
    HOLDS(WdfRegistryOpenKey(above, &inner, KEY_READ, NULL, &again) == STATUS_OBJECT_NAME_NOT_FOUND);
    SUCCEEDS(WdfRegistryRemoveKey(above));
    WdfRegistryClose(root);
    return 0;
}

static ULONG a_device_without_a_name_has_none_to_tell(WDFDEVICE device, WDFREQUEST request) {
    WDFSTRING name;

    UNREFERENCED_PARAMETER(request);
    SUCCEEDS(WdfStringCreate(NULL, NULL, &name));
    HOLDS(WdfDeviceRetrieveDeviceName(device, name) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(name);
    return 0;
}

static ULONG the_loader_says_what_the_framework_has(WDFDEVICE device, WDFREQUEST request) {
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(request);
#if KMDF_VERSION_MINOR >= 25
    HOLDS(!WdfClientVersionHigherThanFramework);
    HOLDS(WdfFunctionCount == WdfFunctionTableNumEntries);
    HOLDS(WdfStructureCount == WDF_STRUCTURE_TABLE_NUM_ENTRIES);
    HOLDS((&WdfStructures)[0][INDEX_WDF_TIMER_CONFIG] == sizeof(WDF_TIMER_CONFIG));
#endif
    return 0;
}

static ULONG what_is_below_answers_while_the_sender_waits(WDFDEVICE device, WDFREQUEST request) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_MEMORY_DESCRIPTOR in, out;
    UCHAR text[3] = {'a', 'b', 'c'}, back[8] = {0};
    LONGLONG offset = 5;
    ULONG_PTR bytes;

    UNREFERENCED_PARAMETER(request);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&in, text, sizeof(text));
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, back, sizeof(back));
    SUCCEEDS(WdfIoTargetSendIoctlSynchronously(
        target, NULL, IOCTL_BELOW_REVERSE, &in, &out, NULL, &bytes));
    HOLDS(bytes == 3 && back[0] == 'c' && back[1] == 'b' && back[2] == 'a' && back[3] == 0);
    SUCCEEDS(WdfIoTargetSendReadSynchronously(target, NULL, &out, &offset, NULL, &bytes));
    HOLDS(bytes == sizeof(back) && back[0] == 5 && back[7] == 12);
    SUCCEEDS(WdfIoTargetSendWriteSynchronously(target, NULL, &in, NULL, NULL, &bytes));
    HOLDS(bytes == sizeof(text));
    HOLDS(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL)
        == STATUS_INVALID_DEVICE_REQUEST);
    in.Type = WdfMemoryDescriptorTypeInvalid;
    HOLDS(WdfIoTargetSendWriteSynchronously(target, NULL, &in, NULL, NULL, &bytes)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

/* What a completion routine has seen. */
typedef struct {
    KEVENT Done;
    WDFREQUEST Request;
    WDF_REQUEST_COMPLETION_PARAMS Params;
} RETURNED;

static EVT_WDF_REQUEST_COMPLETION_ROUTINE OnReturn;
static void OnReturn(
    WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params, WDFCONTEXT context) {
    RETURNED *returned = (RETURNED *)context;

    UNREFERENCED_PARAMETER(target);
    returned->Request = request;
    returned->Params = *params;
    KeSetEvent(&returned->Done, IO_NO_INCREMENT, FALSE);
}

/* A request of its own, formatted for a control code, whose return is seen. */
static NTSTATUS Prepare(WDFIOTARGET target, ULONG code, RETURNED *returned, WDFREQUEST *request) {
    NTSTATUS status = WdfRequestCreate(NULL, target, request);

    KeInitializeEvent(&returned->Done, NotificationEvent, FALSE);
    if (!NT_SUCCESS(status))
        return status;
    status = WdfIoTargetFormatRequestForIoctl(target, *request, code, NULL, NULL, NULL, NULL);
    WdfRequestSetCompletionRoutine(*request, OnReturn, returned);
    return status;
}

static ULONG memory_objects_are_sent_in_part(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_COMPLETION_PARAMS params;
    WDFMEMORY_OFFSET part = {2, 4}, beyond = {6, 4};
    LONGLONG offset = 100;
    WDFREQUEST request;
    WDFMEMORY memory;
    PUCHAR bytes;

    UNREFERENCED_PARAMETER(unused);
    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, (PVOID *)&bytes));
    RtlZeroMemory(bytes, 8);
    SUCCEEDS(WdfRequestCreate(NULL, target, &request));
    HOLDS(WdfIoTargetFormatRequestForRead(target, request, memory, &beyond, &offset)
        == STATUS_INTEGER_OVERFLOW);
    SUCCEEDS(WdfIoTargetFormatRequestForRead(target, request, memory, &part, &offset));
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    HOLDS(WdfRequestSend(request, target, &options));
    SUCCEEDS(WdfRequestGetStatus(request));
    HOLDS(bytes[1] == 0 && bytes[2] == 100 && bytes[5] == 103 && bytes[6] == 0);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(request, &params);
    HOLDS(params.Type == WdfRequestTypeRead && params.IoStatus.Information == 4);
    HOLDS(params.Parameters.Read.Buffer == memory && params.Parameters.Read.Offset == 2);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_NOT_SUPPORTED);
    SUCCEEDS(WdfRequestReuse(request, &reuse));
    HOLDS(WdfRequestGetStatus(request) == STATUS_NOT_SUPPORTED);
    SUCCEEDS(WdfIoTargetFormatRequestForWrite(target, request, memory, NULL, NULL));
    HOLDS(WdfRequestSend(request, target, &options));
    HOLDS(WdfRequestGetInformation(request) == 8);
    WdfObjectDelete(request);
    WdfObjectDelete(memory);
    return 0;
}

static ULONG a_sent_request_comes_back_to_its_routine(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST request;

    UNREFERENCED_PARAMETER(unused);
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &returned, &request));
    SUCCEEDS(WdfRequestAllocateTimer(request));
    HOLDS(WdfRequestSend(request, target, NULL));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(returned.Request == request && returned.Params.IoStatus.Status == STATUS_SUCCESS);
    HOLDS(returned.Params.Type == WdfRequestTypeDeviceControl);
    HOLDS(returned.Params.Parameters.Ioctl.IoControlCode == IOCTL_BELOW_SLOW);
    HOLDS(!WdfRequestCancelSentRequest(request));
    WdfObjectDelete(request);
    return 0;
}

static ULONG a_sent_request_is_canceled(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST request;

    UNREFERENCED_PARAMETER(unused);
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &returned, &request));
    HOLDS(WdfRequestSend(request, target, NULL));
    HOLDS(WdfRequestCancelSentRequest(request));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(returned.Params.IoStatus.Status == STATUS_CANCELLED);
    WdfObjectDelete(request);
    return 0;
}

static ULONG a_sent_request_has_a_limit(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_SEND_OPTIONS options;

    UNREFERENCED_PARAMETER(unused);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    options.Flags = WDF_REQUEST_SEND_OPTION_TIMEOUT;
    options.Timeout = WDF_REL_TIMEOUT_IN_MS(10);
    HOLDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL)
        == STATUS_IO_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(10);
    SUCCEEDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL));
    options.Flags = 0x100;
    HOLDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_SLOW, NULL, NULL, &options, NULL)
        == STATUS_INVALID_PARAMETER);
    return 0;
}

static ULONG a_stopped_target_keeps_what_is_sent(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED returned;
    WDFREQUEST request;

    UNREFERENCED_PARAMETER(unused);
    SUCCEEDS(Prepare(target, IOCTL_BELOW_REVERSE, &returned, &request));
    WdfIoTargetStop(target, WdfIoTargetWaitForSentIoToComplete);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStopped);
    HOLDS(WdfRequestSend(request, target, NULL));
    HOLDS(KeReadStateEvent(&returned.Done) == 0);
    SUCCEEDS(WdfIoTargetStart(target));
    SUCCEEDS(KeWaitForSingleObject(&returned.Done, Executive, KernelMode, FALSE, NULL));
    SUCCEEDS(returned.Params.IoStatus.Status);
    WdfObjectDelete(request);
    return 0;
}

static ULONG a_purged_target_takes_nothing(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    RETURNED first, second;
    WDFREQUEST slow, late;

    UNREFERENCED_PARAMETER(unused);
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &first, &slow));
    SUCCEEDS(Prepare(target, IOCTL_BELOW_SLOW, &second, &late));
    HOLDS(WdfRequestSend(slow, target, NULL));
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    SUCCEEDS(KeWaitForSingleObject(&first.Done, Executive, KernelMode, FALSE, NULL));
    HOLDS(first.Params.IoStatus.Status == STATUS_CANCELLED);
    HOLDS(!WdfRequestSend(late, target, NULL));
    HOLDS(WdfRequestGetStatus(late) == STATUS_INVALID_DEVICE_STATE);
    SUCCEEDS(WdfIoTargetStart(target));
    WdfObjectDelete(slow);
    WdfObjectDelete(late);
    return 0;
}

static ULONG a_local_target_is_of_its_device(WDFDEVICE device, WDFREQUEST unused) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WCHAR text[64];
    ULONG bytes;

    UNREFERENCED_PARAMETER(unused);
    HOLDS(WdfIoTargetGetDevice(target) == device);
    HOLDS(WdfIoTargetWdmGetTargetPhysicalDevice(target) == WdfDeviceWdmGetPhysicalDevice(device));
    HOLDS(WdfIoTargetWdmGetTargetDeviceObject(target) == WdfDeviceWdmGetAttachedDevice(device));
    HOLDS(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    SUCCEEDS(WdfIoTargetQueryTargetProperty(
        target, DevicePropertyEnumeratorName, sizeof(text), text, &bytes));
    HOLDS(bytes == sizeof(L"ROOT"));
    return 0;
}

/* A control device, until the device goes. */
static WDFDEVICE Control;

static ULONG a_control_device_is_deleted_with_the_last_device(WDFDEVICE device, WDFREQUEST request) {
    DECLARE_CONST_UNICODE_STRING(security, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\SampleProbe");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(WdfDeviceGetDriver(device), &security);
    WDFSTRING found;
    UNICODE_STRING text;

    UNREFERENCED_PARAMETER(request);
    HOLDS(init != NULL);
    SUCCEEDS(WdfDeviceInitAssignName(init, &name));
    SUCCEEDS(WdfDeviceCreate(&init, NULL, &Control));
    WdfControlFinishInitializing(Control);
    SUCCEEDS(WdfStringCreate(NULL, NULL, &found));
    SUCCEEDS(WdfDeviceRetrieveDeviceName(Control, found));
    WdfStringGetUnicodeString(found, &text);
    HOLDS(text.Length == name.Length);
    WdfObjectDelete(found);
    return 0;
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnCleanup;
static void OnCleanup(WDFOBJECT device) {
    UNREFERENCED_PARAMETER(device);
    if (Control != NULL)
        WdfObjectDelete(Control);
    Control = NULL;
}

#define POINTER(name) name,
static PROBE_FUNCTION *const Probes[] = {PROBES(POINTER)};

static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnControl;
static void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    ULONG *number, *line;
    NTSTATUS status = code == IOCTL_PROBE ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;

    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveInputBuffer(request, sizeof(*number), (PVOID *)&number, NULL);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*line), (PVOID *)&line, NULL);
    if (NT_SUCCESS(status) && *number >= RTL_NUMBER_OF(Probes))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        *line = Probes[*number](WdfIoQueueGetDevice(queue), request);
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(*line) : 0);
}

static EVT_WDF_DRIVER_DEVICE_ADD OnDeviceAdd;
static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    PDEVICE_OBJECT physical = WdfFdoInitWdmGetPhysicalDevice(init);
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = OnCleanup;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    attributes.SynchronizationScope = WdfSynchronizationScopeNone;
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    if (WdfDeviceWdmGetPhysicalDevice(device) != physical)
        return STATUS_INTERNAL_ERROR;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(device, &config, NULL, NULL);
    if (!NT_SUCCESS(status))
        return status;
    return WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_PROBE, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    return WdfDriverCreate(driver, path, NULL, &config, NULL);
}
