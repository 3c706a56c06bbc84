/* What the toaster's driver and its users agree on; and the device, register by register. */
#pragma once

/* {0d0c6d29-8f7e-4b59-9d6a-7ef4b0b3c2a5} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_TOASTER, 0x0d0c6d29, 0x8f7e, 0x4b59, 0x9d, 0x6a, 0x7e, 0xf4,
    0xb0, 0xb3, 0xc2, 0xa5);

/* Toasts a slice. In: TOAST. Ends when the slice pops up. */
#define IOCTL_TOASTER_TOAST CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
/* What can be toasted: the names, each with a zero, and a zero at the end (WCHARs). */
#define IOCTL_TOASTER_BREADS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
/* How many slices were toasted since the driver was installed: an ULONG. */
#define IOCTL_TOASTER_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_READ_ACCESS)

typedef struct {
    /* 1 (warm) to the INF's Darkest. */
    ULONG Darkness;
} TOAST;

/* The device: BAR 0, 4 KiB, 32-bit registers; one interrupt, by its pin. */
#define TOASTER_ID 0x00      /* RO: TOASTER_MAGIC */
#define TOASTER_DARKNESS 0x04 /* WO: starts toasting, for so many times 100 ms; 0 ends it */
#define TOASTER_POPPED 0x08  /* RO: bit 0: a slice has popped up. The pin is asserted while it is set */
#define TOASTER_EMPTY 0x0C   /* WO: takes the slice out: POPPED becomes 0 */
#define TOASTER_MAGIC 0x54534F54
