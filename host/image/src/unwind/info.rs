//! UNWIND_INFO: what a function's prolog did.

/// One step of a prolog, as unwind information tells it.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Push(usize),
    Allocate(u32),
    SetFrame,
    Save {
        register: usize,
        offset: u32,
    },
    /// An SSE register was saved.
    SaveVector {
        register: usize,
        offset: u32,
    },
    /// A step that changes none of the registers this walk follows.
    Nothing,
    MachineFrame {
        error_code: bool,
    },
}

/// UNWIND_INFO, decoded.
pub(super) struct UnwindInfo {
    pub prolog_bytes: u8,
    /// The frame register and its distance from the stack pointer.
    pub frame: Option<(usize, u64)>,
    /// Offset of the end of each instruction in the prolog, and what it did; last one first.
    pub operations: Vec<(u8, Operation)>,
    /// Where the rest of it is.
    pub chained: Option<u32>,
    /// The routine that is asked about exceptions in the function.
    pub handler: Option<Handler>,
}

/// What a function's unwind information says about exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// RVA of the language's handler.
    pub routine: u32,
    /// RVA of its data, which the compiler made for it.
    pub data: u32,
    /// Whether it is asked for a handler of an exception.
    pub searches: bool,
    /// Whether it is told that the function's frame is left.
    pub unwinds: bool,
}

impl UnwindInfo {
    pub fn parse(image: &[u8], rva: u32) -> Option<Self> {
        const SEARCHES: u8 = 1;
        const UNWINDS: u8 = 2;
        const CHAINED: u8 = 4;
        let data = image.get(rva as usize..)?;
        let [version_flags, prolog_bytes, count, frame] = *data.first_chunk()?;
        let (version, flags) = (version_flags & 7, version_flags >> 3);
        if !matches!(version, 1 | 2) {
            return None;
        }
        let frame =
            (frame & 15 != 0).then(|| (usize::from(frame & 15), u64::from(frame >> 4) * 16));
        let count = usize::from(count);
        let codes = data.get(4..4 + 2 * count)?;
        let mut codes = codes.chunks_exact(2).map(|code| [code[0], code[1]]);
        let mut operations = Vec::new();
        while let Some([at, code]) = codes.next() {
            let info = code >> 4;
            let mut slot = || codes.next().map(u16::from_le_bytes);
            let register = usize::from(info);
            let operation = match (code & 15, version) {
                (0, _) => Operation::Push(register),
                (1, _) if info == 0 => Operation::Allocate(u32::from(slot()?) * 8),
                (1, _) if info == 1 => Operation::Allocate(long(slot()?, slot()?)),
                (2, _) => Operation::Allocate(u32::from(info) * 8 + 8),
                (3, _) => Operation::SetFrame,
                (4, _) => Operation::Save {
                    register,
                    offset: u32::from(slot()?) * 8,
                },
                (5, _) => Operation::Save {
                    register,
                    offset: long(slot()?, slot()?),
                },
                // Version 2 says here where the epilogs are; this walk finds them by decoding.
                (6, 2) => Operation::Nothing,
                // Half of an XMM register was saved, which no compiler does any more.
                (6, _) => slot().map(|_| Operation::Nothing)?,
                (7, _) => slot().and_then(|_| slot()).map(|_| Operation::Nothing)?,
                (8, _) => Operation::SaveVector {
                    register,
                    offset: u32::from(slot()?) * 16,
                },
                (9, _) => Operation::SaveVector {
                    register,
                    offset: long(slot()?, slot()?),
                },
                (10, _) if info < 2 => Operation::MachineFrame {
                    error_code: info == 1,
                },
                _ => return None,
            };
            operations.push((at, operation));
        }
        let behind = 4 + 2 * count.next_multiple_of(2);
        let word = |at: usize| Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?));
        let (mut chained, mut handler) = (None, None);
        if flags & CHAINED != 0 {
            chained = Some(word(behind + 8)?);
        } else if flags & (SEARCHES | UNWINDS) != 0 {
            handler = Some(Handler {
                routine: word(behind)?,
                data: rva.checked_add(u32::try_from(behind + 4).ok()?)?,
                searches: flags & SEARCHES != 0,
                unwinds: flags & UNWINDS != 0,
            });
        }
        Some(Self {
            prolog_bytes,
            frame,
            operations,
            chained,
            handler,
        })
    }
}

/// Two slots of an unwind code as one number.
fn long(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}
