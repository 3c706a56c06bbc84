/* A driver for a PCI card with I/O ports and MSI-X: it says what its bus driver does, and where that is not what
 * it should be. What holds in kmdf-host is meant to hold on Windows, with such a card. */

#include "driver.h"

/* EVT_WDF_INTERRUPT_ISR */
static BOOLEAN Isr(WDFINTERRUPT interrupt, ULONG message) {
    CARD *card = CardOf(WdfInterruptGetDevice(interrupt));

    if (message < CARD_MESSAGES)
        InterlockedIncrement(&card->Came[message]);
    return TRUE;
}

BOOLEAN Ring(CARD *card, ULONG message) {
    LARGE_INTEGER interval;
    LONG before = card->Came[message];
    ULONG tries;

    WRITE_PORT_ULONG((ULONG *)(card->Ports + CARD_RING), message);
    interval.QuadPart = WDF_REL_TIMEOUT_IN_MS(1);
    for (tries = 0; card->Came[message] == before; tries++) {
        if (tries == 10)
            return FALSE;
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    return card->Came[message] == before + 1;
}

/* EVT_WDF_DEVICE_PREPARE_HARDWARE */
static NTSTATUS PrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    CARD *card = CardOf(device);
    ULONG index;

    card->Messages = 0;
    for (index = 0; index < WdfCmResourceListGetCount(translated); index++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR one = WdfCmResourceListGetDescriptor(translated, index);
        PCM_PARTIAL_RESOURCE_DESCRIPTOR bus = WdfCmResourceListGetDescriptor(raw, index);

        switch (one->Type) {
        case CmResourceTypePort:
            card->Ports = (ULONG_PTR)one->u.Port.Start.QuadPart;
            if (one->u.Port.Length != 32 || bus->u.Port.Start.QuadPart != one->u.Port.Start.QuadPart
                || !(one->Flags & CM_RESOURCE_PORT_IO))
                return STATUS_DEVICE_CONFIGURATION_ERROR;
            break;
        case CmResourceTypeMemory:
            card->RawMemory = bus->u.Memory.Start;
            card->Translated = one->u.Memory.Start;
            card->Length = one->u.Memory.Length;
            card->Memory = MmMapIoSpaceEx(one->u.Memory.Start, card->Length, PAGE_READWRITE | PAGE_NOCACHE);
            break;
        case CmResourceTypeInterrupt:
            if (!(one->Flags & CM_RESOURCE_INTERRUPT_MESSAGE))
                break;
            if (bus->u.MessageInterrupt.Raw.MessageCount != 1)
                return STATUS_DEVICE_CONFIGURATION_ERROR;
            card->Messages++;
            break;
        }
    }
    return card->Ports != 0 && card->Memory != NULL ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

/* EVT_WDF_DEVICE_RELEASE_HARDWARE */
static NTSTATUS ReleaseHardware(WDFDEVICE device, WDFCMRESLIST translated) {
    CARD *card = CardOf(device);

    UNREFERENCED_PARAMETER(translated);
    if (card->Memory != NULL)
        MmUnmapIoSpace(card->Memory, card->Length);
    card->Memory = NULL;
    card->Ports = 0;
    return STATUS_SUCCESS;
}

/* Whether a text of a length is that name. */
static BOOLEAN IsName(const char *name, const char *text, size_t length) {
    size_t at;

    for (at = 0; at < length; at++)
        if (name[at] == '\0' || name[at] != text[at])
            return FALSE;
    return name[length] == '\0';
}

static const CHECK *Find(const char *name, size_t length) {
    static const CHECK *const all[] = {ConfigChecks, MessageChecks, PortChecks, IrpChecks, KernelChecks, ThreadChecks,
        WmiChecks, TextChecks, ExceptionChecks, ObjectChecks};
    const CHECK *check;
    ULONG list;

    for (list = 0; list < RTL_NUMBER_OF(all); list++)
        for (check = all[list]; check->Run != NULL; check++)
            if (IsName(check->Name, name, length))
                return check;
    return NULL;
}

/* IOCTL_CARD_CHECK */
static NTSTATUS Check(WDFDEVICE device, WDFREQUEST request, ULONG *answer) {
    const CHECK *check;
    const char *name;
    size_t length;
    NTSTATUS status = WdfRequestRetrieveInputBuffer(request, 1, (PVOID *)&name, &length);

    if (!NT_SUCCESS(status))
        return status;
    check = Find(name, length);
    if (check == NULL)
        return STATUS_NOT_FOUND;
    CardOf(device)->Request = request;
    *answer = check->Run(device);
    return STATUS_SUCCESS;
}

/* IOCTL_CARD_RING */
static NTSTATUS RingAll(CARD *card, ULONG *answer) {
    ULONG message;

    for (message = 0; message < card->Messages; message++)
        if (!Ring(card, message))
            return STATUS_IO_TIMEOUT;
    *answer = card->Messages;
    return STATUS_SUCCESS;
}

/* EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL */
static void OnControl(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code) {
    WDFDEVICE device = WdfIoQueueGetDevice(queue);
    ULONG *out, answer = 0;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    UNREFERENCED_PARAMETER(output);
    UNREFERENCED_PARAMETER(input);
    if (code == IOCTL_CARD_CHECK)
        status = Check(device, request, &answer);
    else if (code == IOCTL_CARD_RING)
        status = RingAll(CardOf(device), &answer);
    else if (code == IOCTL_CARD_SIGNAL)
        status = Signal(request);
    if (NT_SUCCESS(status))
        status = WdfRequestRetrieveOutputBuffer(request, sizeof(*out), (PVOID *)&out, NULL);
    if (NT_SUCCESS(status))
        *out = answer;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(answer) : 0);
}

static NTSTATUS CreateInterrupts(WDFDEVICE device) {
    CARD *card = CardOf(device);
    WDF_INTERRUPT_EXTENDED_POLICY policy;
    WDF_INTERRUPT_CONFIG config;
    NTSTATUS status;
    ULONG message;

    for (message = 0; message < CARD_MESSAGES; message++) {
        WDF_INTERRUPT_CONFIG_INIT(&config, Isr, NULL);
        status = WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &card->Interrupts[message]);
        if (!NT_SUCCESS(status))
            return status;
    }
    WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
    policy.Policy = WdfIrqPolicySpecifiedProcessors;
    policy.Priority = WdfIrqPriorityNormal;
    policy.TargetProcessorSetAndGroup.Mask = 2;
    WdfInterruptSetExtendedPolicy(card->Interrupts[2], &policy);
    return STATUS_SUCCESS;
}

/* EVT_WDF_DRIVER_DEVICE_ADD */
static NTSTATUS DeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = PrepareHardware;
    callbacks.EvtDeviceReleaseHardware = ReleaseHardware;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    status = WdfDeviceInitAssignWdmIrpPreprocessCallback(init, Preprocess, IRP_MJ_DEVICE_CONTROL, NULL, 0);
    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CARD);
    /* Checks wait. */
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = CreateInterrupts(device);
    if (!NT_SUCCESS(status))
        return status;
    status = OfferInterface(device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = OnControl;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    if (!NT_SUCCESS(status))
        return status;
    return WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_CARD, NULL);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, DeviceAdd);
    return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
