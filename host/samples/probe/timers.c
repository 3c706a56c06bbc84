/* Probes of timers. */

#include "group.h"

/* How often the timer's function was called, at which IRQL last, and that it was as often as expected. */
static ULONG Calls, Expected;
static KIRQL Irql;
static KEVENT Done;

static EVT_WDF_TIMER OnTimer;
static void OnTimer(WDFTIMER timer) {
    Irql = KeGetCurrentIrql();
    Calls++;
    if (Calls == Expected)
        KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

static void Expect(ULONG calls) {
    Calls = 0;
    Expected = calls;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
}

/* Whether the timer's function is called as often as expected. */
static BOOLEAN Comes(void) {
    LARGE_INTEGER limit;

    limit.QuadPart = WDF_REL_TIMEOUT_IN_SEC(10);
    return KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, &limit) == STATUS_SUCCESS;
}

static void Sleep(ULONG milliseconds) {
    LARGE_INTEGER interval;

    interval.QuadPart = WDF_REL_TIMEOUT_IN_MS(milliseconds);
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static void Configure(WDFDEVICE device, PWDF_TIMER_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes) {
    WDF_TIMER_CONFIG_INIT(config, OnTimer);
    config->AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(attributes);
    attributes->ParentObject = device;
}

/* A timer whose function is OnTimer. */
static NTSTATUS Create(WDFDEVICE device, WDFTIMER *timer) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;

    Configure(device, &config, &attributes);
    return WdfTimerCreate(&config, &attributes, timer);
}

PROBE(a_timer_needs_a_parent) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(NULL, &config, &attributes);
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    HOLDS(WdfTimerCreate(&config, NULL, &timer) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    return 0;
}

PROBE(the_parent_of_a_timer_is_missed_before_its_config) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(NULL, &config, &attributes);
    config.Size = 1;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    return 0;
}

PROBE(the_config_of_a_timer_has_a_known_size) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    config.Size = 1;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(the_period_of_a_timer_has_31_bits) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    config.Period = 0x80000000;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_timer_is_tolerant_or_of_high_resolution) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    config.TolerableDelay = 10;
    config.UseHighResolutionTimer = TRUE;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_timer_has_no_synchronization_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(a_passive_timer_has_no_period) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    config.Period = 10;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_NOT_SUPPORTED);
    return 0;
}

PROBE(a_timer_is_below_a_device) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    attributes.ParentObject = WdfGetDriver();
    HOLDS(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INVALID_DEVICE_REQUEST);
    return 0;
}

PROBE(a_timer_needs_no_function) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Configure(device, &config, &attributes);
    config.EvtTimerFunc = NULL;
    SUCCEEDS(WdfTimerCreate(&config, &attributes, &timer));
    HOLDS(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1)));
    Sleep(50);
    HOLDS(!WdfTimerStop(timer, TRUE));
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_timer_leads_to_its_parent) {
    WDFTIMER timer;

    SUCCEEDS(Create(device, &timer));
    HOLDS(WdfTimerGetParentObject(timer) == device);
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_timer_that_is_not_set_is_not_stopped) {
    WDFTIMER timer;

    SUCCEEDS(Create(device, &timer));
    HOLDS(!WdfTimerStop(timer, FALSE));
    HOLDS(!WdfTimerStop(timer, TRUE));
    WdfObjectDelete(timer);
    return 0;
}

PROBE(starting_and_stopping_say_whether_the_timer_was_set) {
    WDFTIMER timer;

    SUCCEEDS(Create(device, &timer));
    HOLDS(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(100)));
    HOLDS(WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_SEC(100)));
    HOLDS(WdfTimerStop(timer, TRUE));
    HOLDS(!WdfTimerStop(timer, TRUE));
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_timer_runs_at_dispatch_level) {
    WDFTIMER timer;

    Expect(1);
    SUCCEEDS(Create(device, &timer));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    HOLDS(Comes() && Irql == DISPATCH_LEVEL);
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_passive_timer_runs_at_passive_level) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Expect(1);
    Configure(device, &config, &attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    SUCCEEDS(WdfTimerCreate(&config, &attributes, &timer));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    HOLDS(Comes() && Irql == PASSIVE_LEVEL);
    WdfTimerStop(timer, TRUE);
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_periodic_timer_runs_again) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;
    WDFTIMER timer;

    Expect(3);
    Configure(device, &config, &attributes);
    config.Period = 20;
    SUCCEEDS(WdfTimerCreate(&config, &attributes, &timer));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    HOLDS(Comes());
    HOLDS(WdfTimerStop(timer, TRUE));
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_stopped_timer_does_not_run) {
    WDFTIMER timer;

    Expect(1);
    SUCCEEDS(Create(device, &timer));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(100));
    HOLDS(WdfTimerStop(timer, TRUE));
    Sleep(200);
    HOLDS(Calls == 0);
    WdfObjectDelete(timer);
    return 0;
}

PROBE(a_deleted_timer_does_not_run) {
    WDFTIMER timer;

    Expect(1);
    SUCCEEDS(Create(device, &timer));
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(100));
    WdfObjectDelete(timer);
    Sleep(200);
    HOLDS(Calls == 0);
    return 0;
}

GROUP(timers, PROBES_TIMERS)
