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

static PWDFDEVICE_INIT ControlInit(WDFDRIVER driver) {
    DECLARE_CONST_UNICODE_STRING(security, L"D:P(A;;GA;;;SY)");
    return WdfControlDeviceInitAllocate(driver, &security);
}

/* A control device that nobody has finished, or NULL. */
static WDFDEVICE Control(WDFDRIVER driver) {
    PWDFDEVICE_INIT init = ControlInit(driver);
    WDFDEVICE control;
    if (!init)
        return NULL;
    if (NT_SUCCESS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control)))
        return control;
    WdfDeviceInitFree(init);
    return NULL;
}

BOOLEAN frees_an_init_twice(MOMENT *m) {
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device));
    if (!init)
        return FALSE;
    WdfDeviceInitFree(init);
    WdfDeviceInitFree(init);
    return FALSE;
}

BOOLEAN creates_a_device_from_a_freed_init(MOMENT *m) {
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device));
    WDFDEVICE control;
    if (!init)
        return FALSE;
    WdfDeviceInitFree(init);
    (void)WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control);
    return FALSE;
}

/* The path on which something else fails forgets WdfDeviceInitFree. */
BOOLEAN forgets_an_init(MOMENT *m) {
    (void)ControlInit(WdfDeviceGetDriver(m->Context->Device));
    return FALSE;
}

/* The device gets a name that the system chooses, and nobody hears of that. */
BOOLEAN creates_a_device_that_was_not_given_its_name(MOMENT *m) {
    UNICODE_STRING half = {3, 4, (PWSTR)L"ab"};
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device));
    WDFDEVICE control;
    if (!init)
        return FALSE;
    (void)WdfDeviceInitAssignName(init, &half);
    (void)WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control);
    return FALSE;
}

/* There is no security without a name. */
BOOLEAN forgets_the_init_of_a_device_it_did_not_get(MOMENT *m) {
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device));
    WDFDEVICE control;
    if (!init)
        return FALSE;
    WdfDeviceInitSetCharacteristics(init, 0, FALSE);
    (void)WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control);
    return FALSE;
}

BOOLEAN changes_the_init_of_a_control_device(MOMENT *m) {
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device)), kept = init;
    WDFDEVICE control;
    if (init && NT_SUCCESS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control)))
        WdfDeviceInitSetExclusive(kept, TRUE);
    return FALSE;
}

BOOLEAN invents_an_init(MOMENT *m) {
    PWDFDEVICE_INIT init = m->Context->Scratch;
    WDFDEVICE control;
    (void)WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control);
    return FALSE;
}

/* WdfDeviceCreate has succeeded, and the path of errors is taken for another reason. */
BOOLEAN frees_the_init_of_a_device(MOMENT *m) {
    PWDFDEVICE_INIT init = ControlInit(WdfDeviceGetDriver(m->Context->Device));
    WDFDEVICE control;
    if (init && NT_SUCCESS(WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &control)))
        WdfDeviceInitFree(init);
    return FALSE;
}

/* Nobody can open it. */
BOOLEAN does_not_finish_its_control_device(MOMENT *m) {
    (void)Control(WdfDeviceGetDriver(m->Context->Device));
    return FALSE;
}

BOOLEAN never_finishes_the_control_device_of_its_entry(MOMENT *m) {
    (void)Control(m->Driver);
    return FALSE;
}

/* Nothing is called when the device goes that could delete the control device. */
BOOLEAN hears_nothing_of_its_end(MOMENT *m) {
    WDFDEVICE device, control;
    m->Status = WdfDeviceCreate(&m->Init, WDF_NO_OBJECT_ATTRIBUTES, &device);
    control = Control(m->Driver);
    if (control)
        WdfControlFinishInitializing(control);
    return TRUE;
}

BOOLEAN never_deletes_its_control_device(MOMENT *m) {
    WDFDEVICE control = Control(WdfDeviceGetDriver(m->Context->Device));
    if (control)
        WdfControlFinishInitializing(control);
    return FALSE;
}

/* The framework's dispatch routines do not know it. */
BOOLEAN creates_a_device_without_the_framework(MOMENT *m) {
    PDEVICE_OBJECT object;
    WDFDRIVER driver = WdfDeviceGetDriver(m->Context->Device);
    (void)IoCreateDevice(WdfDriverWdmGetDriverObject(driver), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &object);
    return FALSE;
}
