//! Walks a driver's call stack by the image's unwind information (`.pdata`, `.xdata`), as
//! RtlVirtualUnwind does: through prologs and epilogs too, so a walk may begin at any instruction.
//!
//! Every address and count in the unwind information and on the stack is taken as hostile: a walk
//! always ends, and says why.

mod epilog;
mod info;

use std::{fmt, ops::Range};

use kmdf_instructions::Registers;

use self::{
    epilog::Epilog,
    info::{Operation, UnwindInfo},
};
use super::{map::MappedImage, pe::Image};

/// The most frames of one walk.
const MOST_FRAMES: usize = 256;
/// The most pieces of unwind information of one function.
const MOST_CHAINED: usize = 32;

/// Index of `rsp` in [`Registers::gpr`].
const RSP: usize = 4;

/// A function with unwind information: an entry of `.pdata`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The RVAs of its code.
    pub code: Range<u32>,
    /// RVA of its unwind information.
    pub(crate) unwind_info: u32,
}

/// Where a walk came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackEnd {
    /// The image was called from outside: the return address.
    Outside(u64),
    /// The stack cannot be read at this address.
    Unreadable(u64),
    /// The unwind information of the function at this RVA makes no sense.
    Malformed(u32),
    /// More frames than any sane stack has.
    TooDeep,
}

impl fmt::Display for StackEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(address) => write!(f, "called from outside the image ({address:#x})"),
            Self::Unreadable(address) => write!(f, "the stack at {address:#x} cannot be read"),
            Self::Malformed(rva) => write!(f, "no sane unwind information for RVA {rva:#x}"),
            Self::TooDeep => write!(f, "more than {MOST_FRAMES} frames"),
        }
    }
}

/// What a walk begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackStart {
    /// An instruction of the driver that is about to be executed: it trapped or was interrupted.
    Instruction,
    /// A return address: the driver called a function of the host.
    Return,
}

/// A call stack, innermost frame first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStack {
    /// RVAs: first the instruction or the return address where the walk began, then return
    /// addresses.
    pub frames: Vec<u32>,
    /// What the first of them is.
    pub start: StackStart,
    /// Why it ends there.
    pub end: StackEnd,
}

impl CallStack {
    /// RVAs to name the frames by: an instruction's own, and of a return address the byte before
    /// it, which is the call's.
    pub fn lookups(&self) -> impl Iterator<Item = u32> {
        self.frames.iter().enumerate().map(|(depth, rva)| {
            let is_return = depth > 0 || self.start == StackStart::Return;
            rva.saturating_sub(u32::from(is_return))
        })
    }
}

impl MappedImage {
    /// The call stack of driver code that trapped or was interrupted: `registers.rip` is its next
    /// instruction. As far as it lies in this image. `read` reads eight bytes of the driver's
    /// memory, or says that it cannot.
    pub fn call_stack(
        &self,
        registers: &Registers,
        read: impl FnMut(u64) -> Option<u64>,
    ) -> CallStack {
        self.walk(registers, StackStart::Instruction, read)
    }

    /// The call stack of driver code that called a function of the host: `registers` are those
    /// after its return, `registers.rip` the return address. Otherwise like
    /// [`MappedImage::call_stack`].
    pub fn call_stack_after_return(
        &self,
        registers: &Registers,
        read: impl FnMut(u64) -> Option<u64>,
    ) -> CallStack {
        self.walk(registers, StackStart::Return, read)
    }

    fn walk(
        &self,
        registers: &Registers,
        start: StackStart,
        mut read: impl FnMut(u64) -> Option<u64>,
    ) -> CallStack {
        let mut state = State {
            gpr: registers.gpr,
            rip: registers.rip,
        };
        let mut frames = Vec::new();
        let end = loop {
            let Some(rva) = self.rva(state.rip) else {
                break StackEnd::Outside(state.rip);
            };
            if frames.len() == MOST_FRAMES {
                break StackEnd::TooDeep;
            }
            frames.push(rva);
            let stack = state.gpr[RSP];
            match state.step(self.image(), rva, &mut read) {
                Ok(()) if state.gpr[RSP] > stack => {}
                Ok(()) | Err(Failure::Malformed) => break StackEnd::Malformed(rva),
                Err(Failure::Unreadable(address)) => break StackEnd::Unreadable(address),
            }
        };
        CallStack { frames, start, end }
    }
}

impl Image {
    /// The function whose code holds an RVA, if it has unwind information. A function without is a
    /// leaf: it changes no register that survives a call, and not the stack.
    #[must_use]
    pub fn function_of(&self, rva: u32) -> Option<&Function> {
        let functions = self.functions();
        let after = functions.partition_point(|function| function.code.start <= rva);
        let function = functions.get(after.checked_sub(1)?)?;
        function.code.contains(&rva).then_some(function)
    }
}

/// Why one frame could not be unwound.
enum Failure {
    Malformed,
    Unreadable(u64),
}

/// The registers while walking.
struct State {
    gpr: [u64; 16],
    rip: u64,
}

impl State {
    /// Returns from the function at `rva`.
    fn step(
        &mut self,
        image: &Image,
        rva: u32,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Result<(), Failure> {
        let Some(function) = image.function_of(rva) else {
            return self.pop_rip(read);
        };
        let info =
            UnwindInfo::parse(image.layout(), function.unwind_info).ok_or(Failure::Malformed)?;
        if let Some(epilog) = Epilog::at(image.layout(), function, rva, info.frame) {
            return self.run(&epilog, read);
        }

        let offset = rva - function.code.start;
        let mut current = Some(info);
        for piece in 0..MOST_CHAINED {
            let Some(info) = current else {
                return self.pop_rip(read);
            };
            // In the prolog only what has been executed is undone; of chained information all.
            let done = |at: u8| piece > 0 || u32::from(at) <= offset;
            let frame_base = match info.frame {
                Some((register, distance))
                    if piece > 0
                        || offset >= u32::from(info.prolog_bytes)
                        || info.operations.iter().any(|(at, operation)| {
                            matches!(operation, Operation::SetFrame) && done(*at)
                        }) =>
                {
                    self.gpr[register].wrapping_sub(distance)
                }
                _ => self.gpr[RSP],
            };
            for (_, operation) in info.operations.iter().filter(|(at, _)| done(*at)) {
                match *operation {
                    Operation::Push(register) => self.gpr[register] = self.pop(read)?,
                    Operation::Allocate(bytes) => self.release(u64::from(bytes)),
                    Operation::SetFrame => {
                        let (register, distance) = info.frame.ok_or(Failure::Malformed)?;
                        self.gpr[RSP] = self.gpr[register].wrapping_sub(distance);
                    }
                    Operation::Save { register, offset } => {
                        let address = frame_base.wrapping_add(u64::from(offset));
                        self.gpr[register] = read(address).ok_or(Failure::Unreadable(address))?;
                    }
                    Operation::Nothing => {}
                    Operation::MachineFrame { error_code } => {
                        if error_code {
                            self.release(8);
                        }
                        self.rip = self.pop(read)?;
                        // CS and RFLAGS come before RSP.
                        self.release(16);
                        self.gpr[RSP] = self.pop(read)?;
                        return Ok(());
                    }
                }
            }
            current = match info.chained {
                None => None,
                Some(rva) => {
                    Some(UnwindInfo::parse(image.layout(), rva).ok_or(Failure::Malformed)?)
                }
            };
        }
        Err(Failure::Malformed)
    }

    /// Executes the rest of an epilog.
    fn run(
        &mut self,
        epilog: &Epilog,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Result<(), Failure> {
        if let Some((register, distance)) = epilog.stack {
            self.gpr[RSP] = self.gpr[register].wrapping_add(distance);
        }
        for register in &epilog.pops {
            self.gpr[*register] = self.pop(read)?;
        }
        self.pop_rip(read)
    }

    fn release(&mut self, bytes: u64) {
        self.gpr[RSP] = self.gpr[RSP].wrapping_add(bytes);
    }

    fn pop(&mut self, read: &mut impl FnMut(u64) -> Option<u64>) -> Result<u64, Failure> {
        let address = self.gpr[RSP];
        let value = read(address).ok_or(Failure::Unreadable(address))?;
        self.release(8);
        Ok(value)
    }

    fn pop_rip(&mut self, read: &mut impl FnMut(u64) -> Option<u64>) -> Result<(), Failure> {
        self.rip = self.pop(read)?;
        Ok(())
    }
}
