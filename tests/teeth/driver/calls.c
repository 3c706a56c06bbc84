/* What is asked of a function of framework or kernel beside all that. */
#include "teeth.h"

/* A structure that was zeroed, and not initialized by its helper. */
BOOLEAN forgets_an_init_helper(MOMENT *m) {
    WDF_INTERRUPT_INFO info = {0};
    WdfInterruptGetInfo(m->Context->Interrupt, &info);
    return FALSE;
}

/* There is no such action: the framework does nothing, and KMDF Verifier breaks into the debugger. */
BOOLEAN fails_with_an_unknown_action(MOMENT *m) {
    WdfDeviceSetFailed(m->Context->Device, (WDF_DEVICE_FAILED_ACTION)7);
    return FALSE;
}

BOOLEAN asks_for_an_io_type_there_is_not(MOMENT *m) {
    WdfDeviceInitSetIoType(m->Init, WdfDeviceIoUndefined);
    return FALSE;
}

/* WDF_BIND_INFO, which a driver without the WDK's entry library fills in itself. */
typedef struct _BIND_INFO {
    ULONG Size;
    PCWSTR Component;
    ULONG Major, Minor, Build;
    ULONG FunctionCount;
    PVOID Table;
    PVOID Module;
} BIND_INFO;
NTSTATUS WdfVersionBind(PDRIVER_OBJECT, PUNICODE_STRING, BIND_INFO *, PWDF_DRIVER_GLOBALS *);
NTSTATUS WdfVersionUnbind(PUNICODE_STRING, BIND_INFO *, PWDF_DRIVER_GLOBALS);

static BIND_INFO Bind = {.Size = sizeof(BIND_INFO), .Major = 1, .Minor = 15};
static PVOID BoundTable;
static PWDF_DRIVER_GLOBALS BoundGlobals;

/* The count of one version with the number of another. */
BOOLEAN binds_with_a_wrong_count(MOMENT *m) {
    UNICODE_STRING path;
    RtlInitUnicodeString(&path, L"");
    Bind.Component = L"KmdfLibrary";
    Bind.FunctionCount = WdfFunctionTableNumEntries - 1;
    Bind.Table = &BoundTable;
    WdfVersionBind(WdfDriverWdmGetDriverObject(m->Driver), &path, &Bind, &BoundGlobals);
    return FALSE;
}

BOOLEAN unbinds_what_it_did_not_bind(MOMENT *m) {
    UNICODE_STRING path;
    UNREFERENCED_PARAMETER(m);
    RtlInitUnicodeString(&path, L"");
    WdfVersionUnbind(&path, &Bind, NULL);
    return FALSE;
}

BOOLEAN cannot_be_unloaded(MOMENT *m) {
    WdfDriverWdmGetDriverObject(m->Driver)->DriverUnload = NULL;
    return FALSE;
}

BOOLEAN removes_what_is_in_no_collection(MOMENT *m) {
    WDFCOLLECTION collection;
    if (!NT_SUCCESS(WdfCollectionCreate(WDF_NO_OBJECT_ATTRIBUTES, &collection)))
        return FALSE;
    WdfCollectionRemove(collection, m->Context->Lock);
    return FALSE;
}

BOOLEAN writes_to_its_resource_list(MOMENT *m) {
    WdfCmResourceListGetDescriptor(m->Translated, 0)->Flags ^= CM_RESOURCE_MEMORY_READ_ONLY;
    return FALSE;
}

static const GUID Provider = {0x5d1f7a34, 0x3e0c, 0x4c5e, {0x9d, 0x2b, 0x7e, 0x0e, 0x5b, 0x6a, 0x1c, 0x43}};
static REGHANDLE Registered;

/* The ETW provider is still registered when the driver goes. */
BOOLEAN unregisters_a_provider_twice(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    if (!NT_SUCCESS(EtwRegister(&Provider, NULL, NULL, &Registered)))
        return FALSE;
    EtwUnregister(Registered);
    EtwUnregister(Registered);
    return FALSE;
}

static struct _EVENT_DATA_DESCRIPTOR Pieces[200];

BOOLEAN writes_an_event_of_too_many_pieces(MOMENT *m) {
    EVENT_DESCRIPTOR event = {.Id = 1};
    UNREFERENCED_PARAMETER(m);
    if (!NT_SUCCESS(EtwRegister(&Provider, NULL, NULL, &Registered)))
        return FALSE;
    EtwWriteTransfer(Registered, &event, NULL, NULL, RTL_NUMBER_OF(Pieces), Pieces);
    EtwUnregister(Registered);
    return FALSE;
}

/* The provider is registered first, and what comes then fails. */
BOOLEAN stays_registered_when_it_does_not_load(MOMENT *m) {
    EtwRegister(&Provider, NULL, NULL, &Registered);
    m->Status = STATUS_UNSUCCESSFUL;
    return TRUE;
}
