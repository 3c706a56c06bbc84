//! What is asked of a function of framework or kernel beside what the other families say.

use super::rule::rules;

rules! { Calls:
    STRUCTURE_SIZE = "StructureSize", "STATUS_INFO_LENGTH_MISMATCH; the *_INIT functions",
        "The Size of a structure is that of a version of it.";
    FUNCTION_COUNT = "FunctionCount", "WdfVersionBind",
        "A driver binds to the framework with the number of functions that the version it names has.";
    UNBIND = "Unbind", "WdfVersionUnbind",
        "A driver unbinds before it is unloaded, with the globals it was bound with.";
    DRIVER_UNLOAD = "DriverUnload", "DRIVER_OBJECT; WDF_DRIVER_CONFIG, EvtDriverUnload",
        "The driver of a plug and play device can be unloaded.";
    COLLECTION_ITEM = "CollectionItem", "WdfCollectionRemove",
        "What is removed from a collection is in it.";
    RESOURCE_LIST = "ResourceList", "WdfCmResourceListGetDescriptor",
        "The resource lists of EvtDevicePrepareHardware are read, not written.";
    ETW_UNREGISTER = "EtwUnregister", "EtwUnregister",
        "An ETW provider is unregistered once, with the handle that EtwRegister gave, before the driver is unloaded.";
    ETW_WRITE = "EtwWrite", "EtwWriteTransfer",
        "An event has at most 128 pieces of data, and its metadata describe them.";
}
