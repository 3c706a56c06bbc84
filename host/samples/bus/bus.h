/* What an app asks of the sample bus, and of what is in its slots. */

#ifndef SAMPLE_BUS_H
#define SAMPLE_BUS_H

/* The bus: {3b0e1f0a-52c3-4a7e-9f1e-5d0f6f0a2b11} */
DEFINE_GUID(GUID_SAMPLE_BUS, 0x3b0e1f0a, 0x52c3, 0x4a7e, 0x9f, 0x1e, 0x5d, 0x0f, 0x6f, 0x0a, 0x2b, 0x11);
/* What is in a slot: {a8d9c6e4-0d3c-4d5b-8b1f-7a1c2e3d4f50} */
DEFINE_GUID(GUID_SAMPLE_SLOT, 0xa8d9c6e4, 0x0d3c, 0x4d5b, 0x8b, 0x1f, 0x7a, 0x1c, 0x2e, 0x3d, 0x4f, 0x50);
/* The class of raw devices: {5c4c3332-344d-483c-8739-259e934c9cc8} */
DEFINE_GUID(GUID_SAMPLE_CLASS, 0x5c4c3332, 0x344d, 0x483c, 0x87, 0x39, 0x25, 0x9e, 0x93, 0x4c, 0x9c, 0xc8);

#define BUS_CODE(function) CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* To the bus, with the number of a slot: something is plugged in at a position (two ULONGs), or out. */
#define IOCTL_BUS_PLUG BUS_CODE(0x800)
#define IOCTL_BUS_UNPLUG BUS_CODE(0x801)
#define IOCTL_BUS_EJECT BUS_CODE(0x802)
/* What is in the slots: their numbers, all of them. What is not named is gone. */
#define IOCTL_BUS_SCAN BUS_CODE(0x803)
/* How many children are present, missing and pending: three ULONGs. */
#define IOCTL_BUS_COUNT BUS_CODE(0x804)
/* A static child of that number is made; all of them are missing. */
#define IOCTL_BUS_SOLDER BUS_CODE(0x805)
#define IOCTL_BUS_UNSOLDER BUS_CODE(0x806)
/* The position of what is in a slot: as the bus knows it. */
#define IOCTL_BUS_POSITION BUS_CODE(0x807)

/* To what is in a slot: its number; its position; the same from the bus, to which the
 * request is forwarded, with an ULONG that the driver fills in;
 * that its device has failed and is to be enumerated anew; that it goes with the next slot when that is
 * ejected. Reads wait. */
#define IOCTL_SLOT_NUMBER BUS_CODE(0x810)
#define IOCTL_SLOT_POSITION BUS_CODE(0x811)
#define IOCTL_SLOT_ASK_BUS BUS_CODE(0x812)
#define IOCTL_SLOT_FAIL BUS_CODE(0x813)
#define IOCTL_SLOT_MISSING BUS_CODE(0x814)

#endif
