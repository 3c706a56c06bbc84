//! The processor itself: executes one instruction on given registers and memory. What it
//! leaves is what the emulation has to leave.

use std::{mem::MaybeUninit, ptr};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use kmdf_host::access::Registers;

/// Bytes of memory that an instruction may access.
pub(super) const WINDOW: usize = 1024;

const CODE: usize = 0;
const CONTEXT: usize = 4096;
const MEMORY: usize = 8192;
const TOTAL: usize = MEMORY + WINDOW;

/// Offsets in the context: the registers, and the host's stack pointer.
const GPR: usize = CONTEXT;
const FLAGS: usize = CONTEXT + 16 * 8;
const HOST_STACK: usize = FLAGS + 8;
const XMM: usize = CONTEXT + 256;

/// A page of code that sets all registers, executes one instruction and stores all registers.
pub(super) struct Processor {
    base: *mut u8,
}

impl Processor {
    pub fn new() -> Self {
        // Below 4 GiB, for instructions with 32-bit addresses.
        let base = (0x1000_0000..0x7000_0000)
            .step_by(1 << 20)
            .find_map(|address| {
                // SAFETY: `FIXED_NOREPLACE` makes it fail where something is mapped already.
                unsafe {
                    mmap_anonymous(
                        ptr::with_exposed_provenance_mut(address),
                        TOTAL,
                        ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC,
                        MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE,
                    )
                }
                .ok()
            });
        Self {
            base: base.expect("memory for code").cast(),
        }
    }

    /// Where the memory that instructions may access begins.
    pub fn window(&self) -> u64 {
        (self.base.expose_provenance() + MEMORY) as u64
    }

    /// Where the instruction is when it is executed.
    pub fn instruction_address(&self) -> u64 {
        let (before, _) = frame(&[]);
        (self.base.expose_provenance() + CODE + before.len()) as u64
    }

    /// Executes an instruction that neither faults nor branches, and whose accesses are all in
    /// the window. `rip` is set as after it.
    pub fn execute(&mut self, instruction: &[u8], registers: &mut Registers, memory: &mut [u8]) {
        let (mut code, after) = frame(instruction);
        code.extend(after);
        self.put(CODE, &code);
        for (index, value) in registers.gpr.iter().enumerate() {
            self.put(GPR + 8 * index, &value.to_le_bytes());
        }
        self.put(FLAGS, &registers.rflags.to_le_bytes());
        for (index, value) in registers.xmm.iter().enumerate() {
            self.put(XMM + 16 * index, &value.to_le_bytes());
        }
        self.put(MEMORY, memory);

        // SAFETY: the code at `base` is a function without arguments that keeps the registers a
        // callee has to keep; `frame` wrote it.
        let run: extern "C" fn() = unsafe { std::mem::transmute(self.base) };
        let signals = Signals::block();
        run();
        drop(signals);

        for (index, value) in registers.gpr.iter_mut().enumerate() {
            *value = u64::from_le_bytes(self.get(GPR + 8 * index));
        }
        registers.rflags = u64::from_le_bytes(self.get(FLAGS));
        for (index, value) in registers.xmm.iter_mut().enumerate() {
            *value = u128::from_le_bytes(self.get(XMM + 16 * index));
        }
        registers.rip += instruction.len() as u64;
        for (index, bytes) in memory.chunks_exact_mut(8).enumerate() {
            bytes.copy_from_slice(&self.get::<8>(MEMORY + 8 * index));
        }
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= TOTAL);
        let target = self.base.wrapping_add(offset);
        // SAFETY: the range lies in the mapping, as just checked, which nothing else refers to.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
    }

    fn get<const N: usize>(&self, offset: usize) -> [u8; N] {
        assert!(offset + N <= TOTAL);
        let source: *const [u8; N] = self.base.wrapping_add(offset).cast();
        // SAFETY: the range lies in the mapping, as just checked; bytes may have any value.
        unsafe { source.read_unaligned() }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // SAFETY: the mapping is this object's own, and nothing refers to it any more.
        let _ = unsafe { munmap(self.base.cast(), TOTAL) };
    }
}

/// No signal handler runs while this exists: the stack pointer is the
/// instruction's operand, and no stack.
struct Signals {
    before: libc::sigset_t,
}

impl Signals {
    fn block() -> Self {
        let mut all = MaybeUninit::uninit();
        // SAFETY: it fills the set that it is given.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        let mut before = MaybeUninit::uninit();
        // SAFETY: the first set was filled just now, the second is written.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
        Self {
            // SAFETY: `pthread_sigmask` wrote it; it fails for a wrong first argument only.
            before: unsafe { before.assume_init() },
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // SAFETY: the set is one that was in force, and the old one is not asked for.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

/// The code before and after the instruction.
fn frame(instruction: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut code = Code(Vec::new());
    // push rbx, rbp, r12 to r15, and the flags
    code.bytes(&[
        0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x9c,
    ]);
    code.relative(&[0x48, 0x89, 0x25], HOST_STACK);
    for index in 0..16 {
        code.xmm(0x10, index);
    }
    // push [FLAGS]; popfq
    code.relative(&[0xff, 0x35], FLAGS);
    code.bytes(&[0x9d]);
    for index in (0..16).filter(|index| *index != 4).chain([4]) {
        code.gpr(0x8b, index);
    }
    let before = code.0.clone();

    code.bytes(instruction);
    let start = code.0.len();
    for index in 0..16 {
        code.gpr(0x89, index);
    }
    code.relative(&[0x48, 0x8b, 0x25], HOST_STACK);
    // pushfq; pop [FLAGS]
    code.bytes(&[0x9c]);
    code.relative(&[0x8f, 0x05], FLAGS);
    for index in 0..16 {
        code.xmm(0x11, index);
    }
    // popfq, the other registers, ret
    code.bytes(&[
        0x9d, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3,
    ]);
    let after = code.0.split_off(start);
    let mut before_and_instruction = before;
    before_and_instruction.extend(instruction);
    (before_and_instruction, after)
}

/// Code that addresses its context relative to `rip`.
struct Code(Vec<u8>);

impl Code {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// An instruction that ends with a 32-bit distance to `target`.
    fn relative(&mut self, opcode: &[u8], target: usize) {
        self.bytes(opcode);
        let next = CODE + self.0.len() + 4;
        let distance =
            i32::try_from(target.cast_signed() - next.cast_signed()).expect("a near target");
        self.bytes(&distance.to_le_bytes());
    }

    /// `mov` between a general register and its place.
    fn gpr(&mut self, opcode: u8, index: u8) {
        let opcode = [0x48 | index >> 3 << 2, opcode, 0x05 | (index & 7) << 3];
        self.relative(&opcode, GPR + 8 * usize::from(index));
    }

    /// `movups` between an SSE register and its place.
    fn xmm(&mut self, opcode: u8, index: u8) {
        let opcode = [
            0x40 | index >> 3 << 2,
            0x0f,
            opcode,
            0x05 | (index & 7) << 3,
        ];
        self.relative(&opcode, XMM + 16 * usize::from(index));
    }
}
