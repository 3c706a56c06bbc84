/* Probes of registry keys and values. */

#include "group.h"

PROBE(a_registry_key_is_removed_when_nothing_is_in_it) {
    DECLARE_CONST_UNICODE_STRING(outer, L"Outer");
    DECLARE_CONST_UNICODE_STRING(inner, L"Inner");
    WDFKEY root, above, below, again;

    SUCCEEDS(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, NULL, &root));
    SUCCEEDS(WdfRegistryCreateKey(root, &outer, KEY_ALL_ACCESS, 0, NULL, NULL, &above));
    SUCCEEDS(WdfRegistryCreateKey(above, &inner, KEY_ALL_ACCESS, 0, NULL, NULL, &below));
    HOLDS(WdfRegistryRemoveKey(above) == STATUS_CANNOT_DELETE);
    SUCCEEDS(WdfRegistryRemoveKey(below));
    HOLDS(WdfRegistryOpenKey(above, &inner, KEY_READ, NULL, &again) == STATUS_OBJECT_NAME_NOT_FOUND);
    SUCCEEDS(WdfRegistryRemoveKey(above));
    WdfRegistryClose(root);
    return 0;
}

GROUP(registry, PROBES_REGISTRY)
