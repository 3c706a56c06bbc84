/* Probes of the driver object, and of what the loader says. */

#include "group.h"

PROBE(the_loader_says_what_the_framework_has) {
#if KMDF_VERSION_MINOR >= 25
    HOLDS(!WdfClientVersionHigherThanFramework);
    HOLDS(WdfFunctionCount == WdfFunctionTableNumEntries);
    HOLDS(WdfStructureCount == WDF_STRUCTURE_TABLE_NUM_ENTRIES);
    HOLDS((&WdfStructures)[0][INDEX_WDF_TIMER_CONFIG] == sizeof(WDF_TIMER_CONFIG));
#endif
    return 0;
}

/* What another WdfDriverCreate makes of a config, with a registry path. */
static NTSTATUS CreateAgain(PWDF_DRIVER_CONFIG config, USHORT spoiled) {
    UNICODE_STRING path;

    RtlInitUnicodeString(&path, WdfDriverGetRegistryPath(WdfGetDriver()));
    path.Length -= spoiled;
    return WdfDriverCreate(WdfDriverWdmGetDriverObject(WdfGetDriver()), &path, NULL, config, NULL);
}

PROBE(a_driver_is_created_once) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    HOLDS(CreateAgain(&config, 0) == STATUS_DRIVER_INTERNAL_ERROR);
    return 0;
}

PROBE(a_driver_config_has_a_known_size) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.Size = 1;
    HOLDS(CreateAgain(&config, 0) == STATUS_INFO_LENGTH_MISMATCH);
    return 0;
}

PROBE(the_flags_of_a_driver_are_known) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    config.DriverInitFlags = 0x100;
    HOLDS(CreateAgain(&config, 0) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(a_registry_path_has_no_half_characters) {
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    HOLDS(CreateAgain(&config, 1) == STATUS_INVALID_PARAMETER);
    return 0;
}

PROBE(the_registry_path_ends_with_a_zero) {
    UNICODE_STRING path;

    RtlInitUnicodeString(&path, WdfDriverGetRegistryPath(WdfGetDriver()));
    HOLDS(path.Length > 20 * sizeof(WCHAR) && path.Buffer[0] == '\\');
    return 0;
}

PROBE(the_framework_names_its_version) {
    static const WCHAR begin[] = L"Kernel Mode Driver Framework ";
    const SIZE_T bytes = sizeof(begin) - sizeof(WCHAR);
    UNICODE_STRING text;
    WDFSTRING string;

    SUCCEEDS(WdfStringCreate(NULL, NULL, &string));
    SUCCEEDS(WdfDriverRetrieveVersionString(WdfGetDriver(), string));
    WdfStringGetUnicodeString(string, &text);
    HOLDS(text.Length > bytes && RtlCompareMemory(text.Buffer, begin, bytes) == bytes);
    WdfObjectDelete(string);
    return 0;
}

/* Whether that version is available. */
static BOOLEAN Has(ULONG major, ULONG minor) {
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS params;

    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&params, major, minor);
    return WdfDriverIsVersionAvailable(WdfGetDriver(), &params);
}

PROBE(older_versions_are_available) {
    HOLDS(Has(1, 0) && Has(1, KMDF_VERSION_MINOR));
    return 0;
}

PROBE(versions_to_come_are_not_available) {
    HOLDS(!Has(1, 9999) && !Has(2, 0) && !Has(0, 0));
    return 0;
}

PROBE(no_version_is_available_by_parameters_of_an_unknown_size) {
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS params;

    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&params, 1, 0);
    params.Size++;
    HOLDS(!WdfDriverIsVersionAvailable(WdfGetDriver(), &params));
    return 0;
}

GROUP(driver, PROBES_DRIVER)
