/* What the card's driver offers WMI: a block that the framework reads, one that the driver reads and writes, a
 * method, and an event. */

#include "driver.h"

/* {c5ba0d2e-6f0c-4a9b-8d52-0f3c6f4b6e01} and the two after it */
#define CARD_WMI_GUID(number)                                                                \
    {0xc5ba0d2e, 0x6f0c, 0x4a9b, {0x8d, 0x52, 0x0f, 0x3c, 0x6f, 0x4b, 0x6e, (number)}}
static const GUID Fixed = CARD_WMI_GUID(1), Changing = CARD_WMI_GUID(2), Events = CARD_WMI_GUID(3);

typedef struct {
    ULONG Number, Square;
} BLOCK;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BLOCK, BlockOf)

/* What was last written, and whether somebody wants to read it. */
static ULONG Written, Wanted;

/* EVT_WDF_WMI_INSTANCE_QUERY_INSTANCE */
static NTSTATUS Query(WDFWMIINSTANCE instance, ULONG length, PVOID buffer, PULONG used) {
    UNREFERENCED_PARAMETER(instance);
    *used = sizeof(ULONG);
    if (length < sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    *(PULONG)buffer = Written;
    return STATUS_SUCCESS;
}

/* EVT_WDF_WMI_INSTANCE_SET_INSTANCE */
static NTSTATUS Set(WDFWMIINSTANCE instance, ULONG length, PVOID buffer) {
    UNREFERENCED_PARAMETER(instance);
    if (length < sizeof(ULONG))
        return STATUS_INVALID_BUFFER_SIZE;
    Written = *(PULONG)buffer;
    return STATUS_SUCCESS;
}

/* EVT_WDF_WMI_INSTANCE_EXECUTE_METHOD: method 1 doubles a number. */
static NTSTATUS Execute(WDFWMIINSTANCE instance, ULONG method, ULONG input, ULONG output, PVOID buffer, PULONG used) {
    UNREFERENCED_PARAMETER(instance);
    if (method != 1)
        return STATUS_WMI_ITEMID_NOT_FOUND;
    if (input < sizeof(ULONG) || output < sizeof(ULONG))
        return STATUS_INVALID_PARAMETER;
    *(PULONG)buffer *= 2;
    *used = sizeof(ULONG);
    return STATUS_SUCCESS;
}

/* EVT_WDF_WMI_PROVIDER_FUNCTION_CONTROL */
static NTSTATUS Control(WDFWMIPROVIDER provider, WDF_WMI_PROVIDER_CONTROL control, BOOLEAN enable) {
    UNREFERENCED_PARAMETER(provider);
    if (control == WdfWmiInstanceControl)
        Wanted = enable;
    return STATUS_SUCCESS;
}

static ULONG Start(WDFDEVICE device) {
    DECLARE_CONST_UNICODE_STRING(name, L"CardMof");
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFWMIPROVIDER changing, events;
    WDFWMIINSTANCE instance;

    SUCCEEDS(WdfDeviceAssignMofResourceName(device, &name));
    HOLDS(WdfDeviceAssignMofResourceName(device, &name) == STATUS_INVALID_DEVICE_REQUEST);

    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &Fixed);
    provider.MinInstanceBufferSize = sizeof(BLOCK);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&config, &provider);
    config.Register = TRUE;
    config.UseContextForQuery = TRUE;
    HOLDS(WdfWmiInstanceCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &instance) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, BLOCK);
    SUCCEEDS(WdfWmiInstanceCreate(device, &config, &attributes, &instance));
    BlockOf(instance)->Number = 7;
    BlockOf(instance)->Square = 49;
    HOLDS(WdfWmiInstanceGetDevice(instance) == device);
    /* A second one of that GUID is made, and never asked. */
    SUCCEEDS(WdfWmiInstanceCreate(device, &config, &attributes, NULL));

    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &Changing);
    provider.EvtWmiProviderFunctionControl = Control;
    HOLDS(WdfWmiProviderCreate(device, &provider, WDF_NO_OBJECT_ATTRIBUTES, &changing) == STATUS_INVALID_PARAMETER);
    provider.Flags = WdfWmiProviderExpensive;
    SUCCEEDS(WdfWmiProviderCreate(device, &provider, WDF_NO_OBJECT_ATTRIBUTES, &changing));
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&config, changing);
    config.EvtWmiInstanceQueryInstance = Query;
    config.EvtWmiInstanceSetInstance = Set;
    config.EvtWmiInstanceExecuteMethod = Execute;
    SUCCEEDS(WdfWmiInstanceCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &instance));
    HOLDS(WdfWmiInstanceGetProvider(instance) == changing && WdfWmiProviderGetDevice(changing) == device);
    SUCCEEDS(WdfWmiInstanceRegister(instance));
    HOLDS(WdfWmiInstanceRegister(instance) == STATUS_INVALID_DEVICE_REQUEST);
    HOLDS(!WdfWmiProviderIsEnabled(changing, WdfWmiInstanceControl) && WdfWmiProviderGetTracingHandle(changing) == 0);

    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &Events);
    provider.Flags = WdfWmiProviderEventOnly;
    SUCCEEDS(WdfWmiProviderCreate(device, &provider, WDF_NO_OBJECT_ATTRIBUTES, &events));
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&config, events);
    config.EvtWmiInstanceQueryInstance = Query;
    HOLDS(WdfWmiInstanceCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &instance) == STATUS_INVALID_PARAMETER);
    config.EvtWmiInstanceQueryInstance = NULL;
    config.Register = TRUE;
    SUCCEEDS(WdfWmiInstanceCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &instance));
    SUCCEEDS(WdfWmiInstanceFireEvent(instance, sizeof(Written), &Written));
    SUCCEEDS(WdfWmiInstanceFireEvent(instance, 0, NULL));
    WdfWmiInstanceDeregister(instance);
    SUCCEEDS(WdfWmiInstanceRegister(instance));
    return 0;
}

static ULONG wmi_is_offered_blocks_methods_and_events(WDFDEVICE device) {
    return Start(device);
}

static ULONG somebody_wants_the_block(WDFDEVICE device) {
    UNREFERENCED_PARAMETER(device);
    HOLDS(Wanted);
    return 0;
}

/* EVT_WDF_WMI_INSTANCE_QUERY_INSTANCE that says it gave more than there is room for. */
static NTSTATUS Boasts(WDFWMIINSTANCE instance, ULONG length, PVOID buffer, PULONG used) {
    UNREFERENCED_PARAMETER(instance);
    UNREFERENCED_PARAMETER(buffer);
    *used = length + 1;
    return STATUS_SUCCESS;
}

static ULONG a_block_is_longer_than_its_buffer(WDFDEVICE device) {
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG config;

    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &Changing);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&config, &provider);
    config.Register = TRUE;
    config.EvtWmiInstanceQueryInstance = Boasts;
    SUCCEEDS(WdfWmiInstanceCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, NULL));
    return 0;
}

static ULONG a_provider_is_deleted(WDFDEVICE device) {
    WDF_WMI_PROVIDER_CONFIG config;
    WDFWMIPROVIDER provider;

    WDF_WMI_PROVIDER_CONFIG_INIT(&config, &Events);
    SUCCEEDS(WdfWmiProviderCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, &provider));
    WdfObjectDelete(provider);
    return 0;
}

#define ENTRY(name) {#name, name}
const CHECK WmiChecks[] = {
    ENTRY(wmi_is_offered_blocks_methods_and_events),
    ENTRY(somebody_wants_the_block),
    ENTRY(a_block_is_longer_than_its_buffer),
    ENTRY(a_provider_is_deleted),
    {NULL, NULL},
};
