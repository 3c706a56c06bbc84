//! What is asked of a function of framework or kernel beside what the other families say.

use crate::rule::declare;

declare! { Calls:
    STRUCTURE_SIZE = Own "StructureSize", "the *_INIT functions; KMDF: STATUS_INFO_LENGTH_MISMATCH where a function has a status",
        "The Size member of a structure is the size of one of its versions.";
    BAD_ARGUMENT = Framework "BadArgument", "KMDF: the function breaks and does nothing (fxdeviceinitapi.cpp, fxdeviceapi.cpp, fxdmaenablerapi.cpp); KMDF Verifier, where it is about a value (fxinterruptapi.cpp)",
        "Each argument, and each member of a structure, has a value that the function accepts.";
    INVALID_OPERATION = Framework "InvalidOperation", "KMDF: an error, if the function returns one, and a breakpoint under KMDF Verifier (FxVerifierDbgBreakPoint in fxrequestapi.cpp, fxioqueue.cpp)",
        "A framework function is called only in a state in which it can succeed.";
    FUNCTION_COUNT = Own "FunctionCount", "WdfVersionBind",
        "A driver binds to the framework with the number of functions of the version that it names.";
    UNBIND = Own "Unbind", "WdfVersionUnbind",
        "A driver unbinds before it is unloaded, with the globals it was bound with.";
    DRIVER_UNLOAD = Own "DriverUnload", "DRIVER_OBJECT; WDF_DRIVER_CONFIG, EvtDriverUnload",
        "The driver of a plug and play device can be unloaded.";
    COLLECTION_ITEM = Own "CollectionItem", "WdfCollectionRemove; KMDF: STATUS_NOT_FOUND, which the function does not return (fxcollectionapi.cpp)",
        "An item that is removed from a collection is in it.";
    RESOURCE_LIST = Framework "ResourceList", "KMDF Verifier breaks (fxresourceapi.cpp, fxresourcecollection.cpp); what WdfCmResourceListGetDescriptor gives out is looked at by kmdf-host only",
        "A resource list is changed by its functions only, and only in the callback that filters it; that of EvtDevicePrepareHardware is only read.";
    CLASS_EXTENSION = Framework "ClassExtension", "KMDF Verifier: FxValiateCx breaks, STATUS_INVALID_DEVICE_REQUEST (fxcxdeviceinitapi.cpp)",
        "Functions whose names begin with WdfCx are called by class extensions only.";
    API_MISSING = Framework "ApiMissing", "KMDF Verifier: 0x10D, WDF_API_UNAVAILABLE (WdfDriverErrorReportApiMissing, fxdriverapi.cpp)",
        "A function that the framework may not have is called after WdfIsFunctionAvailable only.";
    WMI_RESULT = Framework "WmiResult", "KMDF Verifier: FxWmiInstanceExternal::QueryInstance breaks (fxwmiinstance.cpp)",
        "A WMI callback does not return STATUS_PENDING, and returns no more bytes than its buffer holds.";
    ETW_UNREGISTER = Own "EtwUnregister", "EtwUnregister",
        "An ETW provider is unregistered once, with the handle that EtwRegister returned, before the driver is unloaded.";
    ETW_WRITE = Own "EtwWrite", "EtwWriteTransfer",
        "An event has at most 128 pieces of data, and its metadata describe them.";
}
