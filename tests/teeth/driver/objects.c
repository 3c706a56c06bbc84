/* Handles, parents, references, lifetimes. */
#include "teeth.h"

/* Requests have no level of their own. */
BOOLEAN names_a_level_for_requests(MOMENT *m) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    WdfDeviceInitSetRequestAttributes(m->Init, &attributes);
    return FALSE;
}

BOOLEAN names_a_parent_for_requests(MOMENT *m) {
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = m->Driver;
    WdfDeviceInitSetRequestAttributes(m->Init, &attributes);
    return FALSE;
}

BOOLEAN mistakes_a_handle(MOMENT *m) {
    WdfSpinLockAcquire((WDFSPINLOCK)m->Context->WaitLock);
    return FALSE;
}

BOOLEAN uses_a_deleted_lock(MOMENT *m) {
    WDFSPINLOCK lock;
    UNREFERENCED_PARAMETER(m);
    if (!NT_SUCCESS(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock)))
        return FALSE;
    WdfObjectDelete(lock);
    WdfSpinLockAcquire(lock);
    return FALSE;
}

BOOLEAN deletes_its_interrupt(MOMENT *m) {
    WdfObjectDelete(m->Context->Interrupt);
    return FALSE;
}

BOOLEAN dereferences_once_too_often(MOMENT *m) {
    WdfObjectReference(m->Context->Lock);
    WdfObjectDereference(m->Context->Lock);
    WdfObjectDereference(m->Context->Lock);
    return FALSE;
}

/* A reference that nobody gives back: the object outlives the driver. */
BOOLEAN keeps_a_reference(MOMENT *m) {
    WdfObjectReference(m->Context->Lock);
    return FALSE;
}

/* EvtDriverDeviceAdd ends with success before there is a device. */
BOOLEAN succeeds_without_a_device(MOMENT *m) {
    m->Status = STATUS_SUCCESS;
    return TRUE;
}

static PWDFDEVICE_INIT Consumed;

BOOLEAN keeps_device_init(MOMENT *m) {
    WDFDEVICE device;
    Consumed = m->Init;
    m->Status = WdfDeviceCreate(&m->Init, WDF_NO_OBJECT_ATTRIBUTES, &device);
    WdfDeviceInitSetIoType(Consumed, WdfDeviceIoDirect);
    return TRUE;
}

BOOLEAN finishes_a_device_of_pnp(MOMENT *m) {
    WdfControlFinishInitializing(m->Context->Device);
    return FALSE;
}

/* PnP knows nothing of a control device: the framework has no state to tell. */
BOOLEAN tells_pnp_of_a_control_device(MOMENT *m) {
    DECLARE_CONST_UNICODE_STRING(security, L"D:P(A;;GA;;;SY)");
    WDF_DEVICE_STATE state;
    WDFDEVICE control;
    PWDFDEVICE_INIT init =
        WdfControlDeviceInitAllocate(WdfDeviceGetDriver(m->Context->Device), &security);
    if (!init || !NT_SUCCESS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control)))
        return FALSE;
    WDF_DEVICE_STATE_INIT(&state);
    state.Failed = WdfTrue;
    WdfDeviceSetDeviceState(control, &state);
    return FALSE;
}

static KDPC PlainDpc;
static KEVENT PlainEvent;
static KTIMER PlainTimer;

BOOLEAN queues_a_dpc_it_did_not_initialize(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeInsertQueueDpc(&PlainDpc, NULL, NULL);
    return FALSE;
}

BOOLEAN sets_an_event_it_did_not_initialize(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeSetEvent(&PlainEvent, IO_NO_INCREMENT, FALSE);
    return FALSE;
}

BOOLEAN cancels_a_timer_it_did_not_initialize(MOMENT *m) {
    UNREFERENCED_PARAMETER(m);
    KeCancelTimer(&PlainTimer);
    return FALSE;
}

BOOLEAN frees_a_work_item_it_did_not_allocate(MOMENT *m) {
    IoFreeWorkItem((PIO_WORKITEM)m->Context->Scratch);
    return FALSE;
}

/* Its parent is the driver: it is closed when that goes, and one more is open for each device. */
BOOLEAN leaves_a_registry_key_open(MOMENT *m) {
    WDFKEY key;
    WdfDeviceOpenRegistryKey(
        m->Context->Device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, WDF_NO_OBJECT_ATTRIBUTES, &key);
    return FALSE;
}
