//! Framework objects: handles, parents, references, lifetimes.

use crate::rule::declare;

declare! { Objects:
    PARENT_OBJECT = Framework "ParentObject", "KMDF: STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED (fxvalidatefunctions.cpp)",
        "A parent is specified only for objects that may have one, and is an object that may be a parent.";
    OBJECT_ATTRIBUTES = Framework "ObjectAttributes", "KMDF Verifier: FxValidateObjectAttributes (fxvalidatefunctions.cpp), where a function cannot fail",
        "Attributes specify an execution level or a synchronization scope only for an object that has one.";
    INVALID_HANDLE = Framework "InvalidHandle", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (FxObjectHandleGetPtr, fxhandle.h and handleapi.cpp)",
        "A framework function gets a handle of the kind that it expects.";
    USE_AFTER_DELETE = Framework "UseAfterDelete", "KMDF: 0x10D, 0x5 WDF_INVALID_HANDLE (FxObjectHandleGetPtr, fxhandle.h and handleapi.cpp)",
        "An object is not used after it was deleted.";
    BAD_DELETE = Framework "BadDelete", "KMDF: WdfObjectDelete breaks, STATUS_CANNOT_DELETE (fxobjectapi.cpp)",
        "The driver deletes only its own objects: no WDFINTERRUPT, no WDFREQUEST, no queue to which requests are dispatched, and no other object of the framework.";
    BAD_DEREFERENCE = Framework "BadDereference", "KMDF: 0x10D, 0x7 WDF_OBJECT_ERROR (FxObject::~FxObject, fxobject.cpp)",
        "An object is dereferenced exactly as often as it was referenced.";
    OBJECT_LEAK = Framework "ObjectLeak", "KMDF: 0x10D, 0x7 WDF_OBJECT_ERROR (FxDriver::~FxDriver, fxdriver.cpp); KMDF Verifier breaks (FxPoolDestroy, wdfpool.cpp)",
        "All objects are dereferenced and deleted before the driver is unloaded.";
    REGISTRY_KEY_LEAK = Own "RegistryKeyLeak", "kmdf-host; WdfDeviceOpenRegistryKey: the framework closes it late (FxRegKey::~FxRegKey, fxregkeykm.cpp)",
        "A registry key of a device is closed, or has a parent that is deleted with the device; its default parent is the driver.";
    BUS_INTERFACE = Own "BusInterface", "kmdf-host; BUS_INTERFACE_STANDARD",
        "An interface of the bus driver is called with its own context while the driver holds a reference, and each reference is released once, before the driver is unloaded.";
    PENDING_AT_UNLOAD = System "PendingAtUnload", "bug check 0xCE, DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        "Before the driver is unloaded, timers are canceled, DPCs have run, threads have ended and callbacks for bug checks are deregistered.";
    DEVICE_CREATE_FAIL = Compliance "DeviceCreateFail", "DeviceCreateFail",
        "EvtDriverDeviceAdd succeeds with a device, or fails without one.";
    DRIVER_CREATE = Compliance "DriverCreate", "DriverCreate",
        "A DriverEntry that succeeds has called WdfDriverCreate.";
    DRIVER_ATTRIBUTE_CHANGED = Compliance "DriverAttributeChanged", "DriverAttributeChanged",
        "WdfDriverCreate is called with the execution level and the synchronization scope that a driver object has anyway: the objects below it say what they need.";
    DEVICE_INIT_API = Compliance "DeviceInitAPI", "DeviceInitAPI, ChildDeviceInitApi, PdoDeviceInitAPI",
        "The WDFDEVICE_INIT of EvtDriverDeviceAdd, or of a child, is used only before WdfDeviceCreate takes it.";
    CONTROL_DEVICE_INIT_API = Compliance "ControlDeviceInitAPI", "ControlDeviceInitAPI",
        "The WDFDEVICE_INIT of a control device is used only before WdfDeviceCreate takes it.";
    DEVICE_INIT_ALLOCATE = Compliance "DeviceInitAllocate", "DeviceInitAllocate, ControlDeviceInitAllocate",
        "A WDFDEVICE_INIT is one that EvtDriverDeviceAdd or EvtChildListCreateDevice was given, or that WdfControlDeviceInitAllocate or WdfPdoInitAllocate has allocated.";
    INIT_FREE_NULL = Compliance "InitFreeNull", "InitFreeNull; KMDF: 0x10D, 0x4 WDF_REQUIRED_PARAMETER_IS_NULL (fxdeviceinitapi.cpp)",
        "The functions for a WDFDEVICE_INIT are not called with NULL, which WdfDeviceCreate leaves behind when it succeeds.";
    INIT_FREE_DEVICE_CALLBACK = Compliance "InitFreeDeviceCallback", "InitFreeDeviceCallback, PdoInitFreeDeviceCallback",
        "A WDFDEVICE_INIT of WdfControlDeviceInitAllocate or WdfPdoInitAllocate that no device is created from is freed (WdfDeviceInitFree).";
    INIT_FREE_DEVICE_CREATE = Compliance "InitFreeDeviceCreate", "InitFreeDeviceCreate, PdoInitFreeDeviceCreate",
        "If a function for a WDFDEVICE_INIT that the driver has allocated has failed, the driver calls WdfDeviceInitFree and not WdfDeviceCreate.";
    INIT_FREE_DEVICE_CREATE_TYPE_2 = Compliance "InitFreeDeviceCreateType2", "InitFreeDeviceCreateType2, PdoInitFreeDeviceCreateType2",
        "WdfDeviceCreate is not called with a WDFDEVICE_INIT that WdfDeviceInitFree has freed.";
    INIT_FREE_DEVICE_CREATE_TYPE_4 = Compliance "InitFreeDeviceCreateType4", "InitFreeDeviceCreateType4, PdoInitFreeDeviceCreateType4",
        "If WdfDeviceCreate has failed, the driver frees the WDFDEVICE_INIT that it has allocated (WdfDeviceInitFree).";
    DOUBLE_DEVICE_INIT_FREE = Compliance "DoubleDeviceInitFree", "DoubleDeviceInitFree",
        "A WDFDEVICE_INIT is freed once, and not used afterwards.";
    CTL_DEVICE_FINISH_INIT_DEVICE_ADD = Compliance "CtlDeviceFinishInitDeviceAdd", "CtlDeviceFinishInitDeviceAdd",
        "If EvtDriverDeviceAdd creates a control device, it calls WdfControlFinishInitializing before it returns.";
    CTL_DEVICE_FINISH_INIT_DR_ENTRY = Compliance "CtlDeviceFinishInitDrEntry", "CtlDeviceFinishInitDrEntry",
        "If DriverEntry of a PnP driver creates a control device, WdfControlFinishInitializing is called before EvtDriverDeviceAdd returns.";
    CLEANUP_4_CTL_DEVICE_REGISTERED = Compliance "Cleanup4CtlDeviceRegistered", "Cleanup4CtlDeviceRegistered",
        "A PnP driver with a control device registers EvtCleanupCallback or EvtDestroyCallback of a device, or EvtDeviceSelfManagedIoCleanup: that is where it deletes the control device.";
    CONTROL_DEVICE_DELETED = Compliance "ControlDeviceDeleted", "ControlDeviceDeleted",
        "A PnP driver deletes its control device when its last device goes: before that the system does not unload the driver.";
    MINIPORT_ONLY_WDM_DEVICE = Compliance "MiniportOnlyWdmDevice", "MiniportOnlyWdmDevice",
        "Only miniport drivers call IoCreateDevice: the dispatch routines of others are the framework's, which does not know such a device.";
    PNP_FATAL_ERROR = System "PnpFatalError", "bug check 0xCA, PNP_DETECTED_FATAL_ERROR: 1, a duplicate PDO, and 2, an invalid one",
        "Children of a bus driver that are present together differ in their device ID or their instance ID, and what the driver names to PnP as a PDO is one that PnP knows.";
    CHILD_LIST_LOCK = Framework "ChildListLock", "KMDF: FxChildList holds its lock around them (fxchildlist.cpp)",
        "A callback that copies, duplicates or compares descriptions calls no function of its child list.";
    DEVICE_KIND = Framework "DeviceKind", "KMDF: the function breaks (fxdevicecontrolapi.cpp, fxdeviceinterfaceapi.cpp), or follows a NULL pointer to the PnP part of a control device (fxdeviceapi.cpp)",
        "Functions for PnP devices are not called for a control device, functions for control devices only for one, and functions for children or for their parent only for such.";
    OBJECT_REFERENCE = System "ObjectReference", "bug check 0x18, REFERENCE_BY_POINTER; a reference that is left is seen by kmdf-host only",
        "A reference to an object of the kernel (an event or a thread, by its handle) is released once, before the driver is unloaded.";
    KERNEL_HANDLE = System "KernelHandle", "bug check 0x93, INVALID_KERNEL_HANDLE",
        "ZwClose closes a handle that is open.";
    SYSTEM_THREAD = Own "SystemThread", "PsTerminateSystemThread",
        "PsTerminateSystemThread ends a thread that the driver created.";
    INVALID_DPC = Own "InvalidDpc", "KeInitializeDpc",
        "A KDPC is initialized before it is used.";
    INVALID_EVENT = Own "InvalidEvent", "KeInitializeEvent, KeInitializeSemaphore, KeInitializeMutex",
        "A KEVENT, KSEMAPHORE or KMUTEX is initialized before it is used, and a thread waits only for one of these or for a thread.";
    INVALID_TIMER = Own "InvalidTimer", "KeInitializeTimer",
        "A KTIMER is initialized before it is used.";
    INVALID_WORK_ITEM = Own "InvalidWorkItem", "IoAllocateWorkItem",
        "An IO_WORKITEM comes from IoAllocateWorkItem.";
}
