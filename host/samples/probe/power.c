/* Probes of power, and the states of PnP. */

#include "group.h"

/* Where the machines stood in the callbacks on the way to a started device, and what WdfDeviceStopIdle
 * answered there. */
typedef enum { DEVICE_ADD, PREPARE_HARDWARE, D0_ENTRY, POST_INTERRUPTS_ENABLED, IO_INIT, MOMENTS } MOMENT;
typedef struct {
    ULONG Pnp;
    ULONG Power;
    ULONG Policy;
    NTSTATUS StopIdle;
} NOTE;
static NOTE Notes[MOMENTS];

static NTSTATUS Note(WDFDEVICE device, MOMENT moment) {
    NOTE *note = &Notes[moment];

    note->Pnp = (ULONG)WdfDeviceGetDevicePnpState(device);
    note->Power = (ULONG)WdfDeviceGetDevicePowerState(device);
    note->Policy = (ULONG)WdfDeviceGetDevicePowerPolicyState(device);
    note->StopIdle = WdfDeviceStopIdle(device, FALSE);
    if (NT_SUCCESS(note->StopIdle))
        WdfDeviceResumeIdle(device);
    return STATUS_SUCCESS;
}

static EVT_WDF_DEVICE_D0_ENTRY OnD0Entry;
static NTSTATUS OnD0Entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    return Note(device, D0_ENTRY);
}

static EVT_WDF_DEVICE_D0_ENTRY_POST_INTERRUPTS_ENABLED OnPostInterruptsEnabled;
static NTSTATUS OnPostInterruptsEnabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    UNREFERENCED_PARAMETER(previous);
    return Note(device, POST_INTERRUPTS_ENABLED);
}

/* How many resources the device has beside what a filter adds; nothing while it was not started. */
static ULONG RawCount = MAXULONG, TranslatedCount = MAXULONG;
static PCM_PARTIAL_RESOURCE_DESCRIPTOR BehindTheLast;

static ULONG CountOfHardware(WDFCMRESLIST list) {
    ULONG index, count = 0;

    for (index = 0; index < WdfCmResourceListGetCount(list); index++)
        if (WdfCmResourceListGetDescriptor(list, index)->Type != CmResourceTypeDevicePrivate)
            count++;
    return count;
}

static EVT_WDF_DEVICE_PREPARE_HARDWARE OnPrepareHardware;
static NTSTATUS OnPrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    RawCount = CountOfHardware(raw);
    TranslatedCount = CountOfHardware(translated);
    BehindTheLast = WdfCmResourceListGetDescriptor(translated, WdfCmResourceListGetCount(translated));
    return Note(device, PREPARE_HARDWARE);
}

void SetPowerCallbacks(PWDF_PNPPOWER_EVENT_CALLBACKS callbacks) {
    callbacks->EvtDevicePrepareHardware = OnPrepareHardware;
    callbacks->EvtDeviceD0Entry = OnD0Entry;
    callbacks->EvtDeviceD0EntryPostInterruptsEnabled = OnPostInterruptsEnabled;
}

void NoteDeviceAdd(WDFDEVICE device) {
    Note(device, DEVICE_ADD);
}

void NoteSelfManagedIoInit(WDFDEVICE device) {
    Note(device, IO_INIT);
}

PROBE(a_started_device_is_in_d0) {
    /* WdfDevStatePnpStarted, WdfDevStatePowerD0, PowerActionNone */
    HOLDS(WdfDeviceGetDevicePnpState(device) == 0x119);
    HOLDS(WdfDeviceGetDevicePowerState(device) == 0x307);
    HOLDS(WdfDeviceGetSystemPowerAction(device) == 0);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_PENDING) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_SUCCESS) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(a_wait_for_waking_is_not_canceled_by_the_driver) {
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_CANCELLED) == STATUS_INVALID_PARAMETER);
    HOLDS(WdfDeviceIndicateWakeStatus(device, STATUS_UNSUCCESSFUL) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

/* WdfDevStatePnpInit, WdfDevStatePowerObjectCreated, WdfDevStatePwrPolObjectCreated */
PROBE(an_added_device_is_not_started) {
    HOLDS(Notes[DEVICE_ADD].Pnp == 0x105);
    HOLDS(Notes[DEVICE_ADD].Power == 0x300);
    HOLDS(Notes[DEVICE_ADD].Policy == 0x500);
    return 0;
}

/* WdfDevStatePnpHardwareAvailable */
PROBE(hardware_is_prepared_before_there_is_power) {
    HOLDS(Notes[PREPARE_HARDWARE].Pnp == 0x108);
    HOLDS(Notes[PREPARE_HARDWARE].Power == 0x300);
    HOLDS(Notes[PREPARE_HARDWARE].Policy == 0x500);
    return 0;
}

/* WdfDevStatePowerD0Starting, WdfDevStatePwrPolStarting */
PROBE(d0_is_entered_while_hardware_is_available) {
    HOLDS(Notes[D0_ENTRY].Pnp == 0x108);
    HOLDS(Notes[D0_ENTRY].Power == 0x30F);
    HOLDS(Notes[D0_ENTRY].Policy == 0x501);
    return 0;
}

/* WdfDevStatePowerD0StartingConnectInterrupt */
PROBE(interrupts_have_a_state_of_their_own_on_the_way_to_d0) {
    HOLDS(Notes[POST_INTERRUPTS_ENABLED].Pnp == 0x108);
    HOLDS(Notes[POST_INTERRUPTS_ENABLED].Power == 0x310);
    HOLDS(Notes[POST_INTERRUPTS_ENABLED].Policy == 0x501);
    return 0;
}

/* WdfDevStatePowerD0StartingStartSelfManagedIo */
PROBE(self_managed_io_begins_before_the_device_is_started) {
    HOLDS(Notes[IO_INIT].Pnp == 0x108);
    HOLDS(Notes[IO_INIT].Power == 0x312);
    HOLDS(Notes[IO_INIT].Policy == 0x501);
    return 0;
}

PROBE(a_device_without_power_cannot_be_kept_in_d0) {
    HOLDS(Notes[DEVICE_ADD].StopIdle == STATUS_POWER_STATE_INVALID);
    HOLDS(Notes[PREPARE_HARDWARE].StopIdle == STATUS_POWER_STATE_INVALID);
    return 0;
}

PROBE(a_device_on_its_way_to_d0_is_kept_there_when_it_comes) {
    HOLDS(Notes[D0_ENTRY].StopIdle == STATUS_PENDING);
    HOLDS(Notes[POST_INTERRUPTS_ENABLED].StopIdle == STATUS_PENDING);
    HOLDS(Notes[IO_INIT].StopIdle == STATUS_PENDING);
    return 0;
}

PROBE(a_device_in_d0_is_kept_there_as_often_as_asked) {
    HOLDS(WdfDeviceStopIdle(device, FALSE) == STATUS_SUCCESS);
    HOLDS(WdfDeviceStopIdle(device, FALSE) == STATUS_SUCCESS);
    WdfDeviceResumeIdle(device);
    WdfDeviceResumeIdle(device);
    return 0;
}

PROBE(who_waits_for_d0_in_d0_does_not_wait) {
    HOLDS(WdfDeviceStopIdle(device, TRUE) == STATUS_SUCCESS);
    WdfDeviceResumeIdle(device);
    return 0;
}

PROBE(a_reference_can_be_let_go_of_at_dispatch_level) {
    KIRQL irql;
    NTSTATUS status;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = WdfDeviceStopIdle(device, FALSE);
    if (NT_SUCCESS(status))
        WdfDeviceResumeIdle(device);
    KeLowerIrql(irql);
    HOLDS(status == STATUS_SUCCESS);
    return 0;
}

/* Settings that would be taken: idleness is not looked for, and nobody may change that. */
static void InitIdle(PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings, WDF_POWER_POLICY_S0_IDLE_CAPABILITIES caps) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(settings, caps);
    settings->Enabled = WdfFalse;
    settings->UserControlOfIdleSettings = IdleDoNotAllowUserControl;
}

#define ANSWERS(status) HOLDS(WdfDeviceAssignS0IdleSettings(device, &settings) == (status))

PROBE(idle_settings_have_the_size_of_a_version) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.Size++;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    settings.Size = 0;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(idle_settings_of_older_versions_are_taken) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    /* Of KMDF 1.7: what follows Enabled does not count. */
    settings.Size = 24;
    settings.PowerUpIdleDeviceOnSystemWake = (WDF_TRI_STATE)9;
    ANSWERS(STATUS_SUCCESS);
    /* Of 1.9: what follows PowerUpIdleDeviceOnSystemWake does not count. */
    settings.Size = 28;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.PowerUpIdleDeviceOnSystemWake = WdfUseDefault;
    settings.IdleTimeoutType = (WDF_POWER_POLICY_IDLE_TIMEOUT_TYPE)9;
    ANSWERS(STATUS_SUCCESS);
    return 0;
}

PROBE(an_idle_device_is_in_a_state_below_d0) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.DxState = PowerDeviceD0;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.DxState = PowerDeviceUnspecified;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.DxState = (DEVICE_POWER_STATE)(PowerDeviceMaximum + 1);
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.DxState = PowerDeviceD3;
    ANSWERS(STATUS_SUCCESS);
    settings.DxState = PowerDeviceMaximum;
    ANSWERS(STATUS_SUCCESS);
    return 0;
}

PROBE(idle_settings_have_a_known_capability) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.IdleCaps = (WDF_POWER_POLICY_S0_IDLE_CAPABILITIES)0;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.IdleCaps = (WDF_POWER_POLICY_S0_IDLE_CAPABILITIES)4;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(idle_settings_say_who_controls_them) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.UserControlOfIdleSettings = (WDF_POWER_POLICY_S0_IDLE_USER_CONTROL)0;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.UserControlOfIdleSettings = (WDF_POWER_POLICY_S0_IDLE_USER_CONTROL)3;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(idle_settings_are_enabled_or_not_or_the_default) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.Enabled = (WDF_TRI_STATE)3;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(who_can_wake_says_nothing_of_powering_up_at_system_wake) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCanWakeFromS0);
    settings.PowerUpIdleDeviceOnSystemWake = WdfTrue;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(idleness_is_timed_in_a_known_way) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCannotWakeFromS0);
    settings.IdleTimeoutType = (WDF_POWER_POLICY_IDLE_TIMEOUT_TYPE)3;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_device_that_cannot_wake_does_not_wake_itself) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleCanWakeFromS0);
    ANSWERS(STATUS_POWER_STATE_INVALID);
    settings.DxState = PowerDeviceD3;
    ANSWERS(STATUS_POWER_STATE_INVALID);
    return 0;
}

PROBE(a_device_that_cannot_wake_is_not_selectively_suspended) {
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    InitIdle(&settings, IdleUsbSelectiveSuspend);
    ANSWERS(STATUS_POWER_STATE_INVALID);
    return 0;
}
#undef ANSWERS

#define ANSWERS(status) HOLDS(WdfDeviceAssignSxWakeSettings(device, &settings) == (status))

PROBE(wake_settings_have_the_size_of_a_version) {
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    settings.Size--;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    /* Of KMDF 1.5: it goes on to the next question. */
    settings.Size = 16;
    settings.Enabled = (WDF_TRI_STATE)3;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(wake_settings_are_of_known_values) {
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    settings.DxState = PowerDeviceD0;
    ANSWERS(STATUS_INVALID_PARAMETER);
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    settings.UserControlOfWakeSettings = (WDF_POWER_POLICY_SX_WAKE_USER_CONTROL)0;
    ANSWERS(STATUS_INVALID_PARAMETER);
    settings.UserControlOfWakeSettings = (WDF_POWER_POLICY_SX_WAKE_USER_CONTROL)3;
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_device_that_cannot_wake_does_not_wake_the_system) {
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    settings.UserControlOfWakeSettings = WakeDoNotAllowUserControl;
    ANSWERS(STATUS_POWER_STATE_INVALID);
    settings.DxState = PowerDeviceD3;
    ANSWERS(STATUS_POWER_STATE_INVALID);
    return 0;
}
#undef ANSWERS

PROBE(a_device_can_be_kept_from_being_stopped) {
    WdfDeviceSetStaticStopRemove(device, FALSE);
    WdfDeviceSetStaticStopRemove(device, FALSE);
    WdfDeviceSetStaticStopRemove(device, TRUE);
    WdfDeviceSetStaticStopRemove(device, TRUE);
    HOLDS(WdfDeviceGetDevicePnpState(device) == 0x119);
    return 0;
}

PROBE(capabilities_can_be_left_as_they_are) {
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;

    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    HOLDS(pnp.Removable == WdfUseDefault && pnp.UINumber == MAXULONG);
    WdfDeviceSetPnpCapabilities(device, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    HOLDS(power.DeviceD1 == WdfUseDefault && power.IdealDxStateForSx == PowerDeviceMaximum);
    WdfDeviceSetPowerCapabilities(device, &power);
    return 0;
}

PROBE(a_device_state_is_told_as_a_whole) {
    WDF_DEVICE_STATE state;

    WDF_DEVICE_STATE_INIT(&state);
    state.DontDisplayInUI = WdfTrue;
    WdfDeviceSetDeviceState(device, &state);
    WDF_DEVICE_STATE_INIT(&state);
    state.NotDisableable = WdfTrue;
    WdfDeviceSetDeviceState(device, &state);
    WdfDeviceGetDeviceState(device, &state);
    HOLDS(state.NotDisableable == WdfTrue);
    HOLDS(state.DontDisplayInUI == WdfUseDefault);
    WDF_DEVICE_STATE_INIT(&state);
    WdfDeviceSetDeviceState(device, &state);
    return 0;
}

PROBE(a_device_without_hardware_has_no_resources) {
    HOLDS(TranslatedCount == 0);
    HOLDS(RawCount == 0);
    return 0;
}

PROBE(behind_the_last_resource_there_is_none) {
    HOLDS(TranslatedCount != MAXULONG);
    HOLDS(BehindTheLast == NULL);
    return 0;
}

GROUP(power, PROBES_POWER)
