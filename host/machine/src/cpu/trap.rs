//! Traps: how an access, a breakpoint or a fault of driver code reaches the machine.
//!
//! A synchronous signal (SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGFPE), or the watchdog's, whose
//! instruction pointer lies in the driver's image is turned into a call: the handler, on its
//! alternate stack, writes a [`TrapFrame`] onto the interrupted stack and returns into a trampoline
//! there, which calls `on_trap` and then resumes the driver with `iretq`. So the host handles a trap like any call
//! from the driver: on the flow's own stack, free to allocate, to run an ISR nested above the
//! interrupted code, or to switch to another flow. x64 Windows code has no red zone, which is what
//! makes the memory below its stack pointer free.
//!
//! A fault of host code while it works for the driver has a pointer of the driver's as its usual
//! cause and takes the same way; a fault of the host outside of that is left to the system.

use std::{
    arch::naked_asm,
    cell::{Cell, UnsafeCell},
    ptr,
    sync::Once,
};

use super::{
    frame::{Trap, TrapFrame},
    watchdog,
};

/// What the signal handler must know of the thread it interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Territory {
    /// First address of the driver's image, and the one behind it.
    pub image: (u64, u64),
    /// First address of the running flow's stack that may be used, and the one behind it. Both 0
    /// while no flow runs.
    pub stack: (u64, u64),
}

impl Territory {
    const NONE: Self = Self {
        image: (0, 0),
        stack: (0, 0),
    };
}

/// Room that the handler leaves below the frame for the host's own work on the trap.
const STACK_RESERVE: u64 = 64 * 1024;

/// The stack on which a flow that has overflowed its own is reported.
const EMERGENCY_STACK_BYTES: usize = 256 * 1024;

#[repr(C, align(16))]
struct Stack(UnsafeCell<[u8; EMERGENCY_STACK_BYTES]>);

thread_local! {
    static TERRITORY: Cell<Territory> = const { Cell::new(Territory::NONE) };
    static SIGNAL_STACK: Box<Stack> = Box::new(Stack(UnsafeCell::new([0; EMERGENCY_STACK_BYTES])));
    static EMERGENCY_STACK: Box<Stack> =
        Box::new(Stack(UnsafeCell::new([0; EMERGENCY_STACK_BYTES])));
    static EMERGENCY_TOP: Cell<u64> = const { Cell::new(0) };
}

/// Tells the handler where this thread's driver image and running flow are.
pub(crate) fn set_territory(territory: Territory) {
    TERRITORY.set(territory);
}

/// The territory of this thread.
pub(crate) fn territory() -> Territory {
    TERRITORY.get()
}

/// The signals that [`install`] has handled here.
pub(crate) const SIGNALS: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGTRAP,
    libc::SIGILL,
    libc::SIGFPE,
    watchdog::SIGNAL,
];

/// Prepares this thread, and with the first call the process, for traps.
pub(crate) fn install() {
    static HANDLERS: Once = Once::new();
    SIGNAL_STACK.with(|stack| {
        let alternate = libc::stack_t {
            ss_sp: stack.0.get().cast(),
            ss_flags: 0,
            ss_size: EMERGENCY_STACK_BYTES,
        };
        // SAFETY: the stack lives as long as the thread, and nothing else uses it.
        let result = unsafe { libc::sigaltstack(&raw const alternate, ptr::null_mut()) };
        assert_eq!(result, 0, "sigaltstack refuses a valid stack");
    });
    EMERGENCY_STACK.with(|stack| {
        EMERGENCY_TOP.set(stack.0.get().addr() as u64 + EMERGENCY_STACK_BYTES as u64);
    });
    HANDLERS.call_once(|| {
        for signal in SIGNALS {
            // SAFETY: zero is a valid `sigaction`: no flags, an empty mask.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handle_signal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            // SAFETY: the handler is async-signal-safe: it reads and writes thread-locals without
            // destructors, the context it is given, and stack memory it has checked.
            let result = unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
            assert_eq!(result, 0, "sigaction refuses signal {signal}");
        }
    });
    watchdog::install();
}

extern "C" fn handle_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid context, which is ours alone until we return.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: the kernel passes a valid siginfo.
    let info = unsafe { &*info };
    let territory = TERRITORY.get();
    let registers = &mut context.uc_mcontext.gregs;
    let rip = registers[libc::REG_RIP as usize] as u64;
    let rsp = registers[libc::REG_RSP as usize] as u64;
    let in_image = (territory.image.0..territory.image.1).contains(&rip);
    let in_flow = territory.stack.1 != 0;
    if signal == watchdog::SIGNAL && !(in_image && in_flow && watchdog::is_due()) {
        return;
    }
    if !in_flow {
        return give_up(signal);
    }
    // SAFETY: for these signals the address field is the one the kernel filled, or 0.
    let address = unsafe { info.si_addr() } as u64;
    let trap = match signal {
        libc::SIGSEGV if info.si_code == libc::SI_KERNEL => Trap::GeneralProtection,
        libc::SIGSEGV => Trap::PageFault,
        libc::SIGBUS => Trap::Alignment,
        libc::SIGILL => Trap::InvalidOpcode,
        libc::SIGFPE => Trap::DivideError,
        watchdog::SIGNAL => Trap::Watchdog,
        _ if info.si_code == TRAP_TRACE => Trap::Step,
        _ => Trap::Breakpoint,
    };
    if !in_image && matches!(trap, Trap::Breakpoint | Trap::InvalidOpcode) {
        return give_up(signal);
    }
    let frame_bytes = size_of::<TrapFrame>() as u64;
    let room = territory.stack.0 + STACK_RESERVE + frame_bytes;
    let (top, entry) = if rsp > room && rsp <= territory.stack.1 {
        (rsp, resume_after as *const () as u64)
    } else {
        (EMERGENCY_TOP.get(), die as *const () as u64)
    };
    let frame = (top - frame_bytes) & !15;
    let selectors = registers[libc::REG_CSGSFS as usize] as u64;
    let gpr = [
        libc::REG_RAX,
        libc::REG_RCX,
        libc::REG_RDX,
        libc::REG_RBX,
        libc::REG_RSP,
        libc::REG_RBP,
        libc::REG_RSI,
        libc::REG_RDI,
        libc::REG_R8,
        libc::REG_R9,
        libc::REG_R10,
        libc::REG_R11,
        libc::REG_R12,
        libc::REG_R13,
        libc::REG_R14,
        libc::REG_R15,
    ]
    .map(|register| registers[register as usize] as u64);
    // SAFETY: the kernel saves the x87 and SSE state in the context for every 64-bit process, in
    // the layout of `fxsave64`.
    let fx = unsafe {
        context
            .uc_mcontext
            .fpregs
            .cast::<[u8; 512]>()
            .read_unaligned()
    };
    let interrupted = TrapFrame {
        fx,
        gpr,
        trap,
        fault_address: address,
        rip,
        cs: selectors & 0xFFFF,
        rflags: registers[libc::REG_EFL as usize] as u64,
        rsp,
        ss: USER_STACK_SEGMENT,
        error: registers[libc::REG_ERR as usize] as u64,
    };
    // SAFETY: `frame` is aligned and lies, with `frame_bytes` behind it, below the stack pointer
    // on a stack whose bounds were checked above, or at the top of the unused emergency stack.
    unsafe { ptr::with_exposed_provenance_mut::<TrapFrame>(frame as usize).write(interrupted) };
    registers[libc::REG_RSP as usize] = frame.cast_signed();
    registers[libc::REG_RIP as usize] = entry.cast_signed();
    // The host runs without the trap flag and with the direction flag the ABI wants; `iretq`
    // brings the driver's flags back.
    registers[libc::REG_EFL as usize] &= !(TRAP_FLAG | DIRECTION_FLAG);
}

/// `TRAP_TRACE`: the signal code of a single step.
const TRAP_TRACE: i32 = 2;
/// The stack segment of every 64-bit Linux process.
const USER_STACK_SEGMENT: u64 = 0x2B;
/// TF and DF in rflags.
pub const TRAP_FLAG: i64 = 1 << 8;
const DIRECTION_FLAG: i64 = 1 << 10;

/// Leaves the signal to the system: the faulting instruction runs again and ends the process.
fn give_up(signal: i32) {
    // SAFETY: resetting a signal to its default is async-signal-safe.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Runs with the stack pointer at a [`TrapFrame`]: handles it, then resumes from it.
///
/// # Safety
/// Only [`handle_signal`] makes a thread continue here.
#[unsafe(naked)]
unsafe extern "C" fn resume_after() {
    naked_asm!(
        "mov rdi, rsp",
        "mov rbx, rsp",
        "call {on_trap}",
        "mov rdi, rbx",
        "jmp {resume}",
        on_trap = sym on_trap,
        resume = sym resume,
    )
}

/// Goes on from a [`TrapFrame`]. What the stack holds below the frame's stack pointer is gone.
///
/// # Safety
/// The frame's registers must be those of driver code that can go on, on the stack of the running flow, and
/// no frame of the host's that is left may own anything.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn resume(frame: *const TrapFrame) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "fxrstor64 [rsp + {fx}]",
        "mov rax, [rsp + {gpr} + 0x00]",
        "mov rcx, [rsp + {gpr} + 0x08]",
        "mov rdx, [rsp + {gpr} + 0x10]",
        "mov rbx, [rsp + {gpr} + 0x18]",
        "mov rbp, [rsp + {gpr} + 0x28]",
        "mov rsi, [rsp + {gpr} + 0x30]",
        "mov rdi, [rsp + {gpr} + 0x38]",
        "mov r8,  [rsp + {gpr} + 0x40]",
        "mov r9,  [rsp + {gpr} + 0x48]",
        "mov r10, [rsp + {gpr} + 0x50]",
        "mov r11, [rsp + {gpr} + 0x58]",
        "mov r12, [rsp + {gpr} + 0x60]",
        "mov r13, [rsp + {gpr} + 0x68]",
        "mov r14, [rsp + {gpr} + 0x70]",
        "mov r15, [rsp + {gpr} + 0x78]",
        "lea rsp, [rsp + {iret}]",
        "iretq",
        fx = const TrapFrame::FX,
        gpr = const TrapFrame::GPR,
        iret = const TrapFrame::IRET,
    )
}

/// Runs on the emergency stack for a flow whose own stack has no room left.
///
/// # Safety
/// Only [`handle_signal`] makes a thread continue here.
#[unsafe(naked)]
unsafe extern "C" fn die() {
    naked_asm!(
        "mov rdi, rsp",
        "call {on_stack_overflow}",
        "ud2",
        on_stack_overflow = sym on_stack_overflow,
    )
}

extern "C" fn on_trap(frame: &mut TrapFrame) {
    crate::crossing::on_trap(frame);
}

extern "C" fn on_stack_overflow(frame: &mut TrapFrame) {
    crate::crossing::on_stack_overflow(frame);
}
