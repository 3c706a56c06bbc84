/* What the card, its driver and their test agree on. */
#pragma once

/* BAR 0, I/O ports. */
#define CARD_ID 0x00      /* ULONG: CARD_MAGIC */
#define CARD_RING 0x04    /* ULONG: the message with that number is sent */
#define CARD_WIDTH 0x08   /* read: how many bytes wide the access is, in each of its bytes */
#define CARD_STREAM 0x0C  /* read: a number that counts; written: added to the sum */
#define CARD_SUM 0x10     /* ULONG: the sum of what was written to the stream */
#define CARD_MAGIC 0x44524143

/* BAR 2, memory: the MSI-X table and its pending bits. */
#define CARD_TABLE 0x000
#define CARD_PENDING 0x800
#define CARD_MESSAGES 5

/* A capability of the card's own, with a number in its fourth byte. */
#define CARD_CAPABILITY 0x09
#define CARD_CAPABILITY_NUMBER 0x5A

/* {0d0c6d2b-8f7e-4b59-9d6a-7ef4b0b3c2a5} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_CARD, 0x0d0c6d2b, 0x8f7e, 0x4b59, 0x9d, 0x6a, 0x7e, 0xf4, 0xb0,
    0xb3, 0xc2, 0xa5);

/* Makes one check. The input is its name, in ASCII. The output, an ULONG, is 0, or the line of the driver's
 * source where something was not as it should be. */
#define IOCTL_CARD_CHECK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Answered by IoCompleteRequest, before the framework sees it. The output, an ULONG, is how many control requests
 * were before. */
#define IOCTL_CARD_PREPROCESSED CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Signals an event of the app's. The input is its handle, 8 bytes. */
#define IOCTL_CARD_SIGNAL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Sends each message and waits for it. The output, an ULONG, is how many interrupts there are. */
#define IOCTL_CARD_RING CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
