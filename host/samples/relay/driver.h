/* What the files of the driver share. */
#pragma once

#include <ntddk.h>
#include <wdf.h>
#include <initguid.h>
#include "relay.h"

typedef struct {
    /* What is opened; made with the device. */
    WDFIOTARGET Remote;
    /* Those that reads are given to, by their length. */
    WDFQUEUE Odd, Even;
    /* What the device was assigned. */
    ULONG Assigned[2];
    WDFCMRESLIST Translated;
} RELAY;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(RELAY, RelayOf)

/* The target that leads to a device itself is not in the public headers, only in the function table. */
typedef void ALLOW_SELF_IO_TARGET(PWDF_DRIVER_GLOBALS Globals, PWDFDEVICE_INIT Init);
typedef WDFIOTARGET GET_SELF_IO_TARGET(PWDF_DRIVER_GLOBALS Globals, WDFDEVICE Device);
typedef NTSTATUS ASSIGN_SELF_QUEUE(PWDF_DRIVER_GLOBALS Globals, WDFIOTARGET Target, WDFQUEUE Queue);
#define AllowSelfIoTarget(init) (((ALLOW_SELF_IO_TARGET *)WdfFunctions[441])(WdfDriverGlobals, init))
#define GetSelfIoTarget(device) (((GET_SELF_IO_TARGET *)WdfFunctions[440])(WdfDriverGlobals, device))
#define AssignSelfQueue(target, queue) (((ASSIGN_SELF_QUEUE *)WdfFunctions[442])(WdfDriverGlobals, target, queue))

/* states.c */
NTSTATUS WatchStates(PWDFDEVICE_INIT init);
/* resources.c */
void FilterResources(PWDFDEVICE_INIT init);
EVT_WDF_DEVICE_PREPARE_HARDWARE PrepareHardware;
/* dispatch.c */
NTSTATUS ChooseQueues(WDFDEVICE device);
/* remote.c */
NTSTATUS Relay(WDFDEVICE device, WDFREQUEST request, ULONG code, ULONG_PTR *bytes);
/* break.c */
NTSTATUS Break(WDFDEVICE device, WDFREQUEST request);
