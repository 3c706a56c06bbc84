//! Framework objects: handles, parents, references, lifetimes.

use crate::rule::declare;

declare! { Objects:
    PARENT_OBJECT_CHECK = Compliance "ParentObjectCheck", "ParentObjectCheck; KMDF: STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED (fxvalidatefunctions.cpp)",
        "A parent is named only for objects that may have one, and is of a kind that may be one.";
    OBJECT_ATTRIBUTES = Framework "ObjectAttributes", "KMDF Verifier: FxValidateObjectAttributes (fxvalidatefunctions.cpp), where a function cannot fail",
        "Attributes for objects that the framework makes name an execution level or a synchronization scope only where the object has one.";
    INVALID_HANDLE = Framework "InvalidHandle", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (FxObjectHandleGetPtr, fxhandle.h and handleapi.cpp)",
        "A framework function is given a handle of the kind it takes.";
    USE_AFTER_DELETE = Framework "UseAfterDelete", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (FxObjectHandleGetPtr, fxhandle.h and handleapi.cpp)",
        "An object is not used after it was deleted.";
    BAD_DELETE = Framework "BadDelete", "KMDF: WdfObjectDelete breaks, STATUS_CANNOT_DELETE (fxobjectapi.cpp)",
        "The driver deletes what is its own: no WDFINTERRUPT, WDFREQUEST, queue that requests are dispatched to, or other object of the framework's.";
    BAD_DEREFERENCE = Framework "BadDereference", "KMDF: 0x10D, 0x7 WDF_OBJECT_ERROR (FxObject::~FxObject, fxobject.cpp)",
        "A reference is given back as often as it was taken, and no more.";
    OBJECT_LEAK = Framework "ObjectLeak", "KMDF: 0x10D, 0x7 WDF_OBJECT_ERROR (FxDriver::~FxDriver, fxdriver.cpp); KMDF Verifier breaks (FxPoolDestroy, wdfpool.cpp)",
        "References are given back and objects deleted before the driver is unloaded.";
    REGISTRY_KEY_LEAK = Own "RegistryKeyLeak", "kmdf-host; WdfDeviceOpenRegistryKey: the framework closes it late (FxRegKey::~FxRegKey, fxregkeykm.cpp)",
        "A registry key of a device is closed, or has a parent that goes with the device: its default parent is the driver.";
    BUS_INTERFACE = Own "BusInterface", "kmdf-host; BUS_INTERFACE_STANDARD",
        "An interface of the bus driver is called with its own context while a reference to it is held, and each reference is given back once, before the driver is unloaded.";
    PENDING_AT_UNLOAD = System "PendingAtUnload", "bug check 0xCE, DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        "Timers are canceled, DPCs have run and callbacks for bug checks are deregistered before the driver is unloaded.";
    DEVICE_CREATE_FAIL = Compliance "DeviceCreateFail", "DeviceCreateFail",
        "EvtDriverDeviceAdd succeeds with a device, or fails without one.";
    DEVICE_INIT = Compliance "DeviceInit", "DeviceInitAPI",
        "A WDFDEVICE_INIT is changed before WdfDeviceCreate takes it, and not afterwards.";
    DEVICE_KIND = Framework "DeviceKind", "KMDF: the function breaks (fxdevicecontrolapi.cpp, fxdeviceinterfaceapi.cpp), or follows a NULL pointer to the PnP part of a control device (fxdeviceapi.cpp)",
        "What is for devices of PnP is not called for a control device, and what is for control devices only for one.";
    INVALID_DPC = Own "InvalidDpc", "KeInitializeDpc",
        "A KDPC is initialized before it is used.";
    INVALID_EVENT = Own "InvalidEvent", "KeInitializeEvent",
        "A KEVENT is initialized before it is used.";
    INVALID_TIMER = Own "InvalidTimer", "KeInitializeTimer",
        "A KTIMER is initialized before it is used.";
    INVALID_WORK_ITEM = Own "InvalidWorkItem", "IoAllocateWorkItem",
        "An IO_WORKITEM is one that IoAllocateWorkItem made.";
}
