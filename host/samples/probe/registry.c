/* Probes of registry keys and values. */

#include "group.h"

DECLARE_CONST_UNICODE_STRING(KeyName, L"ProbeKey");
DECLARE_CONST_UNICODE_STRING(ValueName, L"ProbeValue");
static const WCHAR Text[] = L"some text";
/* Their UNICODE_STRING has a length of half a character. */
static const UNICODE_STRING HalfName = {3, 4, L"ab"};

/* A key of the probe's own below the device's hardware key. */
static NTSTATUS Open(WDFDEVICE device, WDFKEY *key) {
    WDFKEY hardware;
    NTSTATUS status =
        WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, NULL, &hardware);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfRegistryCreateKey(hardware, &KeyName, KEY_ALL_ACCESS, 0, NULL, NULL, key);
    WdfRegistryClose(hardware);
    return status;
}

/* That key, whose value is some text. */
static NTSTATUS OpenWithText(WDFDEVICE device, WDFKEY *key) {
    NTSTATUS status = Open(device, key);
    UNICODE_STRING text;

    RtlInitUnicodeString(&text, Text);
    return NT_SUCCESS(status) ? WdfRegistryAssignUnicodeString(*key, &ValueName, &text) : status;
}

PROBE(a_registry_key_is_removed_when_nothing_is_in_it) {
    DECLARE_CONST_UNICODE_STRING(inner, L"Inner");
    WDFKEY above, below, again;

    SUCCEEDS(Open(device, &above));
    SUCCEEDS(WdfRegistryCreateKey(above, &inner, KEY_ALL_ACCESS, 0, NULL, NULL, &below));
    HOLDS(WdfRegistryRemoveKey(above) == STATUS_CANNOT_DELETE);
    SUCCEEDS(WdfRegistryRemoveKey(below));
    HOLDS(WdfRegistryOpenKey(above, &inner, KEY_READ, NULL, &again) == STATUS_OBJECT_NAME_NOT_FOUND);
    SUCCEEDS(WdfRegistryRemoveKey(above));
    return 0;
}

PROBE(what_becomes_a_control_device_has_no_key) {
    DECLARE_CONST_UNICODE_STRING(security, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(WdfDeviceGetDriver(device), &security);
    WDFKEY key = (WDFKEY)device;
    NTSTATUS status;

    HOLDS(init != NULL);
    status = WdfFdoInitOpenRegistryKey(init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key);
    WdfDeviceInitFree(init);
    HOLDS(status == STATUS_INVALID_PARAMETER && key == NULL);
    return 0;
}

PROBE(a_device_key_is_of_a_type_that_there_is) {
    WDFKEY key = (WDFKEY)device;

    HOLDS(WdfDeviceOpenRegistryKey(device, 0, KEY_READ, NULL, &key) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_key_is_created_once_and_then_opened) {
    DECLARE_CONST_UNICODE_STRING(inner, L"Inner");
    WDFKEY above, below;
    ULONG disposition;

    SUCCEEDS(Open(device, &above));
    SUCCEEDS(WdfRegistryCreateKey(above, &inner, KEY_ALL_ACCESS, 0, &disposition, NULL, &below));
    HOLDS(disposition == REG_CREATED_NEW_KEY);
    WdfRegistryClose(below);
    SUCCEEDS(WdfRegistryCreateKey(above, &inner, KEY_ALL_ACCESS, 0, &disposition, NULL, &below));
    HOLDS(disposition == REG_OPENED_EXISTING_KEY);
    SUCCEEDS(WdfRegistryRemoveKey(below));
    SUCCEEDS(WdfRegistryRemoveKey(above));
    return 0;
}

PROBE(a_key_that_is_missing_is_null) {
    DECLARE_CONST_UNICODE_STRING(inner, L"Inner");
    WDFKEY above, below = (WDFKEY)device;

    SUCCEEDS(Open(device, &above));
    HOLDS(WdfRegistryOpenKey(above, &inner, KEY_READ, NULL, &below) == STATUS_OBJECT_NAME_NOT_FOUND);
    HOLDS(below == NULL);
    SUCCEEDS(WdfRegistryRemoveKey(above));
    return 0;
}

PROBE(a_key_has_no_execution_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFKEY above, below;

    SUCCEEDS(Open(device, &above));
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfRegistryOpenKey(above, &KeyName, KEY_READ, &attributes, &below)
        == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    HOLDS(WdfRegistryCreateKey(above, &KeyName, KEY_READ, 0, NULL, &attributes, &below)
        == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    SUCCEEDS(WdfRegistryRemoveKey(above));
    return 0;
}

PROBE(names_in_the_registry_have_no_half_characters) {
    WDFKEY key, below;
    ULONG number;

    SUCCEEDS(Open(device, &key));
    HOLDS(WdfRegistryOpenKey(key, &HalfName, KEY_READ, NULL, &below) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfRegistryQueryULong(key, &HalfName, &number) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfRegistryAssignULong(key, &HalfName, 1) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfRegistryRemoveValue(key, &HalfName) == STATUS_INVALID_PARAMETER);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_number_comes_back) {
    WDFKEY key;
    ULONG number = 0;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfRegistryAssignULong(key, &ValueName, 12345));
    SUCCEEDS(WdfRegistryQueryULong(key, &ValueName, &number));
    HOLDS(number == 12345);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_value_that_is_missing_is_not_found) {
    WDFKEY key;
    ULONG number;

    SUCCEEDS(Open(device, &key));
    HOLDS(WdfRegistryQueryULong(key, &ValueName, &number) == STATUS_OBJECT_NAME_NOT_FOUND);
    HOLDS(WdfRegistryRemoveValue(key, &ValueName) == STATUS_OBJECT_NAME_NOT_FOUND);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_removed_value_is_missing) {
    WDFKEY key;
    ULONG number;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfRegistryAssignULong(key, &ValueName, 1));
    SUCCEEDS(WdfRegistryRemoveValue(key, &ValueName));
    HOLDS(WdfRegistryQueryULong(key, &ValueName, &number) == STATUS_OBJECT_NAME_NOT_FOUND);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_is_no_number) {
    WDFKEY key;
    ULONG number;

    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryULong(key, &ValueName, &number) == STATUS_OBJECT_TYPE_MISMATCH);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(the_length_of_a_value_is_asked_without_room) {
    WDFKEY key;
    ULONG bytes = 0, type = 0;

    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryValue(key, &ValueName, 0, NULL, &bytes, &type) == STATUS_BUFFER_OVERFLOW);
    HOLDS(bytes == sizeof(Text) && type == REG_SZ);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_value_does_not_fit_in_less_room) {
    UCHAR buffer[sizeof(Text)];
    WDFKEY key;
    ULONG bytes = 0, type = 0;

    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryValue(key, &ValueName, sizeof(Text) - 1, buffer, &bytes, &type)
        == STATUS_BUFFER_OVERFLOW);
    HOLDS(bytes == sizeof(Text) && type == REG_SZ);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_value_comes_back_as_it_was_assigned) {
    UCHAR in[3] = {1, 2, 3}, out[8] = {0};
    WDFKEY key;
    ULONG bytes = 0, type = 0;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfRegistryAssignValue(key, &ValueName, REG_BINARY, sizeof(in), in));
    SUCCEEDS(WdfRegistryQueryValue(key, &ValueName, sizeof(out), out, &bytes, &type));
    HOLDS(bytes == 3 && type == REG_BINARY && out[0] == 1 && out[2] == 3 && out[3] == 0);
    SUCCEEDS(WdfRegistryQueryValue(key, &ValueName, sizeof(out), out, NULL, NULL));
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(memory_is_made_of_a_value) {
    WDFMEMORY memory;
    WDFKEY key;
    ULONG type = 0;
    size_t bytes;

    SUCCEEDS(OpenWithText(device, &key));
    SUCCEEDS(WdfRegistryQueryMemory(key, &ValueName, PagedPool, NULL, &memory, &type));
    HOLDS(RtlCompareMemory(WdfMemoryGetBuffer(memory, &bytes), Text, sizeof(Text)) == sizeof(Text));
    HOLDS(bytes == sizeof(Text) && type == REG_SZ);
    WdfObjectDelete(memory);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(no_memory_is_made_of_an_empty_value) {
    UCHAR nothing = 0;
    WDFMEMORY memory = (WDFMEMORY)device;
    WDFKEY key;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfRegistryAssignValue(key, &ValueName, REG_BINARY, 0, &nothing));
    HOLDS(WdfRegistryQueryMemory(key, &ValueName, PagedPool, NULL, &memory, NULL)
        == STATUS_RESOURCE_DATA_NOT_FOUND);
    HOLDS(memory == NULL);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(memory_is_assigned_whole_and_in_part) {
    WDFMEMORY_OFFSET part = {2, 3}, beyond = {6, 3};
    UCHAR bytes[8] = {0, 1, 2, 3, 4, 5, 6, 7}, out[8] = {0};
    WDFMEMORY memory;
    WDFKEY key;
    ULONG length = 0;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfMemoryCreatePreallocated(NULL, bytes, sizeof(bytes), &memory));
    SUCCEEDS(WdfRegistryAssignMemory(key, &ValueName, REG_BINARY, memory, NULL));
    SUCCEEDS(WdfRegistryQueryValue(key, &ValueName, sizeof(out), out, &length, NULL));
    HOLDS(length == 8 && out[7] == 7);
    SUCCEEDS(WdfRegistryAssignMemory(key, &ValueName, REG_BINARY, memory, &part));
    SUCCEEDS(WdfRegistryQueryValue(key, &ValueName, sizeof(out), out, &length, NULL));
    HOLDS(length == 3 && out[0] == 2 && out[2] == 4);
    HOLDS(WdfRegistryAssignMemory(key, &ValueName, REG_BINARY, memory, &beyond) == STATUS_INTEGER_OVERFLOW);
    WdfObjectDelete(memory);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_comes_back_without_its_zero) {
    WCHAR buffer[32];
    UNICODE_STRING text;
    WDFKEY key;
    USHORT bytes = 0;

    text.Buffer = buffer;
    text.Length = 0;
    text.MaximumLength = sizeof(buffer);
    SUCCEEDS(OpenWithText(device, &key));
    SUCCEEDS(WdfRegistryQueryUnicodeString(key, &ValueName, &bytes, &text));
    HOLDS(bytes == sizeof(Text) && text.Length == sizeof(Text) - sizeof(WCHAR));
    HOLDS(RtlCompareMemory(buffer, Text, sizeof(Text)) == sizeof(Text));
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(the_length_of_a_text_is_asked_without_room) {
    WDFKEY key;
    USHORT bytes = 0;

    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryUnicodeString(key, &ValueName, &bytes, NULL) == STATUS_BUFFER_OVERFLOW);
    HOLDS(bytes == sizeof(Text));
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_needs_room_for_its_zero) {
    WCHAR buffer[32];
    UNICODE_STRING text;
    WDFKEY key;

    text.Buffer = buffer;
    text.Length = 0;
    text.MaximumLength = sizeof(Text) - sizeof(WCHAR);
    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryUnicodeString(key, &ValueName, NULL, &text) == STATUS_BUFFER_OVERFLOW);
    text.MaximumLength = sizeof(Text);
    SUCCEEDS(WdfRegistryQueryUnicodeString(key, &ValueName, NULL, &text));
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_is_not_put_into_a_string_without_room) {
    UNICODE_STRING text = {0, 0, NULL};
    WDFKEY key;

    SUCCEEDS(OpenWithText(device, &key));
    HOLDS(WdfRegistryQueryUnicodeString(key, &ValueName, NULL, &text) == STATUS_INVALID_PARAMETER);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_number_is_no_text) {
    WCHAR buffer[32];
    UNICODE_STRING text;
    WDFSTRING string;
    WDFKEY key;

    text.Buffer = buffer;
    text.Length = 0;
    text.MaximumLength = sizeof(buffer);
    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfStringCreate(NULL, NULL, &string));
    SUCCEEDS(WdfRegistryAssignULong(key, &ValueName, 7));
    HOLDS(WdfRegistryQueryUnicodeString(key, &ValueName, NULL, &text) == STATUS_OBJECT_TYPE_MISMATCH);
    HOLDS(WdfRegistryQueryString(key, &ValueName, string) == STATUS_OBJECT_TYPE_MISMATCH);
    WdfObjectDelete(string);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_string_object_takes_a_text_and_gives_it) {
    DECLARE_CONST_UNICODE_STRING(other, L"Other");
    UNICODE_STRING text;
    WDFSTRING string;
    WDFKEY key;
    USHORT bytes = 0;

    SUCCEEDS(OpenWithText(device, &key));
    SUCCEEDS(WdfStringCreate(NULL, NULL, &string));
    SUCCEEDS(WdfRegistryQueryString(key, &ValueName, string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length == sizeof(Text) - sizeof(WCHAR));
    HOLDS(RtlCompareMemory(text.Buffer, Text, sizeof(Text)) == sizeof(Text));
    SUCCEEDS(WdfRegistryAssignString(key, &other, string));
    HOLDS(WdfRegistryQueryUnicodeString(key, &other, &bytes, NULL) == STATUS_BUFFER_OVERFLOW);
    HOLDS(bytes == sizeof(Text));
    WdfObjectDelete(string);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_string_object_keeps_its_room_for_a_shorter_text) {
    DECLARE_CONST_UNICODE_STRING(longer, L"longer than that text");
    UNICODE_STRING before, after;
    WDFSTRING string;
    WDFKEY key;

    SUCCEEDS(OpenWithText(device, &key));
    SUCCEEDS(WdfStringCreate(&longer, NULL, &string));
    WdfStringGetUnicodeString(string, &before);
    SUCCEEDS(WdfRegistryQueryString(key, &ValueName, string));
    WdfStringGetUnicodeString(string, &after);
    HOLDS(after.Buffer == before.Buffer && after.MaximumLength == before.MaximumLength);
    HOLDS(after.Length == sizeof(Text) - sizeof(WCHAR));
    WdfObjectDelete(string);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_to_be_expanded_is_a_text) {
    UNICODE_STRING text;
    WDFSTRING string;
    WDFKEY key;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfStringCreate(NULL, NULL, &string));
    SUCCEEDS(WdfRegistryAssignValue(key, &ValueName, REG_EXPAND_SZ, sizeof(Text), (PVOID)Text));
    SUCCEEDS(WdfRegistryQueryString(key, &ValueName, string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length == sizeof(Text) - sizeof(WCHAR));
    WdfObjectDelete(string);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_list_of_texts_is_added_to_a_collection) {
    static const WCHAR list[] = L"one\0two\0";
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFCOLLECTION collection;
    UNICODE_STRING text;
    WDFKEY key;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfCollectionCreate(NULL, &collection));
    SUCCEEDS(WdfRegistryAssignValue(key, &ValueName, REG_MULTI_SZ, sizeof(list), (PVOID)list));
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = collection;
    SUCCEEDS(WdfRegistryQueryMultiString(key, &ValueName, &attributes, collection));
    HOLDS(WdfCollectionGetCount(collection) == 2);
    WdfStringGetUnicodeString((WDFSTRING)WdfCollectionGetLastItem(collection), &text);
    HOLDS(text.Length == 3 * sizeof(WCHAR) && text.Buffer[0] == 't');
    WdfObjectDelete(collection);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_text_is_no_list_of_texts) {
    WDFCOLLECTION collection;
    WDFKEY key;

    SUCCEEDS(OpenWithText(device, &key));
    SUCCEEDS(WdfCollectionCreate(NULL, &collection));
    HOLDS(WdfRegistryQueryMultiString(key, &ValueName, NULL, collection) == STATUS_OBJECT_TYPE_MISMATCH);
    HOLDS(WdfCollectionGetCount(collection) == 0);
    WdfObjectDelete(collection);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(a_list_of_texts_is_made_of_strings_only) {
    WDFCOLLECTION collection;
    WDFKEY key;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfCollectionCreate(NULL, &collection));
    SUCCEEDS(WdfCollectionAdd(collection, key));
    HOLDS(WdfRegistryAssignMultiString(key, &ValueName, collection) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(collection);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(an_empty_list_of_texts_has_two_zeros) {
    WDFCOLLECTION collection;
    WDFKEY key;
    ULONG bytes = 0, type = 0;

    SUCCEEDS(Open(device, &key));
    SUCCEEDS(WdfCollectionCreate(NULL, &collection));
    SUCCEEDS(WdfRegistryAssignMultiString(key, &ValueName, collection));
    HOLDS(WdfRegistryQueryValue(key, &ValueName, 0, NULL, &bytes, &type) == STATUS_BUFFER_OVERFLOW);
    HOLDS(bytes == 2 * sizeof(WCHAR) && type == REG_MULTI_SZ);
    WdfObjectDelete(collection);
    SUCCEEDS(WdfRegistryRemoveKey(key));
    return 0;
}

PROBE(the_parameters_of_the_driver_are_created_for_who_writes) {
    WDFKEY key;

    SUCCEEDS(WdfDriverOpenParametersRegistryKey(WdfGetDriver(), KEY_READ | KEY_WRITE, NULL, &key));
    WdfRegistryClose(key);
    SUCCEEDS(WdfDriverOpenParametersRegistryKey(WdfGetDriver(), KEY_READ, NULL, &key));
    WdfRegistryClose(key);
    return 0;
}

GROUP(registry, PROBES_REGISTRY)
