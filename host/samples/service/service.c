/* A driver that PnP knows nothing of: its DriverEntry makes a control device, which counts.
 *
 * What the service is called decides whether it makes a mistake. Its tests start the image under several names. */
#include <ntddk.h>
#include <wdf.h>
#include "service.h"

static const UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\SampleService");
static const UNICODE_STRING Security = RTL_CONSTANT_STRING(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
static LONG Count;

/* Whether the last part of the registry path, the service's name, is this. */
static BOOLEAN IsCalled(PCUNICODE_STRING path, PCWSTR name) {
    UNICODE_STRING wanted;
    USHORT before;

    RtlInitUnicodeString(&wanted, name);
    if (path->Length <= wanted.Length)
        return FALSE;
    before = (USHORT)((path->Length - wanted.Length) / sizeof(WCHAR));
    return path->Buffer[before - 1] == L'\\'
        && RtlCompareMemory(path->Buffer + before, wanted.Buffer, wanted.Length) == wanted.Length;
}

static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnControl;
static void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    PLONG count;

    UNREFERENCED_PARAMETER(queue);
    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    if (code == IOCTL_SERVICE_COUNT)
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*count), (PVOID *)&count, NULL);
    if (NT_SUCCESS(status))
        *count = InterlockedIncrement(&Count);
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(*count) : 0);
}

static NTSTATUS Create(WDFDRIVER driver, BOOLEAN withPower) {
    static const UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SampleService");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(driver, &Security);
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    NTSTATUS status;

    if (init == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* A control device has no power. */
    if (withPower)
        WdfDeviceInitSetPowerPageable(init);
    status = WdfDeviceInitAssignName(init, &name);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
    if (!NT_SUCCESS(status)) {
        WdfDeviceInitFree(init);
        return status;
    }
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateSymbolicLink(device, &Link);
    if (NT_SUCCESS(status))
        WdfControlFinishInitializing(device);
    return status;
}

static EVT_WDF_DRIVER_UNLOAD OnUnload;
static void OnUnload(WDFDRIVER driver) {
    UNREFERENCED_PARAMETER(driver);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DRIVER_CONFIG config;
    WDFDRIVER driver;
    NTSTATUS status;

    if (IsCalled(path, L"creates_no_driver"))
        return STATUS_SUCCESS;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    if (IsCalled(path, L"changes_the_level_of_its_driver"))
        attributes.ExecutionLevel = WdfExecutionLevelPassive;
    if (IsCalled(path, L"serializes_its_driver"))
        attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    config.EvtDriverUnload = OnUnload;
    status = WdfDriverCreate(object, path, &attributes, &config, &driver);
    if (!NT_SUCCESS(status))
        return status;
    return Create(driver, IsCalled(path, L"has_power"));
}
