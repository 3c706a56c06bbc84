/* Probes of DPCs and work items. */

#include "group.h"

static ULONG Calls;
static KIRQL Irql;

static EVT_WDF_DPC OnDpc;
static void OnDpc(WDFDPC dpc) {
    Irql = KeGetCurrentIrql();
    Calls++;
}

static EVT_WDF_WORKITEM OnWork;
static void OnWork(WDFWORKITEM item) {
    Irql = KeGetCurrentIrql();
    Calls++;
}

static EVT_WDF_WORKITEM OnWorkTwice;
static void OnWorkTwice(WDFWORKITEM item) {
    Calls++;
    if (Calls == 1)
        WdfWorkItemEnqueue(item);
}

static void ConfigureDpc(WDFOBJECT parent, PWDF_DPC_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes) {
    Calls = 0;
    WDF_DPC_CONFIG_INIT(config, OnDpc);
    config->AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(attributes);
    attributes->ParentObject = parent;
}

static void ConfigureWork(
    WDFOBJECT parent, PWDF_WORKITEM_CONFIG config, PWDF_OBJECT_ATTRIBUTES attributes) {
    Calls = 0;
    WDF_WORKITEM_CONFIG_INIT(config, OnWork);
    config->AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(attributes);
    attributes->ParentObject = parent;
}

static NTSTATUS CreateDpc(WDFOBJECT parent, WDFDPC *dpc) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DPC_CONFIG config;

    ConfigureDpc(parent, &config, &attributes);
    return WdfDpcCreate(&config, &attributes, dpc);
}

static NTSTATUS CreateWork(WDFOBJECT parent, WDFWORKITEM *item) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;

    ConfigureWork(parent, &config, &attributes);
    return WdfWorkItemCreate(&config, &attributes, item);
}

PROBE(a_dpc_needs_a_parent) {
    WDF_DPC_CONFIG config;
    WDFDPC dpc;

    HOLDS(CreateDpc(NULL, &dpc) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    WDF_DPC_CONFIG_INIT(&config, OnDpc);
    HOLDS(WdfDpcCreate(&config, NULL, &dpc) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    return 0;
}

PROBE(the_config_of_a_dpc_has_a_known_size) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DPC_CONFIG config;
    WDFDPC dpc;

    ConfigureDpc(device, &config, &attributes);
    config.Size = 1;
    attributes.ExecutionLevel = WdfExecutionLevelDispatch;
    HOLDS(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_dpc_has_neither_level_nor_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DPC_CONFIG config;
    WDFDPC dpc;

    ConfigureDpc(device, &config, &attributes);
    attributes.ExecutionLevel = WdfExecutionLevelDispatch;
    HOLDS(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(a_dpc_is_below_a_device) {
    WDFDPC dpc;

    HOLDS(CreateDpc(WdfGetDriver(), &dpc) == STATUS_INVALID_DEVICE_REQUEST);
    return 0;
}

PROBE(a_dpc_needs_no_function) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DPC_CONFIG config;
    WDFDPC dpc;

    ConfigureDpc(device, &config, &attributes);
    config.EvtDpcFunc = NULL;
    SUCCEEDS(WdfDpcCreate(&config, &attributes, &dpc));
    HOLDS(WdfDpcEnqueue(dpc));
    WdfDpcCancel(dpc, TRUE);
    WdfObjectDelete(dpc);
    return 0;
}

PROBE(a_dpc_leads_to_its_parent) {
    WDFDPC dpc;

    SUCCEEDS(CreateDpc(device, &dpc));
    HOLDS(WdfDpcGetParentObject(dpc) == device);
    WdfObjectDelete(dpc);
    return 0;
}

PROBE(a_dpc_runs_at_dispatch_level) {
    WDFDPC dpc;

    SUCCEEDS(CreateDpc(device, &dpc));
    HOLDS(WdfDpcEnqueue(dpc));
    /* What is not queued any more is waited for. */
    WdfDpcCancel(dpc, TRUE);
    HOLDS(Calls == 0 || Irql == DISPATCH_LEVEL);
    HOLDS(WdfDpcEnqueue(dpc));
    WdfObjectDelete(dpc);
    HOLDS(Calls >= 1 && Irql == DISPATCH_LEVEL);
    return 0;
}

PROBE(a_dpc_is_queued_once_and_taken_back_once) {
    WDFSPINLOCK lock;
    WDFDPC dpc;
    BOOLEAN first, second, taken, again;

    SUCCEEDS(CreateDpc(device, &dpc));
    SUCCEEDS(WdfSpinLockCreate(NULL, &lock));
    /* At DISPATCH_LEVEL no DPC runs on this processor, where it is queued. */
    WdfSpinLockAcquire(lock);
    first = WdfDpcEnqueue(dpc);
    second = WdfDpcEnqueue(dpc);
    taken = WdfDpcCancel(dpc, FALSE);
    again = WdfDpcCancel(dpc, FALSE);
    WdfSpinLockRelease(lock);
    HOLDS(first && !second && taken && !again);
    HOLDS(Calls == 0);
    WdfObjectDelete(lock);
    WdfObjectDelete(dpc);
    return 0;
}

PROBE(a_work_item_needs_a_parent) {
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    HOLDS(CreateWork(NULL, &item) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    WDF_WORKITEM_CONFIG_INIT(&config, OnWork);
    HOLDS(WdfWorkItemCreate(&config, NULL, &item) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    return 0;
}

PROBE(the_config_of_a_work_item_has_a_known_size) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    ConfigureWork(device, &config, &attributes);
    config.Size = 1;
    HOLDS(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(a_work_item_needs_a_function) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    ConfigureWork(device, &config, &attributes);
    config.EvtWorkItemFunc = NULL;
    HOLDS(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_INVALID_PARAMETER);
    /* It is missed before the attributes are looked at. */
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_work_item_has_neither_level_nor_scope) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    ConfigureWork(device, &config, &attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    HOLDS(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    HOLDS(WdfWorkItemCreate(&config, &attributes, &item) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    return 0;
}

PROBE(a_work_item_is_below_a_device) {
    WDFWORKITEM item;

    HOLDS(CreateWork(WdfGetDriver(), &item) == STATUS_INVALID_DEVICE_REQUEST);
    return 0;
}

PROBE(a_work_item_leads_to_its_parent) {
    WDFWORKITEM item;

    SUCCEEDS(CreateWork(device, &item));
    HOLDS(WdfWorkItemGetParentObject(item) == device);
    WdfObjectDelete(item);
    return 0;
}

PROBE(a_flushed_work_item_has_run_at_passive_level) {
    WDFWORKITEM item;

    SUCCEEDS(CreateWork(device, &item));
    WdfWorkItemEnqueue(item);
    WdfWorkItemFlush(item);
    HOLDS(Calls == 1 && Irql == PASSIVE_LEVEL);
    WdfObjectDelete(item);
    return 0;
}

PROBE(a_work_item_that_is_not_queued_is_not_waited_for) {
    WDFWORKITEM item;

    SUCCEEDS(CreateWork(device, &item));
    WdfWorkItemFlush(item);
    HOLDS(Calls == 0);
    WdfObjectDelete(item);
    return 0;
}

PROBE(a_work_item_queues_itself_while_it_runs) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;

    ConfigureWork(device, &config, &attributes);
    config.EvtWorkItemFunc = OnWorkTwice;
    SUCCEEDS(WdfWorkItemCreate(&config, &attributes, &item));
    WdfWorkItemEnqueue(item);
    WdfWorkItemFlush(item);
    HOLDS(Calls == 2);
    WdfObjectDelete(item);
    return 0;
}

PROBE(a_work_item_has_run_before_it_is_deleted) {
    WDFWORKITEM item;

    SUCCEEDS(CreateWork(device, &item));
    WdfWorkItemEnqueue(item);
    WdfObjectDelete(item);
    HOLDS(Calls == 1);
    return 0;
}

GROUP(deferred, PROBES_DEFERRED)
