//! Names for the image's addresses: from its PDB, or from its exports where there is none.

mod child;
mod frame;
mod pdb;

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustc_demangle::try_demangle;

use self::pdb::{Function, Pdb};
pub use self::{frame::Frame, pdb::SymbolError};
use super::pe::{Image, Target};

/// The longest PDB that is read, in bytes: of a driver it has some MiB.
const LONGEST_PDB: u64 = 1 << 30;

/// Where names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this PDB.
    Pdb(PathBuf),
    /// There is none: from the image's exports.
    Exports,
}

/// The names of an image.
pub struct Symbols {
    image: String,
    source: Source,
    /// By address.
    functions: Vec<Function>,
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
    /// The PDB that was given cannot be read; the PDB given or found is damaged or another
    /// build's.
    pub fn load(image: &Image, pdb: Option<&Path>) -> Result<Self, SymbolError> {
        let (path, file) = match pdb {
            Some(path) => (path.to_owned(), File::open(path)),
            None => match Self::beside(image) {
                Some((path, file)) => (path, Ok(file)),
                None => return Ok(Self::of_exports(image)),
            },
        };
        match file.and_then(whole) {
            Ok(bytes) => Self::of_pdb(image, &path, bytes),
            Err(reason) => Err(SymbolError::Unreadable { path, reason }),
        }
    }

    /// The names of `image` from the bytes of its PDB; `path` names it in errors.
    ///
    /// # Errors
    /// The PDB is damaged or another build's.
    pub fn of_pdb(image: &Image, path: &Path, bytes: Vec<u8>) -> Result<Self, SymbolError> {
        let (pdb, functions) = Pdb::parse(path, bytes, image)?;
        Ok(Self {
            image: image.name().to_owned(),
            source: Source::Pdb(path.to_owned()),
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
        let from_pdb = self.pdb.as_ref().and_then(|pdb| pdb.frames(rva));
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

    /// What is at an RVA, in one line: the function that holds it, and the innermost line of the
    /// driver's own source.
    #[must_use]
    pub fn describe(&self, rva: u32) -> String {
        let frames = self.frames(rva);
        let mut text = String::new();
        if let Some(outermost) = frames.last() {
            let place = Frame::place(&frames);
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
}

/// A name as its author wrote it: Rust's mangling and the hash of the crate removed.
fn readable(name: &str) -> String {
    match try_demangle(name) {
        Ok(name) => format!("{name:#}"),
        Err(_) => name.to_owned(),
    }
}

/// A file's bytes, if it has an end.
fn whole(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST_PDB + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_PDB {
        return Err(io::Error::other("it is longer than 1 GiB"));
    }
    Ok(bytes)
}
