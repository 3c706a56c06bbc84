/* What the two halves of the driver share. */

#ifndef SAMPLE_BUS_DRIVER_H
#define SAMPLE_BUS_DRIVER_H

#include <ntddk.h>
#include <wdf.h>
#include <ntstrsafe.h>
#include "bus.h"

/* Rules that the driver breaks where its parameters say so, for the tests of the host. */
enum {
    SAME_IDS = 1,
    LIST_IN_COMPARE,
    FORWARD_WITHOUT_LEAVE,
    NO_DEVICE,
    KEPT_NAME,
    FAIL_CREATION,
    RETRY_CREATION,
    QUERY_REFUSED,
    FAIL_D0_ENTRY,
};

/* What identifies a child. Its name is memory of the description's own. */
typedef struct {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER Header;
    ULONG Slot;
    PULONG Name;
} SLOT_ID;

/* Where a child is. */
typedef struct {
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER Header;
    ULONG Position;
} SLOT_ADDRESS;

typedef struct {
    ULONG Bug;
    /* How often the callback that fails has failed. */
    ULONG Failed;
    /* Takes what children forward. */
    WDFQUEUE Forwarded;
} BUS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(BUS, BusOf)

typedef struct {
    ULONG Slot;
    WDFQUEUE Reads;
} SLOT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SLOT, SlotOf)

EVT_WDF_CHILD_LIST_CREATE_DEVICE OnCreateChild;

/* Makes the device of a child. */
NTSTATUS CreateSlot(WDFDEVICE bus, PWDFDEVICE_INIT init, ULONG slot, WDFDEVICE *device);

/* What an IOCTL gives: one ULONG. */
VOID AnswerWith(WDFREQUEST request, NTSTATUS status, ULONG value);

#endif
