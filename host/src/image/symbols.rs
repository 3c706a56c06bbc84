//! Names for the image's addresses: from its PDB, or from its exports where there is none.

use std::{
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use pdb_addr2line::{Context, ContextPdbData, TypeFormatterFlags, pdb};
use rustc_demangle::try_demangle;
use self_cell::self_cell;
use thiserror::Error;

use super::pe::{CodeView, Image, Target};

/// Why a PDB could not be used.
#[derive(Debug, Error)]
pub enum SymbolError {
    /// The file that was asked for cannot be opened.
    #[error("{}: cannot be opened: {reason}", path.display())]
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

/// One function at an address. Several where functions were inlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function's name, readable.
    pub function: String,
    /// The address's distance from the function's first byte. Of the outermost function only: an
    /// inlined one has no address of its own.
    pub offset: Option<u32>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
}

impl Frame {
    /// Whether the function was inlined into the next frame's.
    #[must_use]
    pub const fn is_inlined(&self) -> bool {
        self.offset.is_none()
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match self.offset {
            Some(0) => {}
            Some(offset) => write!(f, "+{offset:#x}")?,
            None => f.write_str(" (inlined)")?,
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " at {file}:{line}"),
            (Some(file), None) => write!(f, " in {file}"),
            _ => Ok(()),
        }
    }
}

/// Where names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this PDB.
    Pdb(PathBuf),
    /// There is none: from the image's exports.
    Exports,
}

type PdbData = ContextPdbData<'static, 'static, File>;
type PdbContext<'a> = Context<'a, 'static>;

self_cell!(
    struct Pdb {
        owner: PdbData,
        #[not_covariant]
        dependent: PdbContext,
    }
);

/// The names of an image.
pub struct Symbols {
    image: String,
    source: Source,
    /// First byte, end where known, name; by address.
    functions: Vec<(u32, Option<u32>, String)>,
    pdb: Option<Pdb>,
}

impl fmt::Debug for Symbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbols")
            .field("image", &self.image)
            .field("source", &self.source)
            .field("functions", &self.functions.len())
            .finish_non_exhaustive()
    }
}

impl Symbols {
    /// The names of `image`: from `pdb` if it is given, else from the PDB beside the image, else
    /// from the image's exports.
    ///
    /// # Errors
    /// The PDB that was given cannot be opened; the PDB given or found is damaged or another
    /// build's.
    pub fn load(image: &Image, pdb: Option<&Path>) -> Result<Self, SymbolError> {
        let (path, file) = match pdb {
            Some(path) => match File::open(path) {
                Ok(file) => (path.to_owned(), file),
                Err(reason) => {
                    return Err(SymbolError::Unreadable {
                        path: path.to_owned(),
                        reason,
                    });
                }
            },
            None => match Self::beside(image) {
                Some(found) => found,
                None => return Ok(Self::of_exports(image)),
            },
        };
        let Some(wanted) = image.code_view() else {
            return Err(SymbolError::Unnamed {
                path,
                image: image.name().to_owned(),
            });
        };
        let pdb = Self::open(&path, file, image, wanted)?;
        let functions = pdb.with_dependent(|_, context| {
            context
                .functions()
                .map(|function| {
                    let name = function.name.unwrap_or_else(|| "?".to_owned());
                    (function.start_rva, function.end_rva, readable(&name))
                })
                .collect()
        });
        Ok(Self {
            image: image.name().to_owned(),
            source: Source::Pdb(path),
            functions,
            pdb: Some(pdb),
        })
    }

    /// The names that the image itself has.
    #[must_use]
    pub fn of_exports(image: &Image) -> Self {
        let mut functions: Vec<_> = image
            .exports()
            .iter()
            .filter_map(|export| match (&export.name, &export.target) {
                (Some(name), Target::Rva(rva)) => {
                    let end = image.function_of(*rva).map(|function| function.code.end);
                    Some((*rva, end, readable(name)))
                }
                _ => None,
            })
            .collect();
        functions.sort_unstable();
        Self {
            image: image.name().to_owned(),
            source: Source::Exports,
            functions,
            pdb: None,
        }
    }

    /// Where the names come from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The function that holds an RVA and the distance from its first byte.
    #[must_use]
    pub fn function(&self, rva: u32) -> Option<(&str, u32)> {
        let after = self.functions.partition_point(|(start, ..)| *start <= rva);
        let (start, end, name) = self.functions.get(after.checked_sub(1)?)?;
        // An export without unwind information says nothing about what follows its first byte.
        let inside = match end {
            Some(end) => rva < *end,
            None => self.pdb.is_some() || rva == *start,
        };
        inside.then_some((name, rva - start))
    }

    /// RVA of the function with that name.
    #[must_use]
    pub fn rva(&self, function: &str) -> Option<u32> {
        self.functions
            .iter()
            .find_map(|(start, _, name)| (name == function).then_some(*start))
    }

    /// What is at an RVA, innermost function first. Never empty: without a better name it is the
    /// image's, with the RVA as the offset.
    #[must_use]
    pub fn frames(&self, rva: u32) -> Vec<Frame> {
        let from_pdb = self.pdb.as_ref().and_then(|pdb| {
            pdb.with_dependent(|_, context| {
                let found = context.find_frames(rva).ok()??;
                let outermost = found.frames.len().checked_sub(1)?;
                let frames = found.frames.into_iter().enumerate().map(|(index, frame)| {
                    let function = frame.function.as_deref().unwrap_or("?");
                    Frame {
                        function: readable(function),
                        offset: (index == outermost).then(|| rva.saturating_sub(found.start_rva)),
                        file: frame.file.map(|file| file.replace('\\', "/")),
                        line: frame.line,
                    }
                });
                Some(frames.collect())
            })
        });
        from_pdb.unwrap_or_else(|| {
            let (function, offset) = self.function(rva).unwrap_or((&self.image, rva));
            vec![Frame {
                function: function.to_owned(),
                offset: Some(offset),
                file: None,
                line: None,
            }]
        })
    }

    /// What is at an RVA, in one line: the function that holds it, and the innermost source line.
    #[must_use]
    pub fn describe(&self, rva: u32) -> String {
        let frames = self.frames(rva);
        let mut text = String::new();
        if let Some(outermost) = frames.last() {
            let place = frames.iter().find(|frame| frame.file.is_some());
            text = Frame {
                file: place.and_then(|frame| frame.file.clone()),
                line: place.and_then(|frame| frame.line),
                ..outermost.clone()
            }
            .to_string();
        }
        text
    }

    /// The PDB beside the image: under the image's own name, or under the name it was linked with.
    fn beside(image: &Image) -> Option<(PathBuf, File)> {
        let file = Path::new(image.file());
        let linked = image.code_view().and_then(|code_view| {
            let name = code_view.path.rsplit(['/', '\\']).next()?;
            Some(file.with_file_name(name))
        });
        [Some(file.with_extension("pdb")), linked]
            .into_iter()
            .flatten()
            .find_map(|path| File::open(&path).ok().map(|file| (path, file)))
    }

    /// Opens a PDB that has to be the one the image asks for.
    fn open(path: &Path, file: File, image: &Image, wanted: &CodeView) -> Result<Pdb, SymbolError> {
        let malformed = |reason: &dyn fmt::Display| SymbolError::Malformed {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        let mut pdb = pdb::PDB::open(file).map_err(|error| malformed(&error))?;
        let guid = pdb
            .pdb_information()
            .map_err(|error| malformed(&error))?
            .guid;
        let debug = pdb.debug_information().map_err(|error| malformed(&error))?;
        let has = (guid.to_bytes_le(), debug.age());
        let age_is_right = has.1.is_none_or(|age| age == wanted.age);
        if has.0 != wanted.guid || !age_is_right {
            return Err(SymbolError::Mismatch {
                path: path.to_owned(),
                image: image.name().to_owned(),
                has: identity(&has.0, has.1.unwrap_or_default()),
                wants: identity(&wanted.guid, wanted.age),
            });
        }
        let data = ContextPdbData::try_from_pdb(pdb).map_err(|error| malformed(&error))?;
        let flags = TypeFormatterFlags::default()
            | TypeFormatterFlags::NAME_ONLY
            | TypeFormatterFlags::NO_ARGUMENTS;
        Pdb::try_new(data, |data| data.make_context_with_formatter_flags(flags))
            .map_err(|error| malformed(&error))
    }
}

/// A name as its author wrote it: Rust's mangling and the hash of the crate removed.
fn readable(name: &str) -> String {
    match try_demangle(name) {
        Ok(name) => format!("{name:#}"),
        Err(_) => name.to_owned(),
    }
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
