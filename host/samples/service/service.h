/* What apps ask the driver for. */
#pragma once

/* How often it was asked, in four bytes. */
#define IOCTL_SERVICE_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
