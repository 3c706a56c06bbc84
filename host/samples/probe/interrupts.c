/* Probes of interrupts, as far as a device without hardware has any: they can be made, and are never
 * connected. */

#include "group.h"

static EVT_WDF_INTERRUPT_ISR OnInterrupt;
static BOOLEAN OnInterrupt(WDFINTERRUPT interrupt, ULONG message) {
    UNREFERENCED_PARAMETER(interrupt);
    UNREFERENCED_PARAMETER(message);
    return FALSE;
}

static EVT_WDF_INTERRUPT_DPC OnDpc;
static void OnDpc(WDFINTERRUPT interrupt, WDFOBJECT device) {
    UNREFERENCED_PARAMETER(interrupt);
    UNREFERENCED_PARAMETER(device);
}

/* How often an interrupt was enabled or disabled. */
static ULONG Switched;

static EVT_WDF_INTERRUPT_ENABLE OnSwitch;
static NTSTATUS OnSwitch(WDFINTERRUPT interrupt, WDFDEVICE device) {
    UNREFERENCED_PARAMETER(interrupt);
    UNREFERENCED_PARAMETER(device);
    Switched++;
    return STATUS_SUCCESS;
}

/* What WdfInterruptCreate answered in EvtDriverDeviceAdd, and what it made. */
typedef enum {
    PLAIN,
    SECOND,
    PASSIVE,
    PASSIVE_WITH_WAIT_LOCK,
    DPC_AND_WORK_ITEM,
    WAIT_LOCK_AT_DIRQL,
    SPIN_LOCK_AT_PASSIVE_LEVEL,
    RAW_RESOURCE,
    TRANSLATED_RESOURCE,
    WAKES,
    MADE
} KIND;
static NTSTATUS Made[MADE];
static WDFINTERRUPT Interrupts[MADE];
static WDFWAITLOCK WaitLock;

static void Make(WDFDEVICE device, KIND kind, PWDF_INTERRUPT_CONFIG config) {
    Interrupts[kind] = NULL;
    Made[kind] = WdfInterruptCreate(device, config, WDF_NO_OBJECT_ATTRIBUTES, &Interrupts[kind]);
}

NTSTATUS CreateInterrupts(WDFDEVICE device) {
    static CM_PARTIAL_RESOURCE_DESCRIPTOR resource;
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSPINLOCK spinLock;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = WdfWaitLockCreate(&attributes, &WaitLock);
    if (NT_SUCCESS(status))
        status = WdfSpinLockCreate(&attributes, &spinLock);
    if (!NT_SUCCESS(status))
        return status;
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.EvtInterruptEnable = OnSwitch;
    config.EvtInterruptDisable = OnSwitch;
    Make(device, PLAIN, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, NULL);
    Make(device, SECOND, &config);
    config.PassiveHandling = TRUE;
    Make(device, PASSIVE, &config);
    config.WaitLock = WaitLock;
    Make(device, PASSIVE_WITH_WAIT_LOCK, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.EvtInterruptWorkItem = OnDpc;
    Make(device, DPC_AND_WORK_ITEM, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.WaitLock = WaitLock;
    Make(device, WAIT_LOCK_AT_DIRQL, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, NULL);
    config.PassiveHandling = TRUE;
    config.SpinLock = spinLock;
    Make(device, SPIN_LOCK_AT_PASSIVE_LEVEL, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.InterruptRaw = &resource;
    Make(device, RAW_RESOURCE, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.InterruptTranslated = &resource;
    Make(device, TRANSLATED_RESOURCE, &config);
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.CanWakeDevice = TRUE;
    Make(device, WAKES, &config);
    return STATUS_SUCCESS;
}

/* Systems before Windows 8 do not handle interrupts at PASSIVE_LEVEL. */
#define NEEDS_PASSIVE_HANDLING()                  \
    do {                                          \
        if (Made[PASSIVE] == STATUS_NOT_SUPPORTED) \
            return PROBE_NOT_RUN;                 \
    } while (0)

/* An interrupt that is made after the start, which fails if nothing before it does. */
#define ANSWERS(status) \
    HOLDS(WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &interrupt) == (status))

PROBE(interrupts_are_made_while_their_device_is_added) {
    SUCCEEDS(Made[PLAIN]);
    SUCCEEDS(Made[SECOND]);
    HOLDS(Interrupts[PLAIN] != NULL && Interrupts[SECOND] != NULL);
    return 0;
}

PROBE(no_interrupt_is_made_for_a_started_device) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    ANSWERS(STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(an_interrupt_has_a_configuration_of_known_size) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.Size--;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    config.Size = 0;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(an_interrupt_is_configured_as_older_versions_did) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    /* Of KMDF 1.9 and 1.11: the size is taken, and the next question asked. */
    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.Size = 56;
    ANSWERS(STATUS_INVALID_DEVICE_STATE);
    config.Size = 96;
    ANSWERS(STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(an_interrupt_has_an_isr) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, NULL, OnDpc);
    ANSWERS(STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(the_size_of_a_configuration_is_looked_at_before_its_isr) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, NULL, OnDpc);
    config.Size++;
    ANSWERS(STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(the_isr_is_looked_at_before_the_attributes) {
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, NULL, OnDpc);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size++;
    HOLDS(WdfInterruptCreate(device, &config, &attributes, &interrupt) == STATUS_INVALID_PARAMETER);
    config.EvtInterruptIsr = OnInterrupt;
    HOLDS(WdfInterruptCreate(device, &config, &attributes, &interrupt) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(an_interrupt_has_a_parent_only_with_automatic_serialization) {
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    HOLDS(WdfInterruptCreate(device, &config, &attributes, &interrupt)
        == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    config.AutomaticSerialization = TRUE;
    HOLDS(WdfInterruptCreate(device, &config, &attributes, &interrupt) == STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(the_device_is_looked_at_before_the_rest_of_the_configuration) {
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, OnInterrupt, OnDpc);
    config.EvtInterruptWorkItem = OnDpc;
    config.CanWakeDevice = TRUE;
    ANSWERS(STATUS_INVALID_DEVICE_STATE);
    return 0;
}

PROBE(an_interrupt_has_a_dpc_or_a_work_item) {
    HOLDS(Made[DPC_AND_WORK_ITEM] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_wait_lock_is_not_for_dirql) {
    HOLDS(Made[WAIT_LOCK_AT_DIRQL] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_spin_lock_is_not_for_passive_handling) {
    NEEDS_PASSIVE_HANDLING();
    HOLDS(Made[SPIN_LOCK_AT_PASSIVE_LEVEL] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(an_added_device_has_no_resources_to_make_interrupts_of) {
    HOLDS(Made[RAW_RESOURCE] == STATUS_INVALID_PARAMETER);
    HOLDS(Made[TRANSLATED_RESOURCE] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(an_interrupt_that_wakes_is_made_of_a_resource) {
    HOLDS(Made[WAKES] == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(interrupts_are_numbered_as_they_are_made) {
    WDF_INTERRUPT_INFO info;

    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(Interrupts[PLAIN], &info);
    HOLDS(info.MessageNumber == 0);
    WdfInterruptGetInfo(Interrupts[SECOND], &info);
    HOLDS(info.MessageNumber == 1);
    return 0;
}

PROBE(an_interrupt_without_a_resource_has_nothing_to_tell) {
    WDF_INTERRUPT_INFO info;

    RtlFillMemory(&info, sizeof(info), 0xA5);
    info.Size = sizeof(info);
    WdfInterruptGetInfo(Interrupts[PLAIN], &info);
    HOLDS(info.Size == sizeof(info));
    HOLDS(info.Vector == 0 && info.Irql == 0 && info.TargetProcessorSet == 0 && info.Group == 0);
    HOLDS(info.Mode == LevelSensitive && !info.MessageSignaled && info.ShareDisposition == 0);
    return 0;
}

PROBE(an_older_version_is_told_less) {
    WDF_INTERRUPT_INFO info;

    RtlFillMemory(&info, sizeof(info), 0xA5);
    info.Size = FIELD_OFFSET(WDF_INTERRUPT_INFO, Group);
    WdfInterruptGetInfo(Interrupts[PLAIN], &info);
    HOLDS(info.Size == FIELD_OFFSET(WDF_INTERRUPT_INFO, Group));
    HOLDS(info.Vector == 0 && info.Group == 0xA5A5);
    return 0;
}

PROBE(an_interrupt_knows_its_device) {
    HOLDS(WdfInterruptGetDevice(Interrupts[PLAIN]) == device);
    HOLDS(WdfInterruptGetDevice(Interrupts[SECOND]) == device);
    return 0;
}

PROBE(an_interrupt_that_is_not_connected_has_no_kinterrupt) {
    HOLDS(WdfInterruptWdmGetInterrupt(Interrupts[PLAIN]) == NULL);
    return 0;
}

PROBE(an_interrupt_without_a_resource_is_neither_enabled_nor_disabled) {
    WdfInterruptDisable(Interrupts[PLAIN]);
    WdfInterruptEnable(Interrupts[PLAIN]);
    HOLDS(WdfInterruptWdmGetInterrupt(Interrupts[PLAIN]) == NULL);
    HOLDS(Switched == 0);
    return 0;
}

PROBE(a_policy_is_for_the_next_assignment) {
    WDF_INTERRUPT_EXTENDED_POLICY policy;
    WDF_INTERRUPT_INFO info;

    WdfInterruptSetPolicy(Interrupts[SECOND], WdfIrqPolicySpecifiedProcessors, WdfIrqPriorityHigh, 1);
    WdfInterruptSetPolicy(Interrupts[SECOND], WdfIrqPolicyMachineDefault, WdfIrqPriorityLow, 0);
    WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
    policy.Policy = WdfIrqPolicySpreadMessagesAcrossAllProcessors;
    policy.Priority = WdfIrqPriorityNormal;
    WdfInterruptSetExtendedPolicy(Interrupts[SECOND], &policy);
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(Interrupts[SECOND], &info);
    HOLDS(info.TargetProcessorSet == 0);
    return 0;
}

PROBE(passive_handling_has_its_lock_before_it_is_connected) {
    NEEDS_PASSIVE_HANDLING();
    SUCCEEDS(Made[PASSIVE]);
    WdfInterruptAcquireLock(Interrupts[PASSIVE]);
    HOLDS(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfInterruptReleaseLock(Interrupts[PASSIVE]);
    HOLDS(WdfInterruptTryToAcquireLock(Interrupts[PASSIVE]));
    WdfInterruptReleaseLock(Interrupts[PASSIVE]);
    return 0;
}

PROBE(passive_handling_takes_the_drivers_wait_lock) {
    LONGLONG at_once = 0;

    NEEDS_PASSIVE_HANDLING();
    SUCCEEDS(Made[PASSIVE_WITH_WAIT_LOCK]);
    HOLDS(WdfInterruptTryToAcquireLock(Interrupts[PASSIVE_WITH_WAIT_LOCK]));
    WdfInterruptReleaseLock(Interrupts[PASSIVE_WITH_WAIT_LOCK]);
    SUCCEEDS(WdfWaitLockAcquire(WaitLock, &at_once));
    WdfWaitLockRelease(WaitLock);
    return 0;
}

GROUP(interrupts, PROBES_INTERRUPTS)
