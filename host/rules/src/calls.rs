//! What is asked of a function of framework or kernel beside what the other families say.

use crate::rule::declare;

declare! { Calls:
    STRUCTURE_SIZE = Own "StructureSize", "the *_INIT functions; KMDF: STATUS_INFO_LENGTH_MISMATCH where a function has a status",
        "The Size of a structure is that of a version of it.";
    BAD_ARGUMENT = Framework "BadArgument", "KMDF: the function breaks and does nothing (fxdeviceinitapi.cpp, fxdeviceapi.cpp, fxdmaenablerapi.cpp); KMDF Verifier, where it is about a value (fxinterruptapi.cpp)",
        "An argument, and each member of a structure, is one that the function takes.";
    INVALID_OPERATION = Framework "InvalidOperation", "KMDF: an error, if the function returns one, and a breakpoint under KMDF Verifier (FxVerifierDbgBreakPoint in fxrequestapi.cpp, fxioqueue.cpp)",
        "A framework function is called where it can do what it is for.";
    FUNCTION_COUNT = Own "FunctionCount", "WdfVersionBind",
        "A driver binds to the framework with the number of functions that the version it names has.";
    UNBIND = Own "Unbind", "WdfVersionUnbind",
        "A driver unbinds before it is unloaded, with the globals it was bound with.";
    DRIVER_UNLOAD = Own "DriverUnload", "DRIVER_OBJECT; WDF_DRIVER_CONFIG, EvtDriverUnload",
        "The driver of a plug and play device can be unloaded.";
    COLLECTION_ITEM = Own "CollectionItem", "WdfCollectionRemove; KMDF: STATUS_NOT_FOUND, which the function does not return (fxcollectionapi.cpp)",
        "What is removed from a collection is in it.";
    RESOURCE_LIST = Own "ResourceList", "WdfCmResourceListGetDescriptor",
        "The resource lists of EvtDevicePrepareHardware are read, not written.";
    ETW_UNREGISTER = Own "EtwUnregister", "EtwUnregister",
        "An ETW provider is unregistered once, with the handle that EtwRegister gave, before the driver is unloaded.";
    ETW_WRITE = Own "EtwWrite", "EtwWriteTransfer",
        "An event has at most 128 pieces of data, and its metadata describe them.";
}
