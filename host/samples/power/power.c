/* A driver with every callback of PnP and power that a PCI function's driver has: it says where the
 * framework's machines stand, and fails in the callback that the registry names. */

#include <ntddk.h>
#include <wdf.h>

/* The callbacks, by the numbers that the value "Fail" has. */
enum {
    PREPARE_HARDWARE = 1,
    D0_ENTRY,
    INTERRUPT_ENABLE,
    POST_INTERRUPTS_ENABLED,
    IO_INIT,
    IO_RESTART,
    IO_SUSPEND,
    PRE_INTERRUPTS_DISABLED,
    INTERRUPT_DISABLE,
    D0_EXIT,
    RELEASE_HARDWARE,
    QUERY_STOP,
    QUERY_REMOVE,
};

/* BAR 0 of the sample toaster: how dark, which 0 ends, and whether it has popped up. */
#define DARKNESS 4
#define POPPED 8

typedef struct {
    /* The callback that fails, and how often it succeeds before. */
    ULONG Fail;
    ULONG Before;
    PUCHAR Registers;
    SIZE_T Length;
} STEPS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(STEPS, StepsOf)

/* Whether the device can be kept in D0. */
static NTSTATUS CanStopIdle(WDFDEVICE device) {
    NTSTATUS status = WdfDeviceStopIdle(device, FALSE);

    if (NT_SUCCESS(status))
        WdfDeviceResumeIdle(device);
    return status;
}

static NTSTATUS Step(WDFDEVICE device, ULONG step) {
    STEPS *steps = StepsOf(device);

    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        DbgPrint("%x %x %x %x\n", WdfDeviceGetDevicePnpState(device), WdfDeviceGetDevicePowerState(device),
            WdfDeviceGetDevicePowerPolicyState(device), CanStopIdle(device));
    if (steps->Fail != step || steps->Before-- != 0)
        return STATUS_SUCCESS;
    steps->Fail = 0;
    return STATUS_UNSUCCESSFUL;
}

static NTSTATUS OnPrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    STEPS *steps = StepsOf(device);
    ULONG index;

    UNREFERENCED_PARAMETER(raw);
    for (index = 0; index < WdfCmResourceListGetCount(translated); index++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR resource = WdfCmResourceListGetDescriptor(translated, index);

        if (resource->Type != CmResourceTypeMemory)
            continue;
        steps->Length = resource->u.Memory.Length;
        steps->Registers = (PUCHAR)MmMapIoSpaceEx(
            resource->u.Memory.Start, steps->Length, PAGE_READWRITE | PAGE_NOCACHE);
    }
    if (steps->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    return Step(device, PREPARE_HARDWARE);
}

static NTSTATUS OnReleaseHardware(WDFDEVICE device, WDFCMRESLIST translated) {
    STEPS *steps = StepsOf(device);

    UNREFERENCED_PARAMETER(translated);
    if (steps->Registers != NULL)
        MmUnmapIoSpace(steps->Registers, steps->Length);
    steps->Registers = NULL;
    return Step(device, RELEASE_HARDWARE);
}

static NTSTATUS OnD0Entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE from) {
    UNREFERENCED_PARAMETER(from);
    return Step(device, D0_ENTRY);
}

static NTSTATUS OnPostInterruptsEnabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE from) {
    UNREFERENCED_PARAMETER(from);
    return Step(device, POST_INTERRUPTS_ENABLED);
}

static NTSTATUS OnPreInterruptsDisabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE to) {
    UNREFERENCED_PARAMETER(to);
    return Step(device, PRE_INTERRUPTS_DISABLED);
}

static NTSTATUS OnD0Exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE to) {
    UNREFERENCED_PARAMETER(to);
    return Step(device, D0_EXIT);
}

static NTSTATUS OnIoInit(WDFDEVICE device) {
    return Step(device, IO_INIT);
}

static NTSTATUS OnIoRestart(WDFDEVICE device) {
    return Step(device, IO_RESTART);
}

static NTSTATUS OnIoSuspend(WDFDEVICE device) {
    return Step(device, IO_SUSPEND);
}

static NTSTATUS OnQueryStop(WDFDEVICE device) {
    return Step(device, QUERY_STOP);
}

static NTSTATUS OnQueryRemove(WDFDEVICE device) {
    return Step(device, QUERY_REMOVE);
}

/* Those that cannot fail. */
static void OnIoFlush(WDFDEVICE device) {
    Step(device, 0);
}

static void OnIoCleanup(WDFDEVICE device) {
    Step(device, 0);
}

static void OnSurpriseRemoval(WDFDEVICE device) {
    Step(device, 0);
}

/* EVT_WDF_INTERRUPT_ISR. On a shared line it is called for others too, and where the interrupt stays
 * connected in Dx, too: then the registers read all ones. */
static BOOLEAN Isr(WDFINTERRUPT interrupt, ULONG message) {
    STEPS *steps = StepsOf(WdfInterruptGetDevice(interrupt));

    UNREFERENCED_PARAMETER(message);
    if (READ_REGISTER_ULONG((volatile ULONG *)(steps->Registers + POPPED)) != 1)
        return FALSE;
    WRITE_REGISTER_ULONG((volatile ULONG *)(steps->Registers + DARKNESS), 0);
    return TRUE;
}

static NTSTATUS OnEnable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    UNREFERENCED_PARAMETER(interrupt);
    return Step(device, INTERRUPT_ENABLE);
}

static NTSTATUS OnDisable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    UNREFERENCED_PARAMETER(interrupt);
    return Step(device, INTERRUPT_DISABLE);
}

/* A value of the hardware key, 0 without it. */
static ULONG Setting(WDFKEY key, PCUNICODE_STRING name) {
    ULONG value = 0;

    return key != NULL && NT_SUCCESS(WdfRegistryQueryULong(key, name, &value)) ? value : 0;
}

static NTSTATUS OnDeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    DECLARE_CONST_UNICODE_STRING(failName, L"Fail");
    DECLARE_CONST_UNICODE_STRING(beforeName, L"Before");
    DECLARE_CONST_UNICODE_STRING(notPageableName, L"NotPageable");
    DECLARE_CONST_UNICODE_STRING(inactiveName, L"ReportInactive");
    DECLARE_CONST_UNICODE_STRING(staysName, L"CannotStop");
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFINTERRUPT interrupt;
    WDFDEVICE device;
    WDFKEY key = NULL;
    STEPS *steps;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    (void)WdfFdoInitOpenRegistryKey(init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = OnPrepareHardware;
    callbacks.EvtDeviceReleaseHardware = OnReleaseHardware;
    callbacks.EvtDeviceD0Entry = OnD0Entry;
    callbacks.EvtDeviceD0EntryPostInterruptsEnabled = OnPostInterruptsEnabled;
    callbacks.EvtDeviceD0ExitPreInterruptsDisabled = OnPreInterruptsDisabled;
    callbacks.EvtDeviceD0Exit = OnD0Exit;
    callbacks.EvtDeviceSelfManagedIoInit = OnIoInit;
    callbacks.EvtDeviceSelfManagedIoRestart = OnIoRestart;
    callbacks.EvtDeviceSelfManagedIoSuspend = OnIoSuspend;
    callbacks.EvtDeviceSelfManagedIoFlush = OnIoFlush;
    callbacks.EvtDeviceSelfManagedIoCleanup = OnIoCleanup;
    callbacks.EvtDeviceSurpriseRemoval = OnSurpriseRemoval;
    callbacks.EvtDeviceQueryStop = OnQueryStop;
    callbacks.EvtDeviceQueryRemove = OnQueryRemove;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    if (Setting(key, &notPageableName))
        WdfDeviceInitSetPowerNotPageable(init);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, STEPS);
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status)) {
        if (key != NULL)
            WdfRegistryClose(key);
        return status;
    }
    steps = StepsOf(device);
    steps->Fail = Setting(key, &failName);
    steps->Before = Setting(key, &beforeName);
    WDF_INTERRUPT_CONFIG_INIT(&config, Isr, NULL);
    config.EvtInterruptEnable = OnEnable;
    config.EvtInterruptDisable = OnDisable;
    config.ReportInactiveOnPowerDown = Setting(key, &inactiveName) ? WdfTrue : WdfUseDefault;
    if (Setting(key, &staysName))
        WdfDeviceSetStaticStopRemove(device, FALSE);
    if (key != NULL)
        WdfRegistryClose(key);
    return WdfInterruptCreate(device, &config, NULL, &interrupt);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, OnDeviceAdd);
    return WdfDriverCreate(object, path, NULL, &config, NULL);
}
