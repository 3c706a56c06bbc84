/* A small KMDF driver for the edu device with defects to choose from: the registry value `Bug` of
 * the device says which. With 0, or without it, the driver has none.
 *
 * driver.c and request.c are the driver; every other file has the defects of one family of rules. */
#pragma once

#include <ntddk.h>
#include <wdf.h>

/* edu's BAR 0. */
#define FACTORIAL 0x08
#define STATUS 0x20
#define INTERRUPT_STATUS 0x24
#define INTERRUPT_RAISE 0x60
#define INTERRUPT_ACKNOWLEDGE 0x64
#define DMA_SOURCE 0x80
#define DMA_DESTINATION 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98

#define STATUS_COMPUTING 0x01
#define STATUS_INTERRUPT_WHEN_DONE 0x80
#define CAUSE_FACTORIAL 0x001
#define DMA_START 0x1
#define DMA_BUFFER 0x40000

/* n in, n! out, four bytes each. */
#define IOCTL_FACTORIAL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define TAG 'hteT'

typedef struct _CONTEXT {
    WDFDEVICE Device;
    WDFQUEUE Queue;
    WDFQUEUE Manual;
    WDFINTERRUPT Interrupt;
    /* Guards what follows it up to Busy. */
    WDFSPINLOCK Lock;
    /* The request that waits for the device, cancelable, or NULL. */
    WDFREQUEST Current;
    ULONG Operand;
    /* Numbers requests: a handle may come again, a number does not. */
    ULONG Sequence;
    /* For which of them the device computes. */
    ULONG Running;
    BOOLEAN Busy;
    /* Causes that the ISR has acknowledged. Guarded by the interrupt's lock. */
    ULONG Causes;
    /* Whether the ISR queues its DPC. Guarded by the interrupt's lock. */
    BOOLEAN Deferring;
    WDFWAITLOCK WaitLock;
    WDFWORKITEM WorkItem;
    WDFTIMER Timer;
    PUCHAR Registers;
    SIZE_T Length;
    PVOID Scratch;
    /* What defects keep from one moment to another. */
    WDFREQUEST Stale;
    ULONG Times;
} CONTEXT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CONTEXT, GetContext)

/* When a defect acts. */
typedef enum _WHEN {
    Never,
    Entry,           /* at the end of DriverEntry: Driver; TRUE: it ends with Status */
    DeviceInit,      /* before WdfDeviceCreate: Init, Driver, Power; TRUE: it ends with Status */
    CreateInterrupt, /* before WdfInterruptCreate: Config */
    DeviceAdd,       /* at the end of EvtDriverDeviceAdd; TRUE: it ends with Status */
    Prepare,         /* in EvtDevicePrepareHardware: Raw, Translated */
    D0Entry,         /* in EvtDeviceD0Entry, before interrupts are connected */
    Started,         /* in EvtDeviceD0EntryPostInterruptsEnabled */
    Isr,             /* instead of the ISR's work if TRUE: Value is what it returns */
    Acknowledge,     /* instead of the acknowledgement if TRUE: Value is the status */
    Dpc,             /* in EvtInterruptDpc */
    Take,            /* instead of taking the causes if TRUE: Value are the causes */
    Request,         /* instead of the request's handling if TRUE */
    Begin,           /* instead of beginning a computation if TRUE; the lock is held */
    Finish,          /* instead of the completion if TRUE; Value is the result */
    Cancel,          /* instead of EvtRequestCancel's work if TRUE */
    ReadIo,          /* instead of the handling of a read if TRUE */
    WriteIo,         /* instead of the handling of a write if TRUE */
    IoResume,        /* in EvtIoResume */
    IoStop,          /* instead of EvtIoStop's work if TRUE: Value are the action's flags */
    WorkItem,        /* in EvtWorkItem */
    Timer,           /* in EvtTimerFunc */
    Stopping,        /* instead of the work of EvtDeviceD0ExitPreInterruptsDisabled if TRUE */
    SurpriseRemoval, /* in EvtDeviceSurpriseRemoval */
    D0Exit,          /* instead of the work of EvtDeviceD0Exit if TRUE */
    Release,         /* in EvtDeviceReleaseHardware */
    Unload           /* in EvtDriverUnload */
} WHEN;

/* What a defect finds when it acts. */
typedef struct _MOMENT {
    CONTEXT *Context;
    PWDFDEVICE_INIT Init;
    WDFDRIVER Driver;
    PWDF_PNPPOWER_EVENT_CALLBACKS Power;
    PWDF_INTERRUPT_CONFIG Config;
    WDFCMRESLIST Raw;
    WDFCMRESLIST Translated;
    WDFREQUEST Request;
    ULONG Value;
    NTSTATUS Status;
} MOMENT;

/* A defect: whether it did the driver's work itself. */
typedef BOOLEAN DEFECT(MOMENT *m);
#define BUG(name, when) DEFECT name;
#include "bugs.h"
#undef BUG

/* Lets the chosen defect act, if this is its moment. */
BOOLEAN At(WHEN when, MOMENT *m);

/* request.c */
EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL OnDeviceControl;
EVT_WDF_IO_QUEUE_IO_READ OnRead;
EVT_WDF_IO_QUEUE_IO_WRITE OnWrite;
EVT_WDF_IO_QUEUE_IO_RESUME OnIoResume;
EVT_WDF_IO_QUEUE_IO_STOP OnIoStop;
EVT_WDF_REQUEST_CANCEL OnCancel;
EVT_WDF_INTERRUPT_ISR OnInterrupt;
EVT_WDF_INTERRUPT_DPC OnDpc;
void BeginComputation(CONTEXT *c);
void Succeed(WDFREQUEST request, ULONG result);

FORCEINLINE ULONG Read(CONTEXT *c, ULONG offset) {
    return READ_REGISTER_ULONG((volatile ULONG *)(c->Registers + offset));
}
FORCEINLINE void Write(CONTEXT *c, ULONG offset, ULONG value) {
    WRITE_REGISTER_ULONG((volatile ULONG *)(c->Registers + offset), value);
}
