/* Probes of remote I/O targets. */

#include "group.h"

/* Opens a target by a name. */
static NTSTATUS OpenByName(WDFIOTARGET target, PCUNICODE_STRING name) {
    WDF_IO_TARGET_OPEN_PARAMS params;

    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, name, FILE_READ_DATA);
    return WdfIoTargetOpen(target, &params);
}

/* Opens the probe's own device by its interface. */
static NTSTATUS OpenItself(WDFDEVICE device, WDFIOTARGET target) {
    UNICODE_STRING name;
    WDFSTRING string;
    NTSTATUS status = WdfStringCreate(NULL, NULL, &string);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfDeviceRetrieveDeviceInterfaceString(device, &GUID_DEVINTERFACE_SAMPLE_PROBE, NULL, string);
    if (NT_SUCCESS(status)) {
        WdfStringGetUnicodeString(string, &name);
        status = OpenByName(target, &name);
    }
    WdfObjectDelete(string);
    return status;
}

PROBE(a_remote_target_is_started_before_it_is_open) {
    WDFIOTARGET target;

    SUCCEEDS(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &target));
    HOLDS(WdfIoTargetGetDevice(target) == device && WdfIoTargetGetState(target) == WdfIoTargetStarted);
    HOLDS(WdfIoTargetWdmGetTargetDeviceObject(target) == NULL);
    HOLDS(WdfIoTargetWdmGetTargetPhysicalDevice(target) == NULL);
    HOLDS(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    HOLDS(WdfIoTargetWdmGetTargetFileHandle(target) == NULL);
    WdfObjectDelete(target);
    return 0;
}

PROBE(the_parent_of_a_remote_target_is_below_its_device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFIOTARGET target;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = WdfGetDriver();
    HOLDS(WdfIoTargetCreate(device, &attributes, &target) == STATUS_INVALID_DEVICE_REQUEST);
    attributes.ParentObject = WdfDeviceGetDefaultQueue(device);
    SUCCEEDS(WdfIoTargetCreate(device, &attributes, &target));
    HOLDS(WdfIoTargetGetDevice(target) == device);
    WdfObjectDelete(target);
    return 0;
}

PROBE(parameters_to_open_with_are_checked) {
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\Probe That There Is Not");
    WDF_IO_TARGET_OPEN_PARAMS params;
    WDFIOTARGET target;

    SUCCEEDS(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &target));
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &name, FILE_READ_DATA);
    params.Size++;
    HOLDS(WdfIoTargetOpen(target, &params) == STATUS_INFO_LENGTH_MISMATCH);
    params.Size--;
    params.Type = (WDF_IO_TARGET_OPEN_TYPE)99;
    HOLDS(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    params.Type = WdfIoTargetOpenByName;
    params.TargetDeviceName.Length = 0;
    HOLDS(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, NULL);
    HOLDS(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    HOLDS(WdfIoTargetOpen(target, &params) == STATUS_INVALID_DEVICE_REQUEST);
    HOLDS(OpenByName(target, &name) == STATUS_OBJECT_NAME_NOT_FOUND);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetClosed);
    WdfObjectDelete(target);
    return 0;
}

PROBE(a_remote_target_is_opened_and_closed) {
    WDF_IO_TARGET_OPEN_PARAMS params;
    WDFIOTARGET target;

    SUCCEEDS(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &target));
    SUCCEEDS(OpenItself(device, target));
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    HOLDS(WdfIoTargetWdmGetTargetDeviceObject(target) == WdfDeviceWdmGetDeviceObject(device));
    HOLDS(WdfIoTargetWdmGetTargetPhysicalDevice(target) == WdfDeviceWdmGetPhysicalDevice(device));
    HOLDS(WdfIoTargetWdmGetTargetFileObject(target) != NULL);
    HOLDS(WdfIoTargetWdmGetTargetFileHandle(target) != NULL);
    HOLDS(OpenItself(device, target) == STATUS_INVALID_DEVICE_STATE);
    WdfIoTargetCloseForQueryRemove(target);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetClosedForQueryRemove);
    HOLDS(WdfIoTargetSendIoctlSynchronously(target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL)
        == STATUS_INVALID_DEVICE_STATE);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    SUCCEEDS(WdfIoTargetOpen(target, &params));
    WdfIoTargetClose(target);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetClosed);
    HOLDS(WdfIoTargetWdmGetTargetDeviceObject(target) == NULL);
    HOLDS(WdfIoTargetWdmGetTargetFileHandle(target) == NULL);
    WdfIoTargetClose(target);
    HOLDS(WdfIoTargetGetState(target) == WdfIoTargetClosed);
    WdfObjectDelete(target);
    return 0;
}

PROBE(a_closed_target_has_no_properties) {
    WDFIOTARGET target;
    ULONG length;

    SUCCEEDS(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &target));
    HOLDS(WdfIoTargetQueryTargetProperty(target, DevicePropertyHardwareID, 0, NULL, &length)
        == STATUS_INVALID_DEVICE_REQUEST);
    SUCCEEDS(OpenItself(device, target));
    HOLDS(WdfIoTargetQueryTargetProperty(target, DevicePropertyHardwareID, 0, NULL, &length)
        == STATUS_BUFFER_TOO_SMALL);
    WdfObjectDelete(target);
    return 0;
}

PROBE(a_target_is_opened_by_the_object_of_a_device) {
    WDF_IO_TARGET_OPEN_PARAMS params;
    UCHAR back[4] = {0};
    WDF_MEMORY_DESCRIPTOR out;
    LONGLONG offset = 3;
    WDFIOTARGET target;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(WdfIoTargetCreate(device, WDF_NO_OBJECT_ATTRIBUTES, &target));
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, WdfDeviceWdmGetAttachedDevice(device));
    SUCCEEDS(WdfIoTargetOpen(target, &params));
    HOLDS(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&out, back, sizeof(back));
    SUCCEEDS(WdfIoTargetSendReadSynchronously(target, NULL, &out, &offset, NULL, NULL));
    HOLDS(back[0] == 3 && back[3] == 6);
    WdfObjectDelete(target);
    return 0;
}

PROBE(other_arguments_of_an_internal_request_are_sent) {
    WDFIOTARGET target = WdfDeviceGetIoTarget(device);
    WDF_REQUEST_COMPLETION_PARAMS params;
    WDF_REQUEST_SEND_OPTIONS options;
    WDFMEMORY_OFFSET beyond = {6, 4};
    WDFMEMORY memory;
    WDFREQUEST sent;

    NEEDS_DRIVER_BELOW();
    SUCCEEDS(WdfMemoryCreate(NULL, NonPagedPoolNx, 'borP', 8, &memory, NULL));
    SUCCEEDS(WdfRequestCreate(NULL, target, &sent));
    HOLDS(WdfIoTargetFormatRequestForInternalIoctlOthers(
              target, sent, IOCTL_BELOW_REVERSE, memory, &beyond, NULL, NULL, NULL, NULL)
        == STATUS_INTEGER_OVERFLOW);
    SUCCEEDS(WdfIoTargetFormatRequestForInternalIoctlOthers(
        target, sent, IOCTL_BELOW_REVERSE, memory, NULL, NULL, NULL, memory, NULL));
    WDF_REQUEST_SEND_OPTIONS_INIT(
        &options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS | WDF_REQUEST_SEND_OPTION_TIMEOUT);
    options.Timeout = WDF_REL_TIMEOUT_IN_SEC(1);
    HOLDS(WdfRequestSend(sent, target, &options));
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(sent, &params);
    HOLDS(params.Type == WdfRequestTypeOther);
    HOLDS(params.Parameters.Others.Argument1.Ptr == memory && params.Parameters.Others.Argument2.Ptr == NULL);
    HOLDS(params.Parameters.Others.Argument4.Ptr == memory);
    HOLDS(WdfIoTargetSendInternalIoctlOthersSynchronously(
              target, NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL, NULL)
        == STATUS_INVALID_DEVICE_REQUEST);
    WdfObjectDelete(sent);
    WdfObjectDelete(memory);
    return 0;
}

GROUP(remote, PROBES_REMOTE)
