//! Framework objects: handles, parents, references, lifetimes.

use super::rule::rules;

rules! { Objects:
    PARENT_OBJECT_CHECK = "ParentObjectCheck", "ParentObjectCheck (DDI compliance)",
        "A parent is named only for objects that may have one, and is of a kind that may be one.";
    INVALID_HANDLE = "InvalidHandle", "bug check 0x10D, WDF_VIOLATION",
        "A framework function is given a handle of the kind it takes.";
    USE_AFTER_DELETE = "UseAfterDelete", "bug check 0x10D, WDF_VIOLATION",
        "An object is not used after it was deleted.";
    BAD_DELETE = "BadDelete", "WdfObjectDelete; bug check 0x10D, WDF_VIOLATION",
        "The driver deletes what is its own: no WDFINTERRUPT, WDFQUEUE, WDFREQUEST or other object of the framework's.";
    BAD_DEREFERENCE = "BadDereference", "WdfObjectDereference",
        "A reference is given back as often as it was taken, and no more.";
    OBJECT_LEAK = "ObjectLeak", "bug check 0x10D, WDF_VIOLATION",
        "References are given back and objects deleted before the driver is unloaded.";
    REGISTRY_KEY_LEAK = "RegistryKeyLeak", "kmdf-host; WdfDeviceOpenRegistryKey",
        "A registry key of a device is closed, or has a parent that goes with the device: its default parent is the driver.";
    PENDING_AT_UNLOAD = "PendingAtUnload", "bug check 0xCE, DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        "Timers are canceled and DPCs have run before the driver is unloaded.";
    DEVICE_CREATE_FAIL = "DeviceCreateFail", "DeviceCreateFail (DDI compliance)",
        "EvtDriverDeviceAdd succeeds with a device, or fails without one.";
    DEVICE_INIT = "DeviceInit", "DeviceInitAPI (DDI compliance)",
        "A WDFDEVICE_INIT is changed before WdfDeviceCreate takes it, and not afterwards.";
    INVALID_DPC = "InvalidDpc", "KeInitializeDpc",
        "A KDPC is initialized before it is used.";
    INVALID_EVENT = "InvalidEvent", "KeInitializeEvent",
        "A KEVENT is initialized before it is used.";
    INVALID_TIMER = "InvalidTimer", "KeInitializeTimer",
        "A KTIMER is initialized before it is used.";
    INVALID_WORK_ITEM = "InvalidWorkItem", "IoAllocateWorkItem",
        "An IO_WORKITEM is one that IoAllocateWorkItem made.";
}
