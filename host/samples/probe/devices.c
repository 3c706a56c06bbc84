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

PROBE(characteristics_of_a_device_keep_it_secure) {
    ULONG before = WdfDeviceGetCharacteristics(device), after;

    HOLDS((before & FILE_DEVICE_SECURE_OPEN) != 0);
    WdfDeviceSetCharacteristics(device, FILE_REMOVABLE_MEDIA);
    after = WdfDeviceGetCharacteristics(device);
    WdfDeviceSetCharacteristics(device, before);
    HOLDS(after == (FILE_REMOVABLE_MEDIA | FILE_DEVICE_SECURE_OPEN));
    HOLDS(WdfDeviceGetCharacteristics(device) == before);
    return 0;
}

PROBE(an_alignment_is_kept) {
    ULONG before = WdfDeviceGetAlignmentRequirement(device), after;

    WdfDeviceSetAlignmentRequirement(device, FILE_OCTA_ALIGNMENT);
    after = WdfDeviceGetAlignmentRequirement(device);
    WdfDeviceSetAlignmentRequirement(device, before);
    HOLDS(after == FILE_OCTA_ALIGNMENT);
    return 0;
}

PROBE(a_device_is_its_drivers) {
    HOLDS(WdfDeviceGetDriver(device) == WdfGetDriver());
    return 0;
}

PROBE(a_device_is_attached_to_another) {
    PDEVICE_OBJECT own = WdfDeviceWdmGetDeviceObject(device);
    PDEVICE_OBJECT attached = WdfDeviceWdmGetAttachedDevice(device);

    HOLDS(own != NULL && attached != NULL && own != attached);
    HOLDS(WdfDeviceWdmGetPhysicalDevice(device) != own);
    return 0;
}

PROBE(a_canceled_wake_is_none_to_indicate) {
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_CANCELLED) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_device_can_be_kept_from_stopping) {
    WdfDeviceSetStaticStopRemove(device, FALSE);
    WdfDeviceSetStaticStopRemove(device, FALSE);
    WdfDeviceSetStaticStopRemove(device, TRUE);
    WdfDeviceSetStaticStopRemove(device, TRUE);
    return 0;
}

PROBE(capabilities_are_taken) {
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;

    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    WdfDeviceSetPnpCapabilities(device, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    WdfDeviceSetPowerCapabilities(device, &power);
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
