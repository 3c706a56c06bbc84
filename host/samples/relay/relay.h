/* What the relay driver and its test agree on. */
#pragma once

/* {6a0f3c1e-52d4-4c0b-8f0e-3d7b1c9a4e21} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_RELAY, 0x6a0f3c1e, 0x52d4, 0x4c0b, 0x8f, 0x0e, 0x3d, 0x7b, 0x1c, 0x9a, 0x4e,
    0x21);

#define RELAY_CODE(function) CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Gives its input back in reverse. */
#define IOCTL_RELAY_REVERSE RELAY_CODE(0x800)
/* Sends IOCTL_RELAY_REVERSE with its input to the device itself, past whoever is above it. */
#define IOCTL_RELAY_SELF RELAY_CODE(0x801)
/* The name of the device's interface, in UTF-16. */
#define IOCTL_RELAY_NAME RELAY_CODE(0x802)
/* Opens what has a name, in UTF-16: with callbacks of its own for the removal of what is open, or without. */
#define IOCTL_RELAY_OPEN RELAY_CODE(0x803)
#define IOCTL_RELAY_OPEN_TOLD RELAY_CODE(0x804)
/* Sends IOCTL_RELAY_REVERSE with its input to what is open, as a control request or as an internal one. */
#define IOCTL_RELAY_SEND RELAY_CODE(0x805)
#define IOCTL_RELAY_SEND_INTERNAL RELAY_CODE(0x806)
/* Sends an internal request with other arguments: the output, an ULONG, is the sum of two numbers that they lead to. */
#define IOCTL_RELAY_SEND_OTHERS RELAY_CODE(0x807)
/* Closes what is open. */
#define IOCTL_RELAY_CLOSE RELAY_CODE(0x808)
/* The state of the target, an ULONG. */
#define IOCTL_RELAY_STATE RELAY_CODE(0x809)
/* What the device was assigned, two ULONGs: how many messages, and the number of its own requirement. */
#define IOCTL_RELAY_ASSIGNED RELAY_CODE(0x80A)
/* Sent to the device itself by a request that is formatted with a stack location. */
#define IOCTL_RELAY_LOCATION RELAY_CODE(0x80B)
/* Waits for its cancellation. */
#define IOCTL_RELAY_WAIT RELAY_CODE(0x80C)
/* Sends IOCTL_RELAY_WAIT to what is open, with a limit of 10 ms. */
#define IOCTL_RELAY_SEND_WAIT RELAY_CODE(0x80D)
/* Has the removal of this device remove the one that is open, too. */
#define IOCTL_RELAY_RELATE RELAY_CODE(0x80E)
/* Breaks a rule. The input, an ULONG, says which. */
#define IOCTL_RELAY_BREAK RELAY_CODE(0x80F)

/* How many messages the device asks for, at most, and the number of its own requirement. */
#define RELAY_MESSAGES 2
#define RELAY_PRIVATE 0x5E1F

/* What IOCTL_RELAY_BREAK does. */
#define RELAY_BREAK_RESOURCES 0  /* removes a descriptor from a list that cannot be changed any more */
#define RELAY_BREAK_TARGET 1     /* closes the local target */
#define RELAY_BREAK_UNOPENED 2   /* sends to a target that is not open */
#define RELAY_BREAK_CONTEXT 3    /* dispatches its own IRP with a context that is none */
#define RELAY_BREAK_MISSING 4    /* reports a function that the framework has not */
#define RELAY_BREAK_EXTENSION 5  /* does what only class extensions may */
#define RELAY_BREAK_FRAMEWORK 6  /* assigns settings of the power framework when the device was started */
