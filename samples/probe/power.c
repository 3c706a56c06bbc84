/* Probes of power, and the states of PnP. */

#include "group.h"

PROBE(a_started_device_is_in_d0) {
    /* WdfDevStatePnpStarted, WdfDevStatePowerD0, PowerActionNone */
    HOLDS(WdfDeviceGetDevicePnpState(device) == 0x119);
    HOLDS(WdfDeviceGetDevicePowerState(device) == 0x307);
    HOLDS(WdfDeviceGetSystemPowerAction(device) == 0);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_PENDING) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_SUCCESS) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

GROUP(power, PROBES_POWER)
