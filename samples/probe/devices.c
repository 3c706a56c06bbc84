/* Probes of devices, and what they tell PnP. */

#include "group.h"

PROBE(a_driver_tells_pnp_of_its_device) {
    WDF_DEVICE_STATE state;

    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceGetDeviceState(device, &state);
    HOLDS(state.DontDisplayInUI == WdfUseDefault && state.Failed == WdfUseDefault);
    state.DontDisplayInUI = WdfTrue;
    state.NotDisableable = WdfFalse;
    WdfDeviceSetDeviceState(device, &state);
    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceGetDeviceState(device, &state);
    HOLDS(state.DontDisplayInUI == WdfTrue && state.NotDisableable == WdfFalse);
    HOLDS(state.Disabled == WdfUseDefault);
    state.DontDisplayInUI = WdfUseDefault;
    state.NotDisableable = WdfUseDefault;
    WdfDeviceSetDeviceState(device, &state);
    WdfDeviceSetSpecialFileSupport(device, WdfSpecialFilePaging, TRUE);
    return 0;
}

PROBE(a_device_without_a_name_has_none_to_tell) {
    WDFSTRING name;

    SUCCEEDS(WdfStringCreate(NULL, NULL, &name));
    HOLDS(WdfDeviceRetrieveDeviceName(device, name) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(name);
    return 0;
}

/* A control device, until the device goes. */
static WDFDEVICE Control;

void DeleteControlDevice(void) {
    if (Control != NULL)
        WdfObjectDelete(Control);
    Control = NULL;
}

PROBE(a_control_device_is_deleted_with_the_last_device) {
    DECLARE_CONST_UNICODE_STRING(security, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\SampleProbe");
    PWDFDEVICE_INIT init;
    WDFSTRING found;
    UNICODE_STRING text;

    DeleteControlDevice();
    init = WdfControlDeviceInitAllocate(WdfDeviceGetDriver(device), &security);
    HOLDS(init != NULL);
    SUCCEEDS(WdfDeviceInitAssignName(init, &name));
    SUCCEEDS(WdfDeviceCreate(&init, NULL, &Control));
    WdfControlFinishInitializing(Control);
    SUCCEEDS(WdfStringCreate(NULL, NULL, &found));
    SUCCEEDS(WdfDeviceRetrieveDeviceName(Control, found));
    WdfStringGetUnicodeString(found, &text);
    HOLDS(text.Length == name.Length);
    WdfObjectDelete(found);
    return 0;
}

GROUP(devices, PROBES_DEVICES)
