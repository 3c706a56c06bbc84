/* Probes of objects of any kind: attributes, contexts, parents, references, ends. */

#include "group.h"

/* An object that is known by a number. */
typedef struct {
    ULONG Number;
    ULONG Nothing;
} NUMBERED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(NUMBERED, NumberedOf)

typedef struct {
    ULONG Nothing;
} ADDED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ADDED, AddedOf)

/* Whose callbacks were called, in their order: EvtCleanupCallback by the number, EvtDestroyCallback by a
 * hundred more. */
static ULONG Called[8], Calls;

static void Note(ULONG what) {
    if (Calls < RTL_NUMBER_OF(Called))
        Called[Calls] = what;
    Calls++;
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnCleanup;
static void OnCleanup(WDFOBJECT object) {
    Note(NumberedOf(object)->Number);
}

static EVT_WDF_OBJECT_CONTEXT_DESTROY OnDestroy;
static void OnDestroy(WDFOBJECT object) {
    Note(100 + NumberedOf(object)->Number);
}

static EVT_WDF_OBJECT_CONTEXT_CLEANUP OnAddedCleanup;
static void OnAddedCleanup(WDFOBJECT object) {
    Note(50 + NumberedOf(object)->Number);
}

static void NumberedAttributes(PWDF_OBJECT_ATTRIBUTES attributes, WDFOBJECT parent) {
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(attributes, NUMBERED);
    attributes->ParentObject = parent;
    attributes->EvtCleanupCallback = OnCleanup;
    attributes->EvtDestroyCallback = OnDestroy;
}

/* An object of a number below a parent, whose end is noted. */
static NTSTATUS Create(WDFOBJECT parent, ULONG number, WDFOBJECT *object) {
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;

    NumberedAttributes(&attributes, parent);
    status = WdfObjectCreate(&attributes, object);
    if (NT_SUCCESS(status))
        NumberedOf(*object)->Number = number;
    return status;
}

/* What WdfObjectCreate makes of these attributes; an object that it makes is deleted. */
static NTSTATUS Try(PWDF_OBJECT_ATTRIBUTES attributes) {
    WDFOBJECT object;
    NTSTATUS status = WdfObjectCreate(attributes, &object);

    if (NT_SUCCESS(status))
        WdfObjectDelete(object);
    return status;
}

PROBE(wdm_objects_lead_back_to_those_of_the_framework) {
    HOLDS(WdfWdmDeviceGetWdfDeviceHandle(WdfDeviceWdmGetDeviceObject(device)) == device);
    HOLDS(WdfWdmDriverGetWdfDriverHandle(WdfDriverWdmGetDriverObject(WdfGetDriver())) == WdfGetDriver());
    return 0;
}

PROBE(an_object_has_no_answer_to_an_unknown_query) {
    GUID unknown = {0};
    ULONG answer;

    HOLDS(WdfObjectQuery(device, &unknown, sizeof(answer), &answer) == STATUS_NOT_FOUND);
    return 0;
}

PROBE(attributes_have_the_size_of_their_version) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size--;
    HOLDS(Try(&attributes) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_context_type_has_the_size_of_its_version) {
    WDF_OBJECT_CONTEXT_TYPE_INFO type = *WDF_GET_CONTEXT_TYPE_INFO(NUMBERED);
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ContextTypeInfo = &type;
    type.Size = 1;
    HOLDS(Try(&attributes) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_context_with_a_size_has_a_name) {
    WDF_OBJECT_CONTEXT_TYPE_INFO type = *WDF_GET_CONTEXT_TYPE_INFO(NUMBERED);
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ContextTypeInfo = &type;
    type.ContextName = NULL;
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(a_context_size_needs_a_type) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ContextSizeOverride = 100;
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(a_context_is_not_smaller_than_its_type) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NUMBERED);
    attributes.ContextSizeOverride = sizeof(NUMBERED) - 1;
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(a_context_may_be_larger_than_its_type) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PUCHAR context;
    ULONG at;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NUMBERED);
    attributes.ContextSizeOverride = 100;
    SUCCEEDS(WdfObjectCreate(&attributes, &object));
    context = (PUCHAR)NumberedOf(object);
    for (at = 0; at < 100; at++)
        HOLDS(context[at] == 0);
    WdfObjectDelete(object);
    return 0;
}

PROBE(an_execution_level_is_one_of_three) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelInvalid;
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    attributes.ExecutionLevel = (WDF_EXECUTION_LEVEL)(WdfExecutionLevelDispatch + 1);
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(a_synchronization_scope_is_one_of_four) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeInvalid;
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    attributes.SynchronizationScope = (WDF_SYNCHRONIZATION_SCOPE)(WdfSynchronizationScopeNone + 1);
    HOLDS(Try(&attributes) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    return 0;
}

PROBE(a_general_object_has_no_synchronization_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(Try(&attributes) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    HOLDS(Try(&attributes) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(no_synchronization_scope_is_allowed_everywhere) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeNone;
    SUCCEEDS(Try(&attributes));
    return 0;
}

PROBE(a_general_object_may_have_an_execution_level) {
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    SUCCEEDS(Try(&attributes));
    return 0;
}

PROBE(a_context_is_zero_at_first) {
    WDFOBJECT object;

    SUCCEEDS(Create(NULL, 1, &object));
    HOLDS(NumberedOf(object)->Nothing == 0);
    WdfObjectDelete(object);
    return 0;
}

PROBE(a_context_leads_back_to_its_object) {
    WDFOBJECT object;

    SUCCEEDS(Create(NULL, 1, &object));
    HOLDS(WdfObjectContextGetObject(NumberedOf(object)) == object);
    WdfObjectDelete(object);
    return 0;
}

PROBE(there_is_no_context_of_another_type) {
    WDFOBJECT object;

    SUCCEEDS(Create(NULL, 1, &object));
    HOLDS(AddedOf(object) == NULL);
    WdfObjectDelete(object);
    return 0;
}

PROBE(a_context_is_added_later) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    ADDED *added;

    SUCCEEDS(Create(NULL, 1, &object));
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ADDED);
    HOLDS(WdfObjectAllocateContext(object, &attributes, (PVOID *)&added) == STATUS_SUCCESS);
    HOLDS(added == AddedOf(object) && added->Nothing == 0);
    HOLDS(WdfObjectContextGetObject(added) == object);
    WdfObjectDelete(object);
    return 0;
}

PROBE(a_context_of_a_type_is_added_once) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PVOID context = NULL;

    SUCCEEDS(Create(NULL, 1, &object));
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NUMBERED);
    HOLDS(WdfObjectAllocateContext(object, &attributes, &context) == STATUS_OBJECT_NAME_EXISTS);
    HOLDS(context == NumberedOf(object));
    WdfObjectDelete(object);
    return 0;
}

PROBE(a_context_without_a_type_is_not_added) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PVOID context;

    SUCCEEDS(Create(NULL, 1, &object));
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    HOLDS(WdfObjectAllocateContext(object, &attributes, &context) == STATUS_OBJECT_NAME_INVALID);
    WdfObjectDelete(object);
    return 0;
}

PROBE(an_added_context_names_no_parent) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PVOID context;

    SUCCEEDS(Create(NULL, 1, &object));
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ADDED);
    attributes.ParentObject = device;
    HOLDS(WdfObjectAllocateContext(object, &attributes, &context)
        == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    WdfObjectDelete(object);
    return 0;
}

PROBE(an_added_context_has_callbacks_of_its_own) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PVOID context;

    Calls = 0;
    SUCCEEDS(Create(NULL, 1, &object));
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ADDED);
    attributes.EvtCleanupCallback = OnAddedCleanup;
    SUCCEEDS(WdfObjectAllocateContext(object, &attributes, &context));
    WdfObjectDelete(object);
    HOLDS(Calls == 3 && Called[0] == 1 && Called[1] == 51 && Called[2] == 101);
    return 0;
}

PROBE(children_are_cleaned_up_in_the_order_they_were_made) {
    WDFOBJECT parent, child[3];

    Calls = 0;
    SUCCEEDS(Create(NULL, 1, &parent));
    SUCCEEDS(Create(parent, 2, &child[0]));
    SUCCEEDS(Create(parent, 3, &child[1]));
    SUCCEEDS(Create(parent, 4, &child[2]));
    WdfObjectDelete(parent);
    HOLDS(Called[0] == 2 && Called[1] == 3 && Called[2] == 4);
    return 0;
}

PROBE(a_parent_is_cleaned_up_after_its_children) {
    WDFOBJECT parent, child, grandchild;

    Calls = 0;
    SUCCEEDS(Create(NULL, 1, &parent));
    SUCCEEDS(Create(parent, 2, &child));
    SUCCEEDS(Create(child, 3, &grandchild));
    WdfObjectDelete(parent);
    HOLDS(Called[0] == 3 && Called[1] == 2 && Called[2] == 1);
    return 0;
}

PROBE(all_are_cleaned_up_before_one_is_destroyed) {
    WDFOBJECT parent, child[2];

    Calls = 0;
    SUCCEEDS(Create(NULL, 1, &parent));
    SUCCEEDS(Create(parent, 2, &child[0]));
    SUCCEEDS(Create(parent, 3, &child[1]));
    WdfObjectDelete(parent);
    HOLDS(Calls == 6 && Called[2] == 1);
    HOLDS(Called[3] == 102 && Called[4] == 103 && Called[5] == 101);
    return 0;
}

PROBE(a_reference_keeps_an_object_from_its_destruction) {
    WDFOBJECT object;

    Calls = 0;
    SUCCEEDS(Create(NULL, 1, &object));
    WdfObjectReference(object);
    WdfObjectDelete(object);
    HOLDS(Calls == 1 && Called[0] == 1);
    HOLDS(NumberedOf(object)->Number == 1);
    WdfObjectDereference(object);
    HOLDS(Calls == 2 && Called[1] == 101);
    return 0;
}

PROBE(a_deleted_object_is_no_parent) {
    WDFOBJECT parent, child;

    SUCCEEDS(Create(NULL, 1, &parent));
    WdfObjectReference(parent);
    WdfObjectDelete(parent);
    HOLDS(Create(parent, 2, &child) == STATUS_DELETE_PENDING);
    WdfObjectDereference(parent);
    return 0;
}

PROBE(a_creation_that_fails_calls_no_callback) {
    WDFOBJECT parent, child;

    SUCCEEDS(Create(NULL, 1, &parent));
    WdfObjectReference(parent);
    WdfObjectDelete(parent);
    Calls = 0;
    HOLDS(Create(parent, 2, &child) == STATUS_DELETE_PENDING);
    HOLDS(Calls == 0);
    WdfObjectDereference(parent);
    return 0;
}

PROBE(a_deleted_object_takes_no_context) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    PVOID context;

    SUCCEEDS(Create(NULL, 1, &object));
    WdfObjectReference(object);
    WdfObjectDelete(object);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ADDED);
    HOLDS(WdfObjectAllocateContext(object, &attributes, &context) == STATUS_DELETE_PENDING);
    WdfObjectDereference(object);
    return 0;
}

GROUP(objects, PROBES_OBJECTS)
