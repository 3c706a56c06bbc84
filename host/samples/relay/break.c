/* What the driver does wrong when it is asked to. */

#include "driver.h"

NTSTATUS Break(WDFDEVICE device, WDFREQUEST request) {
    RELAY *relay = RelayOf(device);
    WDF_POWER_FRAMEWORK_SETTINGS settings;
    ULONG *which;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, sizeof(*which), (PVOID *)&which, NULL);

    if (!NT_SUCCESS(status))
        return status;
    switch (*which) {
    case RELAY_BREAK_RESOURCES:
        WdfCmResourceListRemove(relay->Translated, 0);
        break;
    case RELAY_BREAK_TARGET:
        WdfIoTargetClose(WdfDeviceGetIoTarget(device));
        break;
    case RELAY_BREAK_UNOPENED:
        return WdfIoTargetSendIoctlSynchronously(relay->Remote, NULL, IOCTL_RELAY_REVERSE, NULL, NULL, NULL, NULL);
    case RELAY_BREAK_CONTEXT:
        return WdfDeviceWdmDispatchIrp(device, WdfRequestWdmGetIrp(request), device);
    case RELAY_BREAK_MISSING:
        return WdfDriverErrorReportApiMissing(WdfGetDriver(), NULL, 500, TRUE);
    case RELAY_BREAK_EXTENSION:
        /* WdfCxDeviceInitAllocate, which has no place in the headers of drivers. */
        ((PVOID(*)(PWDF_DRIVER_GLOBALS, PVOID))WdfFunctions[396])(WdfDriverGlobals, relay);
        break;
    case RELAY_BREAK_FRAMEWORK:
        WDF_POWER_FRAMEWORK_SETTINGS_INIT(&settings);
        return WdfDeviceWdmAssignPowerFrameworkSettings(device, &settings);
    }
    return STATUS_SUCCESS;
}
