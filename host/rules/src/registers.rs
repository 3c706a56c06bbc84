//! Register accesses. A device says what it does not take: see `Misuse`.

use crate::rule::declare;

declare! { Registers:
    REGISTER_WIDTH = Own "RegisterWidth", "kmdf-host; the device's specification",
        "A register is read and written with a width and alignment that it takes.";
    REGISTER_UNDECODED = Own "RegisterUndecoded", "kmdf-host; the device's specification",
        "Registers are read where something can be read, and written where something can be written.";
    REGISTER_BUSY = Own "RegisterBusy", "kmdf-host; the device's specification",
        "A register is written when the device heeds it: not while it works on what it was told before.";
}
