/* A driver for virtio-rng-pci by its legacy interface: registers in I/O ports, one queue in memory, a message for
 * the queue and one for the configuration, or one for both, or the line. A read gives random bytes. */

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include <wdmguid.h>

/* {0d0c6d2e-8f7e-4b59-9d6a-7ef4b0b3c2a5} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_ENTROPY, 0x0d0c6d2e, 0x8f7e, 0x4b59, 0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2,
    0xa5);

/* The legacy interface of virtio 1.0, 4.1.4.8. */
#define GUEST_FEATURES 0x04
#define QUEUE_ADDRESS 0x08
#define QUEUE_SIZE 0x0C
#define QUEUE_SELECT 0x0E
#define QUEUE_NOTIFY 0x10
#define DEVICE_STATUS 0x12
#define ISR_STATUS 0x13
#define CONFIG_VECTOR 0x14
#define QUEUE_VECTOR 0x16
#define NO_VECTOR 0xFFFF
#define ACKNOWLEDGED 1
#define DRIVER_FOUND 2
#define DRIVER_OK 4

/* The queue: descriptors, what the driver offers, and from the next page on what the device has used. */
typedef struct {
    ULONG64 Address;
    ULONG Length;
    USHORT Flags;
    USHORT Next;
} DESCRIPTOR;
#define DEVICE_WRITES 2

typedef struct {
    USHORT Flags;
    USHORT Index;
    USHORT Ring[1];
} AVAILABLE;

typedef struct {
    USHORT Flags;
    USHORT Index;
    struct {
        ULONG Id;
        ULONG Length;
    } Ring[1];
} USED;

#define MOST_ENTRIES 128
#define RING_BYTES (2 * PAGE_SIZE)

typedef struct {
    ULONG_PTR Ports;
    WDFINTERRUPT Config, Queue;
    WDFDMAENABLER Enabler;
    WDFCOMMONBUFFER Buffer;
    /* In the buffer, for a queue of that many entries. */
    USHORT Entries;
    DESCRIPTOR *Descriptors;
    AVAILABLE *Available;
    volatile USED *Used;
    PUCHAR Data;
    /* How much of what the device has used was taken. */
    USHORT Taken;
    /* The read that waits. Guarded by Lock. */
    WDFREQUEST Reading;
    WDFSPINLOCK Lock;
} ENTROPY;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(ENTROPY, EntropyOf)

#define PORT(type, offset) ((type *)(entropy->Ports + (offset)))

/* EVT_WDF_INTERRUPT_ISR: a message says all; the line's status has to be read, which acknowledges it. */
static BOOLEAN Isr(WDFINTERRUPT interrupt, ULONG message) {
    ENTROPY *entropy = EntropyOf(WdfInterruptGetDevice(interrupt));
    WDF_INTERRUPT_INFO info;

    UNREFERENCED_PARAMETER(message);
    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(interrupt, &info);
    if (!info.MessageSignaled && READ_PORT_UCHAR(PORT(UCHAR, ISR_STATUS)) == 0)
        return FALSE;
    WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}

/* Takes the read that waits, if what the device has used is new. */
static WDFREQUEST Take(ENTROPY *entropy, ULONG *length) {
    WDFREQUEST request = NULL;

    WdfSpinLockAcquire(entropy->Lock);
    if (entropy->Reading != NULL && entropy->Used->Index != entropy->Taken) {
        *length = entropy->Used->Ring[entropy->Taken % entropy->Entries].Length;
        entropy->Taken++;
        request = entropy->Reading;
        entropy->Reading = NULL;
    }
    WdfSpinLockRelease(entropy->Lock);
    return request;
}

/* EVT_WDF_INTERRUPT_DPC */
static void Dpc(WDFINTERRUPT interrupt, WDFOBJECT device) {
    ENTROPY *entropy = EntropyOf(device);
    ULONG length = 0;
    size_t room;
    PVOID buffer;
    NTSTATUS status;
    WDFREQUEST request = Take(entropy, &length);

    UNREFERENCED_PARAMETER(interrupt);
    if (request == NULL)
        return;
    status = WdfRequestRetrieveOutputBuffer(request, 1, &buffer, &room);
    if (NT_SUCCESS(status)) {
        length = (ULONG)min(length, room);
        RtlCopyMemory(buffer, entropy->Data, length);
    }
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

/* EVT_WDF_IO_QUEUE_IO_READ */
static void OnRead(WDFQUEUE queue, WDFREQUEST request, size_t length) {
    ENTROPY *entropy = EntropyOf(WdfIoQueueGetDevice(queue));

    WdfSpinLockAcquire(entropy->Lock);
    entropy->Reading = request;
    entropy->Descriptors[0].Length = (ULONG)min(length, PAGE_SIZE);
    entropy->Available->Ring[entropy->Available->Index % entropy->Entries] = 0;
    KeMemoryBarrier();
    entropy->Available->Index++;
    WdfSpinLockRelease(entropy->Lock);
    WRITE_PORT_USHORT(PORT(USHORT, QUEUE_NOTIFY), 0);
}

/* EVT_WDF_IO_QUEUE_IO_STOP: the device answers before long, or was reset. */
static void OnStop(WDFQUEUE queue, WDFREQUEST request, ULONG flags) {
    ENTROPY *entropy = EntropyOf(WdfIoQueueGetDevice(queue));
    BOOLEAN ours;

    UNREFERENCED_PARAMETER(flags);
    WdfSpinLockAcquire(entropy->Lock);
    ours = entropy->Reading == request;
    if (ours)
        entropy->Reading = NULL;
    WdfSpinLockRelease(entropy->Lock);
    if (ours)
        WdfRequestComplete(request, STATUS_CANCELLED);
}

/* Whether an interrupt was given a message. */
static BOOLEAN HasMessage(WDFINTERRUPT interrupt) {
    WDF_INTERRUPT_INFO info;

    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(interrupt, &info);
    return info.MessageSignaled;
}

/* Lays the queue out in its buffer, and tells the device. */
static NTSTATUS SetUpQueue(ENTROPY *entropy) {
    PUCHAR ring = WdfCommonBufferGetAlignedVirtualAddress(entropy->Buffer);
    PHYSICAL_ADDRESS address = WdfCommonBufferGetAlignedLogicalAddress(entropy->Buffer);
    USHORT vector = HasMessage(entropy->Queue) ? 1 : 0;

    WRITE_PORT_USHORT(PORT(USHORT, QUEUE_SELECT), 0);
    entropy->Entries = READ_PORT_USHORT(PORT(USHORT, QUEUE_SIZE));
    if (entropy->Entries == 0 || entropy->Entries > MOST_ENTRIES)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    RtlZeroMemory(ring, RING_BYTES);
    entropy->Descriptors = (DESCRIPTOR *)ring;
    entropy->Available = (AVAILABLE *)(ring + sizeof(DESCRIPTOR) * entropy->Entries);
    entropy->Used = (USED *)(ring + PAGE_SIZE);
    entropy->Data = ring + RING_BYTES;
    entropy->Taken = 0;
    entropy->Descriptors[0].Address = (ULONG64)address.QuadPart + RING_BYTES;
    entropy->Descriptors[0].Flags = DEVICE_WRITES;
    WRITE_PORT_ULONG(PORT(ULONG, QUEUE_ADDRESS), (ULONG)(address.QuadPart / PAGE_SIZE));
    if (!HasMessage(entropy->Config))
        return STATUS_SUCCESS;
    WRITE_PORT_USHORT(PORT(USHORT, CONFIG_VECTOR), 0);
    WRITE_PORT_USHORT(PORT(USHORT, QUEUE_VECTOR), vector);
    return READ_PORT_USHORT(PORT(USHORT, QUEUE_VECTOR)) == vector ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

/* EVT_WDF_DEVICE_D0_ENTRY */
static NTSTATUS D0Entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
    ENTROPY *entropy = EntropyOf(device);
    NTSTATUS status;

    UNREFERENCED_PARAMETER(previous);
    WRITE_PORT_UCHAR(PORT(UCHAR, DEVICE_STATUS), 0);
    WRITE_PORT_UCHAR(PORT(UCHAR, DEVICE_STATUS), ACKNOWLEDGED | DRIVER_FOUND);
    WRITE_PORT_ULONG(PORT(ULONG, GUEST_FEATURES), 0);
    status = SetUpQueue(entropy);
    if (NT_SUCCESS(status))
        WRITE_PORT_UCHAR(PORT(UCHAR, DEVICE_STATUS), ACKNOWLEDGED | DRIVER_FOUND | DRIVER_OK);
    return status;
}

/* EVT_WDF_DEVICE_D0_EXIT */
static NTSTATUS D0Exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
    ENTROPY *entropy = EntropyOf(device);

    UNREFERENCED_PARAMETER(target);
    WRITE_PORT_UCHAR(PORT(UCHAR, DEVICE_STATUS), 0);
    return STATUS_SUCCESS;
}

/* Whether configuration space says what the resources say: the ports, and that there are messages. */
static NTSTATUS CheckConfiguration(WDFDEVICE device, ENTROPY *entropy) {
    BUS_INTERFACE_STANDARD bus;
    PCI_COMMON_HEADER header;
    BOOLEAN messages = FALSE;
    UCHAR at, capability[2] = {0, 0};
    NTSTATUS status = WdfFdoQueryForInterface(
        device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus, sizeof(bus), 1, NULL);

    if (!NT_SUCCESS(status))
        return status;
    bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &header, 0, sizeof(header));
    for (at = header.u.type0.CapabilitiesPtr; at != 0; at = capability[1]) {
        bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, capability, at, sizeof(capability));
        messages |= capability[0] == 0x11;
    }
    bus.InterfaceDereference(bus.Context);
    if (header.VendorID != 0x1AF4 || header.u.type0.BaseAddresses[0] != (entropy->Ports | 1) || !messages)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

/* EVT_WDF_DEVICE_PREPARE_HARDWARE */
static NTSTATUS PrepareHardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    ENTROPY *entropy = EntropyOf(device);
    ULONG index;

    UNREFERENCED_PARAMETER(raw);
    entropy->Ports = 0;
    for (index = 0; index < WdfCmResourceListGetCount(translated); index++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR one = WdfCmResourceListGetDescriptor(translated, index);

        if (one->Type == CmResourceTypePort)
            entropy->Ports = (ULONG_PTR)one->u.Port.Start.QuadPart;
    }
    if (entropy->Ports == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return CheckConfiguration(device, entropy);
}

static NTSTATUS CreateInterrupt(WDFDEVICE device, WDFINTERRUPT *interrupt) {
    WDF_INTERRUPT_CONFIG config;

    WDF_INTERRUPT_CONFIG_INIT(&config, Isr, Dpc);
    return WdfInterruptCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, interrupt);
}

static NTSTATUS CreateObjects(WDFDEVICE device) {
    ENTROPY *entropy = EntropyOf(device);
    WDF_COMMON_BUFFER_CONFIG aligned;
    WDF_DMA_ENABLER_CONFIG dma;
    WDF_IO_QUEUE_CONFIG reads;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status = CreateInterrupt(device, &entropy->Config);

    if (NT_SUCCESS(status))
        status = CreateInterrupt(device, &entropy->Queue);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    if (NT_SUCCESS(status))
        status = WdfSpinLockCreate(&attributes, &entropy->Lock);
    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfilePacket64, PAGE_SIZE);
    if (NT_SUCCESS(status))
        status = WdfDmaEnablerCreate(device, &dma, WDF_NO_OBJECT_ATTRIBUTES, &entropy->Enabler);
    WDF_COMMON_BUFFER_CONFIG_INIT(&aligned, PAGE_SIZE - 1);
    if (NT_SUCCESS(status))
        status = WdfCommonBufferCreateWithConfig(
            entropy->Enabler, RING_BYTES + PAGE_SIZE, &aligned, WDF_NO_OBJECT_ATTRIBUTES, &entropy->Buffer);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&reads, WdfIoQueueDispatchSequential);
    reads.EvtIoRead = OnRead;
    reads.EvtIoStop = OnStop;
    if (NT_SUCCESS(status))
        status = WdfIoQueueCreate(device, &reads, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return status;
}

/* EVT_WDF_DRIVER_DEVICE_ADD */
static NTSTATUS DeviceAdd(WDFDRIVER driver, PWDFDEVICE_INIT init) {
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = PrepareHardware;
    callbacks.EvtDeviceD0Entry = D0Entry;
    callbacks.EvtDeviceD0Exit = D0Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ENTROPY);
    status = WdfDeviceCreate(&init, &attributes, &device);
    if (NT_SUCCESS(status))
        status = CreateObjects(device);
    if (NT_SUCCESS(status))
        status = WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_SAMPLE_ENTROPY, NULL);
    return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, DeviceAdd);
    return WdfDriverCreate(driver, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
