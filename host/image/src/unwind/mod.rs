//! Walks a driver's call stack by the image's unwind information (`.pdata`, `.xdata`), as
//! RtlVirtualUnwind does: through prologs and epilogs too, so a walk may begin at any instruction.
//!
//! Every address and count in the unwind information and on the stack is taken as hostile: a walk
//! always ends, and says why.

mod epilog;
mod info;

use std::{fmt, ops::Range};

use kmdf_instructions::Registers;

pub use self::info::Handler;
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
        let mut state = State(registers.clone());
        let mut frames = Vec::new();
        let end = loop {
            let Some(rva) = self.rva(state.0.rip) else {
                break StackEnd::Outside(state.0.rip);
            };
            if frames.len() == MOST_FRAMES {
                break StackEnd::TooDeep;
            }
            frames.push(rva);
            if let Err(reason) = state.leave(self.image(), rva, &mut read) {
                break reason;
            }
        };
        CallStack { frames, start, end }
    }

    /// Leaves the innermost function of a call stack: `registers` become those after its return, as far as
    /// functions preserve them. Returns what an exception handler must know of its frame.
    ///
    /// # Errors
    /// Why it cannot be left. The registers then have no meaning.
    pub fn unwind(
        &self,
        registers: &mut Registers,
        mut read: impl FnMut(u64) -> Option<u64>,
    ) -> Result<Frame, StackEnd> {
        let mut state = State(std::mem::take(registers));
        let rip = state.0.rip;
        let rva = self.rva(rip).ok_or(StackEnd::Outside(rip))?;
        let frame = state.leave(self.image(), rva, &mut read)?;
        *registers = state.0;
        Ok(frame)
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

/// The frame of a function that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function, unless it is a leaf.
    pub function: Option<Function>,
    /// The address by which exception handlers know the frame.
    pub establisher: u64,
    /// Its handler, where one is in force: behind the prolog, and not in an epilog.
    pub handler: Option<Handler>,
}

/// Why one frame could not be unwound.
enum Failure {
    Malformed,
    Unreadable(u64),
}

/// The registers while walking.
struct State(Registers);

impl State {
    /// Returns from the function at `rva`, if that makes sense.
    fn leave(
        &mut self,
        image: &Image,
        rva: u32,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Result<Frame, StackEnd> {
        let stack = self.0.gpr[RSP];
        match self.step(image, rva, read) {
            Ok(frame) if self.0.gpr[RSP] > stack => Ok(frame),
            Ok(_) | Err(Failure::Malformed) => Err(StackEnd::Malformed(rva)),
            Err(Failure::Unreadable(address)) => Err(StackEnd::Unreadable(address)),
        }
    }

    /// Returns from the function at `rva`.
    fn step(
        &mut self,
        image: &Image,
        rva: u32,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Result<Frame, Failure> {
        let mut frame = Frame {
            function: image.function_of(rva).cloned(),
            establisher: self.0.gpr[RSP],
            handler: None,
        };
        let Some(function) = image.function_of(rva) else {
            self.pop_rip(read)?;
            return Ok(frame);
        };
        let info =
            UnwindInfo::parse(image.layout(), function.unwind_info).ok_or(Failure::Malformed)?;
        if let Some(epilog) = Epilog::at(image.layout(), function, rva, info.frame) {
            self.run(&epilog, read)?;
            return Ok(frame);
        }

        let offset = rva - function.code.start;
        let in_prolog = offset < u32::from(info.prolog_bytes);
        let mut current = Some(info);
        for piece in 0..MOST_CHAINED {
            let Some(info) = current else {
                self.pop_rip(read)?;
                return Ok(frame);
            };
            frame.handler = info.handler.filter(|_| !in_prolog);
            // In the prolog only what has been executed is undone; of chained information all.
            let done = |at: u8| piece > 0 || u32::from(at) <= offset;
            let frame_base = match info.frame {
                Some((register, distance))
                    if piece > 0
                        || !in_prolog
                        || info.operations.iter().any(|(at, operation)| {
                            matches!(operation, Operation::SetFrame) && done(*at)
                        }) =>
                {
                    self.0.gpr[register].wrapping_sub(distance)
                }
                _ => self.0.gpr[RSP],
            };
            if piece == 0 {
                frame.establisher = frame_base;
            }
            for (_, operation) in info.operations.iter().filter(|(at, _)| done(*at)) {
                match *operation {
                    Operation::Push(register) => self.0.gpr[register] = self.pop(read)?,
                    Operation::Allocate(bytes) => self.release(u64::from(bytes)),
                    Operation::SetFrame => {
                        let (register, distance) = info.frame.ok_or(Failure::Malformed)?;
                        self.0.gpr[RSP] = self.0.gpr[register].wrapping_sub(distance);
                    }
                    Operation::Save { register, offset } => {
                        let address = frame_base.wrapping_add(u64::from(offset));
                        self.0.gpr[register] = read(address).ok_or(Failure::Unreadable(address))?;
                    }
                    Operation::SaveVector { register, offset } => {
                        let mut half = |address| read(address).ok_or(Failure::Unreadable(address));
                        let address = frame_base.wrapping_add(u64::from(offset));
                        let low = half(address)?;
                        let high = half(address.wrapping_add(8))?;
                        self.0.xmm[register] = u128::from(high) << 64 | u128::from(low);
                    }
                    Operation::Nothing => {}
                    Operation::MachineFrame { error_code } => {
                        if error_code {
                            self.release(8);
                        }
                        self.0.rip = self.pop(read)?;
                        // CS and RFLAGS come before RSP.
                        self.release(16);
                        self.0.gpr[RSP] = self.pop(read)?;
                        return Ok(frame);
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
            self.0.gpr[RSP] = self.0.gpr[register].wrapping_add(distance);
        }
        for register in &epilog.pops {
            self.0.gpr[*register] = self.pop(read)?;
        }
        self.pop_rip(read)
    }

    fn release(&mut self, bytes: u64) {
        self.0.gpr[RSP] = self.0.gpr[RSP].wrapping_add(bytes);
    }

    fn pop(&mut self, read: &mut impl FnMut(u64) -> Option<u64>) -> Result<u64, Failure> {
        let address = self.0.gpr[RSP];
        let value = read(address).ok_or(Failure::Unreadable(address))?;
        self.release(8);
        Ok(value)
    }

    fn pop_rip(&mut self, read: &mut impl FnMut(u64) -> Option<u64>) -> Result<(), Failure> {
        self.0.rip = self.pop(read)?;
        Ok(())
    }
}
