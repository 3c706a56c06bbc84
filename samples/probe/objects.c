/* Probes of objects of any kind. */

#include "group.h"

PROBE(wdm_objects_lead_back_to_those_of_the_framework) {
    GUID unknown = {0};
    ULONG answer;

    HOLDS(WdfWdmDeviceGetWdfDeviceHandle(WdfDeviceWdmGetDeviceObject(device)) == device);
    HOLDS(WdfWdmDriverGetWdfDriverHandle(WdfDriverWdmGetDriverObject(WdfGetDriver())) == WdfGetDriver());
    HOLDS(WdfObjectQuery(device, &unknown, sizeof(answer), &answer) == STATUS_NOT_FOUND);
    return 0;
}

GROUP(objects, PROBES_OBJECTS)
