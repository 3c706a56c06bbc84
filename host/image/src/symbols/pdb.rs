//! A PDB that belongs to an image.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt, io,
    ops::Range,
    path::{Path, PathBuf},
};

use pdb_addr2line::{
    ContextPdbData, TypeFormatterFlags,
    pdb::{PDB, Source, SourceSlice, SourceView},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{child::in_child, frame::Frame, readable};
use crate::{CodeView, Image};

/// Why a PDB could not be used.
#[derive(Debug, Error)]
pub enum SymbolError {
    /// The file that was asked for cannot be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The PDB.
        path: PathBuf,
        /// What Linux says.
        reason: io::Error,
    },
    /// The file is no PDB, or a damaged one.
    #[error("{}: no PDB, or a damaged one: {reason}", path.display())]
    Malformed {
        /// The PDB.
        path: PathBuf,
        /// What its reader says.
        reason: String,
    },
    /// The PDB is another build's.
    #[error(
        "{} belongs to another build of {image} (it has {has}, the image asks for {wants}); give \
         the PDB that was linked together with the image",
        path.display()
    )]
    Mismatch {
        /// The PDB.
        path: PathBuf,
        /// The image's file name.
        image: String,
        /// GUID and age of the PDB.
        has: String,
        /// GUID and age that the image asks for.
        wants: String,
    },
    /// The image does not say which PDB is its own.
    #[error("{image} names no PDB, so {} cannot be known to be its own; link with /DEBUG", path.display())]
    Unnamed {
        /// The PDB.
        path: PathBuf,
        /// The image's file name.
        image: String,
    },
}

/// What is read of a PDB at most, in multiples of its length. Each stream is read a few times; a damaged
/// PDB may name the same pages for many streams.
const MOST_READ: usize = 16;

/// The bytes of a PDB. No request for them takes more memory than the file warrants, whatever lengths
/// the file itself gives.
#[derive(Debug)]
struct Bytes<'a> {
    file: &'a [u8],
    /// How many bytes may still be asked for.
    left: usize,
}

impl<'a> Bytes<'a> {
    fn new(file: &'a [u8]) -> Self {
        let left = file.len().saturating_mul(MOST_READ);
        Self { file, left }
    }
}

impl<'a> Source<'a> for Bytes<'a> {
    fn view(
        &mut self,
        slices: &[SourceSlice],
    ) -> io::Result<Box<dyn SourceView<'a> + Send + Sync>> {
        let mut view = Vec::new();
        for slice in slices {
            let bytes = usize::try_from(slice.offset)
                .ok()
                .and_then(|start| self.file.get(start..start.checked_add(slice.size)?))
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| {
                io::Error::other("its streams together are longer than the file can be")
            })?;
            view.extend_from_slice(bytes);
        }
        Ok(Box::new(View(view)))
    }
}

/// One stream's bytes.
struct View(Vec<u8>);

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} bytes)", self.0.len())
    }
}

impl SourceView<'_> for View {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// A function: first byte, end where known, name.
pub(super) type Function = (u32, Option<u32>, String);

/// What is read of a PDB at once.
#[derive(Serialize, Deserialize)]
struct Contents {
    guid: [u8; 16],
    age: Option<u32>,
    /// By address; none if it is not the PDB that is wanted.
    functions: Vec<Function>,
}

/// A PDB that belongs to an image.
pub(super) struct Pdb {
    bytes: Vec<u8>,
    /// What was asked for already: the frames at each address of a piece of `PIECE` bytes, by the number
    /// of the piece. None where its reader fails.
    known: RefCell<BTreeMap<u32, Option<Vec<Vec<Frame>>>>>,
}

/// Bytes of code that are looked up together.
const PIECE: u32 = 512;

impl Pdb {
    /// Reads a PDB that has to be the one the image asks for. Gives its functions, too, by address.
    pub fn parse(
        path: &Path,
        bytes: Vec<u8>,
        image: &Image,
    ) -> Result<(Self, Vec<Function>), SymbolError> {
        let Some(wanted) = image.code_view() else {
            return Err(SymbolError::Unnamed {
                path: path.to_owned(),
                image: image.name().to_owned(),
            });
        };
        let malformed = |reason: String| SymbolError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let contents =
            in_child(|| Contents::read(&bytes, wanted).map_err(|error| error.to_string()))
                .map_err(|error| malformed(error.to_string()))?
                .map_err(malformed)?;
        if !contents.are(wanted) {
            return Err(SymbolError::Mismatch {
                path: path.to_owned(),
                image: image.name().to_owned(),
                has: identity(&contents.guid, contents.age.unwrap_or_default()),
                wants: identity(&wanted.guid, wanted.age),
            });
        }
        let pdb = Self {
            bytes,
            known: RefCell::default(),
        };
        Ok((pdb, contents.functions))
    }

    /// What is at an RVA, innermost function first; none if the PDB does not say.
    pub fn frames(&self, rva: u32) -> Option<Vec<Frame>> {
        let mut known = self.known.borrow_mut();
        let piece = known.entry(rva / PIECE).or_insert_with(|| {
            let start = rva / PIECE * PIECE;
            in_child(|| frames_of(&self.bytes, start..start.saturating_add(PIECE)).ok()).ok()?
        });
        let frames = piece.as_ref()?.get((rva % PIECE) as usize)?;
        (!frames.is_empty()).then(|| frames.clone())
    }
}

impl Contents {
    fn read(bytes: &[u8], wanted: &CodeView) -> Result<Self, pdb_addr2line::Error> {
        let mut pdb = PDB::open(Bytes::new(bytes))?;
        let mut contents = Self {
            guid: pdb.pdb_information()?.guid.to_bytes_le(),
            age: pdb.debug_information()?.age(),
            functions: Vec::new(),
        };
        if contents.are(wanted) {
            let data = ContextPdbData::try_from_pdb(pdb)?;
            contents.functions = data
                .make_context_with_formatter_flags(names_only())?
                .functions()
                .map(|function| {
                    let name = function.name.unwrap_or_else(|| "?".to_owned());
                    (function.start_rva, function.end_rva, readable(&name))
                })
                .collect();
        }
        Ok(contents)
    }

    /// Whether the PDB is the one that an image asks for.
    fn are(&self, wanted: &CodeView) -> bool {
        self.guid == wanted.guid && self.age.is_none_or(|age| age == wanted.age)
    }
}

/// What is at each RVA of a range, innermost function first.
fn frames_of(bytes: &[u8], range: Range<u32>) -> Result<Vec<Vec<Frame>>, pdb_addr2line::Error> {
    let data = ContextPdbData::try_from_pdb(PDB::open(Bytes::new(bytes))?)?;
    let context = data.make_context_with_formatter_flags(names_only())?;
    let frames_at = |rva| {
        let Ok(Some(found)) = context.find_frames(rva) else {
            return Vec::new();
        };
        let outermost = found.frames.len().saturating_sub(1);
        let frames = found.frames.into_iter().enumerate().map(|(index, frame)| {
            let function = frame.function.as_deref().unwrap_or("?");
            Frame {
                function: readable(function),
                offset: (index == outermost).then(|| rva.saturating_sub(found.start_rva)),
                file: frame.file.map(|file| file.replace('\\', "/")),
                line: frame.line,
            }
        });
        frames.collect()
    };
    Ok(range.map(frames_at).collect())
}

/// How functions are written.
fn names_only() -> TypeFormatterFlags {
    TypeFormatterFlags::default() | TypeFormatterFlags::NAME_ONLY | TypeFormatterFlags::NO_ARGUMENTS
}

/// GUID and age as symbol servers write them.
fn identity(guid: &[u8; 16], age: u32) -> String {
    let [a, b, c, d] = guid_fields(guid);
    format!("{a:08X}{b:04X}{c:04X}{d:016X}{age:x}")
}

/// The parts of a GUID: three numbers, little-endian in the file, and eight bytes in their order.
fn guid_fields(guid: &[u8; 16]) -> [u64; 4] {
    let little = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte))
    };
    let big = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    [
        little(&guid[..4]),
        little(&guid[4..6]),
        little(&guid[6..8]),
        big(&guid[8..]),
    ]
}
