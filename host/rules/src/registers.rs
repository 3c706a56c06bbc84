//! Register accesses. A device says what it does not take: see `Misuse`.

use crate::rule::declare;

declare! { Registers:
    REGISTER_WIDTH = Own "RegisterWidth", "kmdf-host; the device's specification",
        "A register is read and written with a width and alignment that it supports.";
    REGISTER_UNDECODED = Own "RegisterUndecoded", "kmdf-host; the device's specification",
        "Only readable registers are read, and only writable registers are written.";
    REGISTER_OUTSIDE_D0 = Own "RegisterOutsideD0", "kmdf-host; Driver Access to Hardware (Windows Driver Frameworks)",
        "The registers of a device are accessed only from EvtDevicePrepareHardware or EvtDeviceD0Entry until EvtDeviceD0Exit.";
    REGISTER_BUSY = Own "RegisterBusy", "kmdf-host; the device's specification",
        "A register is not written while the device ignores it because it still works on an earlier command.";
}
