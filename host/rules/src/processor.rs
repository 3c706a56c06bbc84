//! Instructions that end a system.

use crate::rule::declare;

declare! { Processor:
    UNHANDLED_EXCEPTION = System "UnhandledException", "bug checks 0x1E, KMODE_EXCEPTION_NOT_HANDLED, and 0x7E",
        "A driver asks for nothing that the kernel answers with an exception, unless it handles it.";
    BAD_CALLBACK = System "BadCallback", "bug check 0xFC",
        "A callback that the driver registers points to code of the driver.";
    BREAKPOINT = System "Breakpoint", "bug check 0x7E",
        "The driver executes no int3: without a debugger it ends the system.";
    INVALID_OPCODE = System "InvalidOpcode", "bug check 0x7F",
        "The driver executes only instructions that the processor supports.";
    DIVIDE_ERROR = System "DivideError", "bug check 0x7F",
        "The driver does not divide by zero.";
    FAST_FAIL = System "FastFail", "bug check 0x139, KERNEL_SECURITY_CHECK_FAILURE",
        "The driver's own security checks succeed.";
    PRIVILEGED_INSTRUCTION = Own "PrivilegedInstruction", "kmdf-host",
        "The driver does not change processor state that belongs to the kernel, and accesses only I/O ports of its own resources.";
    KE_BUG_CHECK = System "KeBugCheckEx", "KeBugCheckEx, WdfVerifierKeBugCheck",
        "The driver does not call a bug check.";
}
