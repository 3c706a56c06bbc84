/* What the files of the driver share. */
#pragma once

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include <wdmguid.h>
#include "card.h"

typedef struct {
    /* BAR 0 and BAR 2 while the device has resources: as PnP assigned them, and as they are reached. */
    ULONG_PTR Ports;
    PHYSICAL_ADDRESS RawMemory, Translated;
    PUCHAR Memory;
    ULONG Length;
    /* How many interrupt descriptors the translated list has. */
    ULONG Messages;
    WDFINTERRUPT Interrupts[CARD_MESSAGES];
    /* How often each message came. Written by the ISR of its interrupt only. */
    volatile LONG Came[CARD_MESSAGES];
    /* The request whose check is made. */
    WDFREQUEST Request;
    /* How many control requests were seen before the framework. */
    LONG Preprocessed;
} CARD;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CARD, CardOf)

/* One check: 0, or the line where something is not as it should be. */
typedef ULONG CHECK_FUNCTION(WDFDEVICE device);

typedef struct {
    const char *Name;
    CHECK_FUNCTION *Run;
} CHECK;

#define HOLDS(condition)     \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)
#define SUCCEEDS(call) HOLDS(NT_SUCCESS(call))

#ifdef __cplusplus
extern "C" {
#endif
/* Ends with an entry of NULL. */
extern const CHECK ConfigChecks[];
extern const CHECK MessageChecks[];
extern const CHECK PortChecks[];
extern const CHECK IrpChecks[];
extern const CHECK KernelChecks[];
extern const CHECK ThreadChecks[];
extern const CHECK WmiChecks[];
extern const CHECK TextChecks[];
extern const CHECK ExceptionChecks[];
extern const CHECK ObjectChecks[];
#ifdef __cplusplus
}
#endif

/* What the checks of interfaces need of the device: one of the driver's own. */
NTSTATUS OfferInterface(WDFDEVICE device);

/* Sees control requests before the framework: an EVT_WDFDEVICE_WDM_IRP_PREPROCESS. */
NTSTATUS Preprocess(WDFDEVICE device, PIRP irp);

/* IOCTL_CARD_SIGNAL */
NTSTATUS Signal(WDFREQUEST request);

/* Sends a message, and says whether it comes. */
BOOLEAN Ring(CARD *card, ULONG message);
