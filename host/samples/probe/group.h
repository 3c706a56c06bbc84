/* What the file of each group of probes includes. */
#pragma once

#include <ntddk.h>
#include <wdf.h>
#include "probe.h"

/* Most probes need neither the device nor the request. */
#pragma warning(disable : 4100)

/* One probe: 0, or the line that does not hold, or PROBE_NOT_RUN. It leaves everything as it was: what it
 * makes it deletes, and the request, which is the driver's, it gives back. It is called at PASSIVE_LEVEL, for
 * a started device. */
typedef ULONG PROBE_FUNCTION(WDFDEVICE device, WDFREQUEST request);

typedef struct {
    const char *Name;
    PROBE_FUNCTION *Run;
} PROBE_ENTRY;

/* A probe needs something that is not there. */
#define PROBE_NOT_RUN MAXULONG

#define PROBE(name) static ULONG name(WDFDEVICE device, WDFREQUEST request)

/* Notes what probes say of EvtDriverDeviceAdd: of what it was given, and of the device it has made. */
void NoteDeviceInit(PWDFDEVICE_INIT init);
void NoteAddedDevice(WDFDEVICE device);
void NoteInterfaces(WDFDEVICE device);

/* Deletes the control device that a probe of the group "devices" has left. */
void DeleteControlDevice(void);

/* What the probes of the group "power" need of the device's start: its callbacks, and two moments. */
void SetPowerCallbacks(PWDF_PNPPOWER_EVENT_CALLBACKS callbacks);
void NoteDeviceAdd(WDFDEVICE device);
void NoteSelfManagedIoInit(WDFDEVICE device);

/* What those of the group "interrupts" need: interrupts are made in EvtDriverDeviceAdd only. */
NTSTATUS CreateInterrupts(WDFDEVICE device);
/* What those of the group "resources" need. */
void SetResourceCallbacks(PWDFDEVICE_INIT init);
/* What the probes of the group "files" need of the device. */
void ConfigureFiles(PWDFDEVICE_INIT init);

/* Beneath the probes of the group whose list probe.h has: what the driver finds it by. */
#define ENTRY(name) {#name, name},
#define GROUP(name, list)                                     \
    extern const PROBE_ENTRY Group_##name[];                  \
    const PROBE_ENTRY Group_##name[] = {list(ENTRY){NULL, NULL}};

/* The initializer of a UNICODE_STRING that stays. */
#define TEXT_OF(text) {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWSTR)(text)}

#define HOLDS(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)
#define SUCCEEDS(call) HOLDS(NT_SUCCESS(call))

/* For a probe that needs a request which came through the device's queue: when the driver probes by itself
 * there is none. */
#define NEEDS_REQUEST()           \
    do {                          \
        if (request == NULL)      \
            return PROBE_NOT_RUN; \
    } while (0)

/* For a probe whose requests the driver below answers, as probe.h says. */
#define NEEDS_DRIVER_BELOW()                                                                   \
    do {                                                                                       \
        if (!NT_SUCCESS(WdfIoTargetSendIoctlSynchronously(                                     \
                WdfDeviceGetIoTarget(device), NULL, IOCTL_BELOW_REVERSE, NULL, NULL, NULL, NULL))) \
            return PROBE_NOT_RUN;                                                              \
    } while (0)
