/* Probes of string objects and collections. */

#include "group.h"

/* What WdfStringCreate makes of a UNICODE_STRING. */
static NTSTATUS Try(PWCHAR buffer, USHORT length, USHORT maximum) {
    UNICODE_STRING text;
    WDFSTRING string;
    NTSTATUS status;

    text.Buffer = buffer;
    text.Length = length;
    text.MaximumLength = maximum;
    status = WdfStringCreate(&text, NULL, &string);
    if (NT_SUCCESS(status))
        WdfObjectDelete(string);
    return status;
}

PROBE(a_string_without_a_text_has_no_buffer) {
    WDFSTRING string;
    UNICODE_STRING text;

    SUCCEEDS(WdfStringCreate(NULL, NULL, &string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length == 0 && text.MaximumLength == 0 && text.Buffer == NULL);
    WdfObjectDelete(string);
    return 0;
}

PROBE(a_string_is_a_copy_that_ends_with_a_zero) {
    DECLARE_CONST_UNICODE_STRING(original, L"probe");
    WDFSTRING string;
    UNICODE_STRING text;

    SUCCEEDS(WdfStringCreate(&original, NULL, &string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Buffer != original.Buffer && text.Length == original.Length);
    HOLDS(text.MaximumLength == original.Length + sizeof(WCHAR));
    HOLDS(RtlCompareMemory(text.Buffer, original.Buffer, sizeof(L"probe")) == sizeof(L"probe"));
    WdfObjectDelete(string);
    return 0;
}

PROBE(a_string_of_no_characters_has_a_buffer) {
    UNICODE_STRING nothing = {0, 0, NULL}, text;
    WDFSTRING string;

    SUCCEEDS(WdfStringCreate(&nothing, NULL, &string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length == 0 && text.MaximumLength == sizeof(WCHAR));
    HOLDS(text.Buffer != NULL && text.Buffer[0] == 0);
    WdfObjectDelete(string);
    return 0;
}

PROBE(a_string_has_no_half_characters) {
    WCHAR buffer[4] = {'a', 'b', 'c', 0};

    HOLDS(Try(buffer, 3, 8) == STATUS_INVALID_PARAMETER);
    HOLDS(Try(buffer, 2, 7) == STATUS_INVALID_PARAMETER);
    SUCCEEDS(Try(buffer, 2, 8));
    return 0;
}

PROBE(a_string_is_not_longer_than_its_buffer) {
    WCHAR buffer[4] = {'a', 'b', 'c', 0};

    HOLDS(Try(buffer, 6, 4) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_string_with_room_has_a_buffer) {
    HOLDS(Try(NULL, 0, 2) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_string_has_no_execution_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSTRING string = (WDFSTRING)device;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfStringCreate(NULL, &attributes, &string) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    HOLDS(string == NULL);
    return 0;
}

PROBE(a_new_collection_is_empty) {
    WDFCOLLECTION collection;

    SUCCEEDS(WdfCollectionCreate(NULL, &collection));
    HOLDS(WdfCollectionGetCount(collection) == 0);
    HOLDS(WdfCollectionGetFirstItem(collection) == NULL && WdfCollectionGetLastItem(collection) == NULL);
    HOLDS(WdfCollectionGetItem(collection, 0) == NULL);
    WdfObjectDelete(collection);
    return 0;
}

PROBE(a_collection_has_no_execution_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFCOLLECTION collection;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfCollectionCreate(&attributes, &collection) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    return 0;
}

/* A collection with an object, the device, and the object again. */
static NTSTATUS Fill(WDFDEVICE device, WDFCOLLECTION *collection, WDFOBJECT *object) {
    NTSTATUS status = WdfCollectionCreate(NULL, collection);

    if (NT_SUCCESS(status))
        status = WdfObjectCreate(NULL, object);
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(*collection, *object);
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(*collection, device);
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(*collection, *object);
    return status;
}

PROBE(a_collection_keeps_its_items_in_order) {
    WDFCOLLECTION collection;
    WDFOBJECT object;

    SUCCEEDS(Fill(device, &collection, &object));
    HOLDS(WdfCollectionGetCount(collection) == 3);
    HOLDS(WdfCollectionGetItem(collection, 0) == object && WdfCollectionGetItem(collection, 1) == device);
    HOLDS(WdfCollectionGetFirstItem(collection) == object);
    HOLDS(WdfCollectionGetLastItem(collection) == object);
    HOLDS(WdfCollectionGetItem(collection, 3) == NULL);
    WdfObjectDelete(collection);
    WdfObjectDelete(object);
    return 0;
}

PROBE(the_first_of_equal_items_is_removed) {
    WDFCOLLECTION collection;
    WDFOBJECT object;

    SUCCEEDS(Fill(device, &collection, &object));
    WdfCollectionRemove(collection, object);
    HOLDS(WdfCollectionGetCount(collection) == 2);
    HOLDS(WdfCollectionGetFirstItem(collection) == device && WdfCollectionGetLastItem(collection) == object);
    WdfObjectDelete(collection);
    WdfObjectDelete(object);
    return 0;
}

PROBE(an_item_is_removed_by_its_place) {
    WDFCOLLECTION collection;
    WDFOBJECT object;

    SUCCEEDS(Fill(device, &collection, &object));
    WdfCollectionRemoveItem(collection, 1);
    HOLDS(WdfCollectionGetCount(collection) == 2);
    HOLDS(WdfCollectionGetItem(collection, 0) == object && WdfCollectionGetItem(collection, 1) == object);
    WdfObjectDelete(collection);
    WdfObjectDelete(object);
    return 0;
}

static ULONG Destroyed;

static EVT_WDF_OBJECT_CONTEXT_DESTROY OnItemDestroy;
static void OnItemDestroy(WDFOBJECT object) {
    Destroyed++;
}

/* A collection with one object that was deleted. */
static NTSTATUS FillWithDeleted(WDFCOLLECTION *collection) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    NTSTATUS status = WdfCollectionCreate(NULL, collection);

    Destroyed = 0;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtDestroyCallback = OnItemDestroy;
    if (NT_SUCCESS(status))
        status = WdfObjectCreate(&attributes, &object);
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(*collection, object);
    if (NT_SUCCESS(status))
        WdfObjectDelete(object);
    return status;
}

PROBE(a_collection_keeps_what_is_deleted) {
    WDFCOLLECTION collection;

    SUCCEEDS(FillWithDeleted(&collection));
    HOLDS(Destroyed == 0 && WdfCollectionGetCount(collection) == 1);
    WdfCollectionRemoveItem(collection, 0);
    HOLDS(Destroyed == 1);
    WdfObjectDelete(collection);
    return 0;
}

PROBE(a_deleted_collection_keeps_nothing) {
    WDFCOLLECTION collection;

    SUCCEEDS(FillWithDeleted(&collection));
    WdfObjectDelete(collection);
    HOLDS(Destroyed == 1);
    return 0;
}

GROUP(strings, PROBES_STRINGS)
