/* Probes of WDFDEVICE_INIT: what EvtDriverDeviceAdd noted of the one it was given, and what those of
 * control devices do. */

#include "group.h"

/* Strings that are none: of odd lengths, without a buffer, longer than they can be. */
static UNICODE_STRING NotStrings[] = {
    {3, 4, (PWSTR)L"ab"}, {2, 3, (PWSTR)L"ab"}, {0, 4, NULL}, {4, 2, (PWSTR)L"ab"}};
static const UNICODE_STRING Security = TEXT_OF(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
static const UNICODE_STRING Name = TEXT_OF(L"\\Device\\SampleProbeInit");

/* What EvtDriverDeviceAdd noted. */
static struct {
    NTSTATUS NotStrings[RTL_NUMBER_OF(NotStrings)];
    NTSTATUS WithParent, WithWrongSize, WithoutName, Retracted;
    BOOLEAN Kept, Freed;
    NTSTATUS TooSmall, Whole, Allocated, WrongSize, WrongSizeAllocated;
    ULONG Needed;
    size_t AllocatedBytes;
    PDEVICE_OBJECT Physical;
    ULONG Characteristics;
} Noted;

static NTSTATUS Create(PWDFDEVICE_INIT *init, PWDF_OBJECT_ATTRIBUTES attributes) {
    WDFDEVICE device;
    NTSTATUS status = WdfDeviceCreate(init, attributes, &device);

    if (NT_SUCCESS(status) && device != NULL)
        return status;
    return device == NULL ? status : STATUS_INTERNAL_ERROR;
}

static void NoteFailures(PWDFDEVICE_INIT init) {
    PWDFDEVICE_INIT given = init;
    WDF_OBJECT_ATTRIBUTES attributes;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(NotStrings); i++)
        Noted.NotStrings[i] = WdfDeviceInitAssignName(init, &NotStrings[i]);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = WdfGetDriver();
    Noted.WithParent = Create(&init, &attributes);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    Noted.WithWrongSize = Create(&init, &attributes);
    Noted.WithoutName = WdfDeviceInitAssignSDDLString(init, &Security);
    if (NT_SUCCESS(Noted.WithoutName))
        Noted.WithoutName = Create(&init, NULL);
    Noted.Retracted = WdfDeviceInitAssignSDDLString(init, NULL);
    Noted.Kept = init == given;
    WdfDeviceInitFree(init);
    Noted.Freed = WdfFdoInitWdmGetPhysicalDevice(init) == NULL;
}

static void NoteProperties(PWDFDEVICE_INIT init) {
    static const DEVPROPKEY enumerator = {
        {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 24};
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type;
    WDFMEMORY memory;
    WCHAR text[64];
    ULONG bytes;

    Noted.TooSmall = WdfFdoInitQueryProperty(init, DevicePropertyEnumeratorName, 0, NULL, &Noted.Needed);
    Noted.Whole = WdfFdoInitQueryProperty(
        init, DevicePropertyEnumeratorName, sizeof(text), text, &bytes);
    Noted.Allocated = WdfFdoInitAllocAndQueryProperty(
        init, DevicePropertyEnumeratorName, NonPagedPoolNx, NULL, &memory);
    if (NT_SUCCESS(Noted.Allocated)) {
        WdfMemoryGetBuffer(memory, &Noted.AllocatedBytes);
        WdfObjectDelete(memory);
    }
    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &enumerator);
    data.Size = 1;
    Noted.WrongSize = WdfFdoInitQueryPropertyEx(init, &data, sizeof(text), text, &bytes, &type);
    Noted.WrongSizeAllocated =
        WdfFdoInitAllocAndQueryPropertyEx(init, &data, NonPagedPoolNx, NULL, &memory, &type);
}

void NoteDeviceInit(PWDFDEVICE_INIT init) {
    Noted.Physical = WdfFdoInitWdmGetPhysicalDevice(init);
    NoteProperties(init);
    NoteFailures(init);
}

void NoteAddedDevice(WDFDEVICE device) {
    Noted.Characteristics = WdfDeviceGetCharacteristics(device);
}

PROBE(a_name_is_a_counted_string) {
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(NotStrings); i++)
        HOLDS(Noted.NotStrings[i] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_device_has_no_parent_to_choose) {
    HOLDS(Noted.WithParent == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    return 0;
}

PROBE(a_device_is_not_created_with_attributes_of_a_wrong_size) {
    HOLDS(Noted.WithWrongSize == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(security_without_a_name_is_refused) {
    HOLDS(Noted.WithoutName == STATUS_INVALID_SECURITY_DESCR);
    return 0;
}

PROBE(the_security_of_a_device_is_taken_back) {
    SUCCEEDS(Noted.Retracted);
    return 0;
}

PROBE(a_device_that_was_not_created_leaves_its_init) {
    HOLDS(Noted.Kept);
    return 0;
}

PROBE(the_init_of_device_add_is_not_freed) {
    HOLDS(!Noted.Freed);
    return 0;
}

PROBE(the_physical_device_is_known_before_the_device) {
    HOLDS(Noted.Physical == WdfDeviceWdmGetPhysicalDevice(device));
    return 0;
}

PROBE(an_init_tells_how_long_a_property_is) {
    HOLDS(Noted.TooSmall == STATUS_BUFFER_TOO_SMALL);
    HOLDS(Noted.Needed == sizeof(L"ROOT"));
    return 0;
}

PROBE(an_init_tells_a_property) {
    SUCCEEDS(Noted.Whole);
    return 0;
}

PROBE(an_init_tells_a_property_in_memory_of_its_length) {
    SUCCEEDS(Noted.Allocated);
    HOLDS(Noted.AllocatedBytes == sizeof(L"ROOT"));
    return 0;
}

PROBE(an_init_wants_property_data_of_their_size) {
    HOLDS(Noted.WrongSize == STATUS_INFO_LENGTH_MISMATCH);
    HOLDS(Noted.WrongSizeAllocated == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_new_device_is_opened_securely) {
    HOLDS(Noted.Characteristics == FILE_DEVICE_SECURE_OPEN);
    return 0;
}

/* The init of a control device. */
static PWDFDEVICE_INIT ControlInit(void) {
    return WdfControlDeviceInitAllocate(WdfGetDriver(), &Security);
}

PROBE(no_control_init_without_a_security_descriptor) {
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(NotStrings); i++)
        HOLDS(WdfControlDeviceInitAllocate(WdfGetDriver(), &NotStrings[i]) == NULL);
    return 0;
}

PROBE(the_security_of_a_control_device_is_not_taken_back) {
    PWDFDEVICE_INIT init = ControlInit();
    NTSTATUS none = WdfDeviceInitAssignSDDLString(init, NULL);
    NTSTATUS another = WdfDeviceInitAssignSDDLString(init, &Security);
    NTSTATUS bad = WdfDeviceInitAssignSDDLString(init, &NotStrings[0]);

    WdfDeviceInitFree(init);
    HOLDS(none == STATUS_INVALID_DEVICE_REQUEST);
    SUCCEEDS(another);
    HOLDS(bad == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_control_init_has_no_physical_device) {
    PWDFDEVICE_INIT init = ControlInit();
    PDEVICE_OBJECT physical = WdfFdoInitWdmGetPhysicalDevice(init);

    WdfDeviceInitFree(init);
    HOLDS(physical == NULL);
    return 0;
}

PROBE(a_control_init_has_no_properties) {
    PWDFDEVICE_INIT init = ControlInit();
    WDFMEMORY memory = (WDFMEMORY)init;
    ULONG bytes;
    NTSTATUS query = WdfFdoInitQueryProperty(init, DevicePropertyEnumeratorName, 0, NULL, &bytes);
    NTSTATUS allocate = WdfFdoInitAllocAndQueryProperty(
        init, DevicePropertyEnumeratorName, NonPagedPoolNx, NULL, &memory);

    WdfDeviceInitFree(init);
    HOLDS(query == STATUS_INVALID_DEVICE_REQUEST);
    HOLDS(allocate == STATUS_INVALID_DEVICE_REQUEST && memory == NULL);
    return 0;
}

PROBE(a_control_init_has_no_properties_by_key) {
    static const DEVPROPKEY key = {{1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}}, 2};
    PWDFDEVICE_INIT init = ControlInit();
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type;
    WDFMEMORY memory;
    ULONG bytes;
    NTSTATUS query, allocate;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &key);
    query = WdfFdoInitQueryPropertyEx(init, &data, 0, NULL, &bytes, &type);
    allocate = WdfFdoInitAllocAndQueryPropertyEx(init, &data, NonPagedPoolNx, NULL, &memory, &type);
    WdfDeviceInitFree(init);
    HOLDS(query == STATUS_INVALID_DEVICE_REQUEST);
    HOLDS(allocate == STATUS_INVALID_DEVICE_REQUEST);
    return 0;
}

/* The characteristics of a control device that is created of an init, or 0. */
static ULONG CharacteristicsOf(PWDFDEVICE_INIT init) {
    ULONG characteristics;
    WDFDEVICE control;

    if (!NT_SUCCESS(WdfDeviceCreate(&init, NULL, &control))) {
        WdfDeviceInitFree(init);
        return 0;
    }
    characteristics = WdfDeviceGetCharacteristics(control);
    WdfObjectDelete(control);
    return characteristics;
}

PROBE(a_control_device_without_a_name_gets_one) {
    HOLDS(CharacteristicsOf(ControlInit())
        == (FILE_DEVICE_SECURE_OPEN | FILE_AUTOGENERATED_DEVICE_NAME));
    return 0;
}

PROBE(a_control_device_with_a_name_gets_no_other) {
    PWDFDEVICE_INIT init = ControlInit();

    SUCCEEDS(WdfDeviceInitAssignName(init, &Name));
    HOLDS(CharacteristicsOf(init) == FILE_DEVICE_SECURE_OPEN);
    return 0;
}

PROBE(a_name_that_is_taken_back_is_not_replaced) {
    PWDFDEVICE_INIT init = ControlInit();
    NTSTATUS status;

    SUCCEEDS(WdfDeviceInitAssignName(init, &Name));
    SUCCEEDS(WdfDeviceInitAssignName(init, NULL));
    status = Create(&init, NULL);
    WdfDeviceInitFree(init);
    HOLDS(status == STATUS_INVALID_SECURITY_DESCR);
    return 0;
}

PROBE(characteristics_are_replaced_or_added) {
    PWDFDEVICE_INIT init = ControlInit();

    WdfDeviceInitSetCharacteristics(init, FILE_REMOVABLE_MEDIA, TRUE);
    HOLDS(CharacteristicsOf(init)
        == (FILE_DEVICE_SECURE_OPEN | FILE_AUTOGENERATED_DEVICE_NAME | FILE_REMOVABLE_MEDIA));
    init = ControlInit();
    WdfDeviceInitSetCharacteristics(init, FILE_AUTOGENERATED_DEVICE_NAME | FILE_READ_ONLY_DEVICE, FALSE);
    HOLDS(CharacteristicsOf(init)
        == (FILE_DEVICE_SECURE_OPEN | FILE_AUTOGENERATED_DEVICE_NAME | FILE_READ_ONLY_DEVICE));
    return 0;
}

PROBE(a_generated_name_replaces_that_which_was_assigned) {
    PWDFDEVICE_INIT init = ControlInit();
    WDFDEVICE control;
    WDFSTRING name;
    NTSTATUS status;

    SUCCEEDS(WdfDeviceInitAssignName(init, &Name));
    WdfDeviceInitSetCharacteristics(init, FILE_AUTOGENERATED_DEVICE_NAME, TRUE);
    SUCCEEDS(WdfStringCreate(NULL, NULL, &name));
    SUCCEEDS(WdfDeviceCreate(&init, NULL, &control));
    status = WdfDeviceRetrieveDeviceName(control, name);
    WdfObjectDelete(control);
    WdfObjectDelete(name);
    HOLDS(status == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(an_init_is_taken_by_its_device) {
    PWDFDEVICE_INIT init = ControlInit();
    WDFDEVICE control;

    SUCCEEDS(WdfDeviceCreate(&init, NULL, &control));
    WdfObjectDelete(control);
    HOLDS(init == NULL);
    return 0;
}

GROUP(device_init, PROBES_DEVICE_INIT)
