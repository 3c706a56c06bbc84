/* What the echo driver and its users agree on. */
#pragma once

/* {6f1c0b5e-5d0e-4f0c-9a53-1a8d6a7c41e0} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_ECHO, 0x6f1c0b5e, 0x5d0e, 0x4f0c, 0x9a, 0x53, 0x1a, 0x8d, 0x6a,
    0x7c, 0x41, 0xe0);

/* The longest message, in bytes. A longer write fails with STATUS_INVALID_BUFFER_SIZE. */
#define ECHO_LONGEST 4096
/* How many messages wait at most. One more write fails with STATUS_DEVICE_BUSY. */
#define ECHO_MOST 8
/* How long a message takes to come back, in milliseconds. */
#define ECHO_DELAY_MS 10

/* How many messages wait: an ULONG. */
#define IOCTL_ECHO_WAITING CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS)
/* The bytes of the input in reverse, by the app's own buffers. */
#define IOCTL_ECHO_REVERSE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_NEITHER, FILE_ANY_ACCESS)
