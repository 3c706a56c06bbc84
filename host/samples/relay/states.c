/* Prints the states that the framework's machines pass: of which machine, what happens, and the state. */

#include "driver.h"

static const char *What(WDF_STATE_NOTIFICATION_TYPE type) {
    switch (type) {
    case StateNotificationEnterState:
        return "enters";
    case StateNotificationPostProcessState:
        return "has done";
    default:
        return "leaves";
    }
}

/* EVT_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION. The state that is entered is the new one. */
static void OnPnp(WDFDEVICE device, PCWDF_DEVICE_PNP_NOTIFICATION_DATA data) {
    BOOLEAN enters = data->Type == StateNotificationEnterState;

    UNREFERENCED_PARAMETER(device);
    DbgPrint("pnp %s %x\n", What(data->Type),
        (ULONG)(enters ? data->Data.EnterState.NewState : data->Data.LeaveState.CurrentState));
}

static void OnPower(WDFDEVICE device, PCWDF_DEVICE_POWER_NOTIFICATION_DATA data) {
    BOOLEAN enters = data->Type == StateNotificationEnterState;

    UNREFERENCED_PARAMETER(device);
    DbgPrint("power %s %x\n", What(data->Type),
        (ULONG)(enters ? data->Data.EnterState.NewState : data->Data.LeaveState.CurrentState));
}

static void OnPolicy(WDFDEVICE device, PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA data) {
    BOOLEAN enters = data->Type == StateNotificationEnterState;

    UNREFERENCED_PARAMETER(device);
    DbgPrint("policy %s %x\n", What(data->Type),
        (ULONG)(enters ? data->Data.EnterState.NewState : data->Data.LeaveState.CurrentState));
}

/* All states are told of as they are entered, and those in which a device rests also otherwise. */
NTSTATUS WatchStates(PWDFDEVICE_INIT init) {
    ULONG state;
    NTSTATUS status = STATUS_SUCCESS;

    for (state = 0x100; NT_SUCCESS(status) && state < 0x13A; state++)
        status = WdfDeviceInitRegisterPnpStateChangeCallback(
            init, (WDF_DEVICE_PNP_STATE)state, OnPnp, StateNotificationEnterState);
    for (state = 0x300; NT_SUCCESS(status) && state < 0x369; state++)
        status = WdfDeviceInitRegisterPowerStateChangeCallback(
            init, (WDF_DEVICE_POWER_STATE)state, OnPower, StateNotificationEnterState);
    for (state = 0x500; NT_SUCCESS(status) && state < 0x594; state++)
        status = WdfDeviceInitRegisterPowerPolicyStateChangeCallback(
            init, (WDF_DEVICE_POWER_POLICY_STATE)state, OnPolicy, StateNotificationEnterState);
    /* WdfDevStatePnpInit: the last callback for a state counts. */
    if (NT_SUCCESS(status))
        status = WdfDeviceInitRegisterPnpStateChangeCallback(
            init, (WDF_DEVICE_PNP_STATE)0x105, OnPnp, StateNotificationAllStates);
    if (NT_SUCCESS(status)
        && WdfDeviceInitRegisterPnpStateChangeCallback(init, (WDF_DEVICE_PNP_STATE)0xFF, OnPnp,
               StateNotificationEnterState)
            != STATUS_INVALID_PARAMETER)
        return STATUS_INTERNAL_ERROR;
    if (NT_SUCCESS(status)
        && WdfDeviceInitRegisterPowerStateChangeCallback(init, (WDF_DEVICE_POWER_STATE)0x307, OnPower, 8)
            != STATUS_INVALID_PARAMETER)
        return STATUS_INTERNAL_ERROR;
    return status;
}
