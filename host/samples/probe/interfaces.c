/* Probes of device interfaces. */

#include <ntddk.h>
#include <initguid.h>
#include "group.h"

static const GUID Unknown = {
    0x0b8d4a65, 0x6c1d, 0x4d5e, {0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15}};
static const GUID Second = {
    0x0b8d4a66, 0x6c1d, 0x4d5e, {0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15}};
static const UNICODE_STRING Reference = TEXT_OF(L"other");
static UNICODE_STRING NotString = {3, 4, (PWSTR)L"ab"};

/* What EvtDriverDeviceAdd noted. */
static struct {
    NTSTATUS Created, Retrieved;
} Noted;

static NTSTATUS Retrieve(WDFDEVICE device, const GUID *class, PCUNICODE_STRING reference, WDFSTRING *string) {
    NTSTATUS status = WdfStringCreate(NULL, NULL, string);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfDeviceRetrieveDeviceInterfaceString(device, class, reference, *string);
    if (!NT_SUCCESS(status))
        WdfObjectDelete(*string);
    return status;
}

void NoteInterfaces(WDFDEVICE device) {
    WDFSTRING string;

    Noted.Created = WdfDeviceCreateDeviceInterface(device, &Second, &Reference);
    Noted.Retrieved = Retrieve(device, &Second, &Reference, &string);
    if (NT_SUCCESS(Noted.Retrieved))
        WdfObjectDelete(string);
}

PROBE(an_interface_has_a_string) {
    UNICODE_STRING text;
    WDFSTRING string;

    SUCCEEDS(Retrieve(device, &GUID_DEVINTERFACE_SAMPLE_PROBE, NULL, &string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length > 4 * sizeof(WCHAR));
    HOLDS(text.Buffer[0] == '\\' && text.Buffer[3] == '\\');
    WdfObjectDelete(string);
    return 0;
}

PROBE(an_interface_has_a_string_before_the_start) {
    SUCCEEDS(Noted.Created);
    SUCCEEDS(Noted.Retrieved);
    return 0;
}

PROBE(the_string_of_an_interface_ends_with_its_reference) {
    UNICODE_STRING text;
    WDFSTRING string;
    BOOLEAN ends;

    SUCCEEDS(Retrieve(device, &Second, &Reference, &string));
    WdfStringGetUnicodeString(string, &text);
    ends = text.Length > Reference.Length
        && RtlCompareMemory((PUCHAR)text.Buffer + text.Length - Reference.Length, Reference.Buffer,
               Reference.Length) == Reference.Length;
    WdfObjectDelete(string);
    HOLDS(ends);
    return 0;
}

PROBE(an_interface_that_there_is_not_has_no_string) {
    WDFSTRING string;

    HOLDS(Retrieve(device, &Unknown, NULL, &string) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}

PROBE(an_interface_is_not_found_without_its_reference) {
    WDFSTRING string;

    HOLDS(Retrieve(device, &Second, NULL, &string) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}

PROBE(an_interface_without_a_reference_is_not_found_by_one) {
    WDFSTRING string;

    HOLDS(Retrieve(device, &GUID_DEVINTERFACE_SAMPLE_PROBE, &Reference, &string)
        == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}

PROBE(an_interface_is_asked_for_by_a_string) {
    WDFSTRING string;

    HOLDS(Retrieve(device, &Second, &NotString, &string) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(an_interface_is_created_with_a_string) {
    HOLDS(WdfDeviceCreateDeviceInterface(device, &Unknown, &NotString) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(the_state_of_an_interface_that_there_is_not_is_no_error) {
    WdfDeviceSetDeviceInterfaceState(device, &Unknown, NULL, TRUE);
    return 0;
}

PROBE(an_interface_is_disabled_and_enabled) {
    WDFSTRING string;

    WdfDeviceSetDeviceInterfaceState(device, &Second, &Reference, FALSE);
    SUCCEEDS(Retrieve(device, &Second, &Reference, &string));
    WdfObjectDelete(string);
    WdfDeviceSetDeviceInterfaceState(device, &Second, &Reference, TRUE);
    return 0;
}

GROUP(interfaces, PROBES_INTERFACES)
