/* Probes of what the driver object and the loader say. */

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

GROUP(driver, PROBES_DRIVER)
