/* Probes of device properties. */

#include "group.h"

/* DEVPKEY_Device_HardwareIds, DEVPKEY_Device_EnumeratorName, and one of this driver's own. */
static const DEVPROPKEY HardwareIds = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 3};
static const DEVPROPKEY EnumeratorName = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 24};
static const DEVPROPKEY Own = {
    {0x0b8d4a62, 0x6c1d, 0x4d5e, {0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15}}, 2};

PROBE(properties_are_found_by_their_keys) {
    static const WCHAR id[] = L"ROOT\\SAMPLE_PROBE\0";
    WDF_DEVICE_PROPERTY_DATA data;
    WCHAR text[64];
    DEVPROPTYPE type;
    WDFMEMORY memory;
    ULONG bytes;
    size_t size;

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

PROBE(assigned_properties_are_kept) {
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type;
    ULONG number = 7, found = 0, bytes;

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

PROBE(a_property_by_key_has_a_buffer_and_its_length) {
    WDF_DEVICE_PROPERTY_DATA data;
    WCHAR text[64];
    DEVPROPTYPE type;
    ULONG bytes;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &EnumeratorName);
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, sizeof(text), NULL, &bytes, &type)
        == STATUS_INVALID_PARAMETER);
    HOLDS(WdfDeviceQueryPropertyEx(device, &data, 0, text, &bytes, &type) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_property_by_key_is_not_told_of_wrong_data) {
    WDF_DEVICE_PROPERTY_DATA data;
    WDFMEMORY memory;
    DEVPROPTYPE type;
    ULONG value = 7;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &Own);
    data.Size = 1;
    HOLDS(WdfDeviceAllocAndQueryPropertyEx(device, &data, NonPagedPoolNx, NULL, &memory, &type)
        == STATUS_INFO_LENGTH_MISMATCH);
    HOLDS(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT32, sizeof(value), &value)
        == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_property_that_there_is_not_has_neither_length_nor_type) {
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type = 7;
    ULONG bytes = 7;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &Own);
    HOLDS(!NT_SUCCESS(WdfDeviceQueryPropertyEx(device, &data, 0, NULL, &bytes, &type)));
    HOLDS(bytes == 0 && type == 0);
    return 0;
}

PROBE(a_property_tells_its_length) {
    WCHAR text[2];
    ULONG bytes;

    HOLDS(WdfDeviceQueryProperty(device, DevicePropertyEnumeratorName, sizeof(text), text, &bytes)
        == STATUS_BUFFER_TOO_SMALL);
    HOLDS(bytes == sizeof(L"ROOT"));
    return 0;
}

PROBE(a_property_comes_in_memory_of_its_length) {
    WDFMEMORY memory;
    size_t bytes;

    SUCCEEDS(WdfDeviceAllocAndQueryProperty(
        device, DevicePropertyEnumeratorName, NonPagedPoolNx, NULL, &memory));
    WdfMemoryGetBuffer(memory, &bytes);
    WdfObjectDelete(memory);
    HOLDS(bytes == sizeof(L"ROOT"));
    return 0;
}

PROBE(a_property_that_cannot_be_is_refused) {
    WDFMEMORY memory = (WDFMEMORY)device;
    ULONG bytes;

    HOLDS(WdfDeviceQueryProperty(device, (DEVICE_REGISTRY_PROPERTY)0x1000, 0, NULL, &bytes)
        == STATUS_INVALID_PARAMETER_2);
    HOLDS(WdfDeviceAllocAndQueryProperty(
              device, (DEVICE_REGISTRY_PROPERTY)0x1000, NonPagedPoolNx, NULL, &memory)
        == STATUS_INVALID_PARAMETER_2);
    HOLDS(memory == NULL);
    return 0;
}

GROUP(properties, PROBES_PROPERTIES)
