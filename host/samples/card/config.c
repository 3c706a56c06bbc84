/* Configuration space, by the interfaces of the bus driver; and interfaces of the driver's own. */

#include "driver.h"

/* {0d0c6d2c-8f7e-4b59-9d6a-7ef4b0b3c2a5}, which nobody offers */
DEFINE_GUID(GUID_NOBODYS_INTERFACE, 0x0d0c6d2c, 0x8f7e, 0x4b59, 0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5);
/* {0d0c6d2d-8f7e-4b59-9d6a-7ef4b0b3c2a5}, which this driver offers */
DEFINE_GUID(GUID_CARD_INTERFACE, 0x0d0c6d2d, 0x8f7e, 0x4b59, 0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5);

typedef struct {
    INTERFACE Header;
    ULONG Number;
} CARD_INTERFACE;

static ULONG Read(BUS_INTERFACE_STANDARD *bus, ULONG offset, ULONG length) {
    ULONG value = 0;

    if (bus->GetBusData(bus->Context, PCI_WHICHSPACE_CONFIG, &value, offset, length) != length)
        return MAXULONG;
    return value;
}

static NTSTATUS Query(WDFDEVICE device, BUS_INTERFACE_STANDARD *bus) {
    return WdfFdoQueryForInterface(
        device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)bus, sizeof(*bus), 1, NULL);
}

static ULONG configuration_space_is_read(WDFDEVICE device) {
    CARD *card = CardOf(device);
    BUS_INTERFACE_STANDARD bus;
    PCI_COMMON_HEADER header;
    ULONG read, id, line, memory, port, unaligned, behind;

    SUCCEEDS(Query(device, &bus));
    read = bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &header, 0, sizeof(header));
    id = Read(&bus, 0, 4);
    port = Read(&bus, 0x10, 4);
    memory = Read(&bus, 0x18, 4);
    unaligned = Read(&bus, 1, 2);
    line = bus.GetBusData(bus.Context, 99, &behind, 0, 4);
    behind = bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &header.u, 0xFE, 8);
    bus.InterfaceDereference(bus.Context);
    HOLDS(read == sizeof(header) && header.VendorID == 0x1DED && header.DeviceID == 0x0020);
    HOLDS(id == 0x00201DED && unaligned == 0x201D);
    HOLDS(port == (card->Ports | 1) && memory == card->RawMemory.LowPart);
    HOLDS(line == 0 && behind == 2);
    return 0;
}

static ULONG capabilities_are_found(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;
    ULONG at, number = 0, control = 0;

    SUCCEEDS(Query(device, &bus));
    for (at = Read(&bus, 0x34, 1); at != 0; at = Read(&bus, at + 1, 1)) {
        if (Read(&bus, at, 1) == 0x11)
            control = Read(&bus, at + 2, 2);
        if (Read(&bus, at, 1) == CARD_CAPABILITY)
            number = Read(&bus, at + 3, 1);
    }
    bus.InterfaceDereference(bus.Context);
    HOLDS((control & 0x7FF) == CARD_MESSAGES - 1);
    HOLDS(number == CARD_CAPABILITY_NUMBER);
    return 0;
}

static ULONG configuration_space_is_written(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;
    UCHAR line = 0x0B;
    ULONG written, before, after, id = 0;

    SUCCEEDS(Query(device, &bus));
    before = Read(&bus, 0x3C, 2);
    written = bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &line, 0x3C, 1);
    after = Read(&bus, 0x3C, 2);
    bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &before, 0x3C, 1);
    bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &id, 0, sizeof(id));
    id = Read(&bus, 0, 4);
    bus.InterfaceDereference(bus.Context);
    HOLDS(written == 1 && after == ((before & 0xFF00) | line));
    HOLDS(id == 0x00201DED);
    return 0;
}

static ULONG the_io_target_leads_to_the_same_bus(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;
    ULONG id;

    SUCCEEDS(WdfIoTargetQueryForInterface(WdfDeviceGetIoTarget(device), &GUID_BUS_INTERFACE_STANDARD,
        (PINTERFACE)&bus, sizeof(bus), 1, NULL));
    bus.InterfaceReference(bus.Context);
    bus.InterfaceDereference(bus.Context);
    id = Read(&bus, 0, 4);
    bus.InterfaceDereference(bus.Context);
    HOLDS(id == 0x00201DED);
    return 0;
}

static ULONG an_interface_that_nobody_has_is_not_supported(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;

    HOLDS(WdfFdoQueryForInterface(device, &GUID_NOBODYS_INTERFACE, (PINTERFACE)&bus, sizeof(bus), 1, NULL)
        == STATUS_NOT_SUPPORTED);
    HOLDS(WdfFdoQueryForInterface(device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus,
              sizeof(INTERFACE), 1, NULL)
        == STATUS_NOT_SUPPORTED);
    HOLDS(WdfFdoQueryForInterface(device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus, sizeof(bus), 2, NULL)
        == STATUS_NOT_SUPPORTED);
    return 0;
}

/* EVT_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST */
static NTSTATUS OnQuery(WDFDEVICE device, LPGUID type, PINTERFACE exposed, PVOID data) {
    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(type);
    if (data != NULL)
        return STATUS_ACCESS_DENIED;
    ((CARD_INTERFACE *)exposed)->Number++;
    return STATUS_SUCCESS;
}

NTSTATUS OfferInterface(WDFDEVICE device) {
    WDF_QUERY_INTERFACE_CONFIG config;
    CARD_INTERFACE offered;

    RtlZeroMemory(&offered, sizeof(offered));
    offered.Header.Size = sizeof(offered);
    offered.Header.Version = 3;
    offered.Number = 41;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, (PINTERFACE)&offered, &GUID_CARD_INTERFACE, OnQuery);
    return WdfDeviceAddQueryInterface(device, &config);
}

static ULONG an_interface_of_the_drivers_own_is_found(WDFDEVICE device) {
    CARD_INTERFACE offered;

    SUCCEEDS(WdfFdoQueryForInterface(
        device, &GUID_CARD_INTERFACE, &offered.Header, sizeof(offered), 3, NULL));
    HOLDS(offered.Number == 42);
    HOLDS(offered.Header.InterfaceReference != NULL);
    offered.Header.InterfaceDereference(offered.Header.Context);
    HOLDS(WdfFdoQueryForInterface(device, &GUID_CARD_INTERFACE, &offered.Header, sizeof(offered), 2, NULL)
        == STATUS_INVALID_BUFFER_SIZE);
    HOLDS(WdfFdoQueryForInterface(
              device, &GUID_CARD_INTERFACE, &offered.Header, sizeof(offered), 3, &offered)
        == STATUS_ACCESS_DENIED);
    return 0;
}

static ULONG an_interface_that_cannot_be_offered_is_refused(WDFDEVICE device) {
    WDF_QUERY_INTERFACE_CONFIG config;
    INTERFACE offered;

    RtlZeroMemory(&offered, sizeof(offered));
    offered.Size = sizeof(offered) - 1;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &offered, &GUID_NOBODYS_INTERFACE, NULL);
    HOLDS(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
    config.Interface = NULL;
    HOLDS(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
    config.ImportInterface = TRUE;
    HOLDS(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
    config.SendQueryToParentStack = TRUE;
    HOLDS(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
    config.Size = 1;
    HOLDS(WdfDeviceAddQueryInterface(device, &config) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

static ULONG an_interface_is_used_after_it_was_given_back(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;

    SUCCEEDS(Query(device, &bus));
    bus.InterfaceDereference(bus.Context);
    (void)Read(&bus, 0, 4);
    return 0;
}

static ULONG an_interface_is_kept(WDFDEVICE device) {
    BUS_INTERFACE_STANDARD bus;

    SUCCEEDS(Query(device, &bus));
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK ConfigChecks[] = {
    ENTRY(configuration_space_is_read),
    ENTRY(capabilities_are_found),
    ENTRY(configuration_space_is_written),
    ENTRY(the_io_target_leads_to_the_same_bus),
    ENTRY(an_interface_that_nobody_has_is_not_supported),
    ENTRY(an_interface_of_the_drivers_own_is_found),
    ENTRY(an_interface_that_cannot_be_offered_is_refused),
    ENTRY(an_interface_is_used_after_it_was_given_back),
    ENTRY(an_interface_is_kept),
    {NULL, NULL},
};
