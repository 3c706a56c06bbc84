//! Instructions that end a system.

use super::rule::rules;

rules! { Processor:
    BAD_CALLBACK = "BadCallback", "bug check 0xFC",
        "A callback that the driver registers is code of the driver.";
    BREAKPOINT = "Breakpoint", "bug check 0x7E",
        "The driver executes no int3: without a debugger it ends the system.";
    INVALID_OPCODE = "InvalidOpcode", "bug check 0x7F",
        "The driver executes instructions that the processor has.";
    DIVIDE_ERROR = "DivideError", "bug check 0x7F",
        "The driver does not divide by zero.";
    FAST_FAIL = "FastFail", "bug check 0x139, KERNEL_SECURITY_CHECK_FAILURE",
        "The driver's own security checks hold.";
    PRIVILEGED_INSTRUCTION = "PrivilegedInstruction", "kmdf-host",
        "The driver leaves the state of the processor to the kernel.";
    KE_BUG_CHECK = "KeBugCheckEx", "KeBugCheckEx, WdfVerifierKeBugCheck",
        "The driver does not end the system.";
}
