//! Reads a `.sys` file. Every offset, length and address in it is checked before it is used, so
//! any bytes at all give an [`Image`] or an error that says what is wrong and where.

use std::{fmt, fs, ops::Range, path::Path};

use object::{
    LittleEndian as LE,
    pe::{
        IMAGE_DIRECTORY_ENTRY_BASERELOC, IMAGE_DIRECTORY_ENTRY_DEBUG,
        IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, IMAGE_DIRECTORY_ENTRY_EXCEPTION,
        IMAGE_DIRECTORY_ENTRY_EXPORT, IMAGE_DIRECTORY_ENTRY_IMPORT,
        IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, IMAGE_FILE_RELOCS_STRIPPED,
    },
};

use super::{
    headers::Headers,
    problem::{ImageError, Problem},
    tables::{self, Layout},
    unwind::Function,
};

/// Bytes in a page: the unit of a section's protection.
pub(super) const PAGE: u32 = 4096;

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the file format"
)]
pub struct Section {
    /// Its name: at most 8 bytes.
    pub name: String,
    /// Where it begins, relative to the image's base; a multiple of 4096.
    pub rva: u32,
    /// Its length in bytes.
    pub bytes: u32,
    /// Whether it can be read.
    pub read: bool,
    /// Whether it can be written.
    pub write: bool,
    /// Whether it can be executed.
    pub execute: bool,
    /// Whether Windows throws it away after DriverEntry, as it does with `INIT`.
    pub discardable: bool,
    /// Whether its code and data can be paged out: its name begins with `PAGE`.
    pub pageable: bool,
}

impl Section {
    /// The RVAs it covers.
    #[must_use]
    pub const fn range(&self) -> Range<u32> {
        // Parsing checked that the end is in the image.
        self.rva..self.rva.saturating_add(self.bytes)
    }
}

/// How an import is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ImportName {
    /// By name, the usual way.
    Name(String),
    /// By ordinal.
    Ordinal(u16),
}

impl fmt::Display for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ordinal(ordinal) => write!(f, "#{ordinal}"),
        }
    }
}

/// One imported symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module that exports it, as the image spells it.
    pub dll: String,
    /// What it imports.
    pub name: ImportName,
    /// RVA of the 8 bytes that take its address: its slot of the IAT.
    pub slot: u32,
}

/// One exported symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its ordinal.
    pub ordinal: u32,
    /// What it stands for.
    pub target: Target,
}

/// What an export stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address in this image.
    Rva(u32),
    /// An export of another module: `module.name`.
    Forward(String),
}

/// The CodeView record: which PDB belongs to the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeView {
    /// The PDB's GUID, in the order of its bytes in the file.
    pub guid: [u8; 16],
    /// The PDB's age.
    pub age: u32,
    /// The PDB's path when it was linked.
    pub path: String,
}

/// What the loader fills in for the compiler's run-time checks: RVAs in the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LoadConfig {
    /// The stack cookie of `/GS`.
    pub security_cookie: Option<u32>,
    /// The pointer to the check before an indirect call (control-flow guard).
    pub guard_check: Option<u32>,
    /// The pointer to the checked indirect jump (control-flow guard).
    pub guard_dispatch: Option<u32>,
}

/// A driver's image file, checked.
///
/// # Invariants
/// Every RVA and range in it lies in [`Image::bytes`].
#[derive(Clone, Debug)]
pub struct Image {
    file: String,
    /// The image as the loader lays it out at its preferred base: headers and sections.
    layout: Vec<u8>,
    header_bytes: u32,
    preferred_base: u64,
    entry: u32,
    timestamp: u32,
    sections: Vec<Section>,
    imports: Vec<Import>,
    exports: Vec<Export>,
    relocations: Vec<u32>,
    load_config: LoadConfig,
    code_view: Option<CodeView>,
    functions: Vec<Function>,
}

impl Image {
    /// Reads the `.sys` at `path`.
    ///
    /// # Errors
    /// The file cannot be read or is no x64 driver image: [`Problem`].
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        let file = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Self::parse(&file, &bytes),
            Err(error) => Err(ImageError {
                file,
                problem: Problem::Unreadable(error),
            }),
        }
    }

    /// Reads an image from the bytes of a file; `file` names it in errors and call stacks.
    ///
    /// # Errors
    /// The bytes are no x64 driver image: [`Problem`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ImageError> {
        parse(file, bytes).map_err(|problem| ImageError {
            file: file.to_owned(),
            problem,
        })
    }

    /// The file it was read from, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The file's name without its directory: what call stacks show.
    #[must_use]
    pub fn name(&self) -> &str {
        self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file)
    }

    /// Length in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        // Parsing bounds it by `LARGEST_IMAGE`.
        u32::try_from(self.layout.len()).unwrap_or(u32::MAX)
    }

    /// RVA of the entry point.
    #[must_use]
    pub const fn entry(&self) -> u32 {
        self.entry
    }

    /// The base address it was linked for.
    #[must_use]
    pub const fn preferred_base(&self) -> u64 {
        self.preferred_base
    }

    /// The linker's time stamp, or hash where the build is reproducible.
    #[must_use]
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Its sections, by address.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section that holds an RVA.
    #[must_use]
    pub fn section_of(&self, rva: u32) -> Option<&Section> {
        self.sections.iter().find(|s| s.range().contains(&rva))
    }

    /// What it imports.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// What it exports.
    #[must_use]
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// RVA of an export with that name. Forwarders have none.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<u32> {
        self.exports
            .iter()
            .find_map(|export| match (&export.name, &export.target) {
                (Some(n), Target::Rva(rva)) if n == name => Some(*rva),
                _ => None,
            })
    }

    /// Which PDB belongs to it, if it says so.
    #[must_use]
    pub const fn code_view(&self) -> Option<&CodeView> {
        self.code_view.as_ref()
    }

    /// The image as the loader lays it out, at its preferred base: index it by RVA.
    #[must_use]
    pub fn layout(&self) -> &[u8] {
        &self.layout
    }

    /// The functions that have unwind information, by address. A function that the compiler
    /// split has several entries; a leaf function may have none.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// RVAs of the 8-byte addresses that move with the image.
    pub(super) fn relocations(&self) -> &[u32] {
        &self.relocations
    }

    /// Length of the headers in memory, in bytes.
    pub(super) const fn header_bytes(&self) -> u32 {
        self.header_bytes
    }

    pub(super) const fn load_config(&self) -> LoadConfig {
        self.load_config
    }
}

fn parse(file: &str, bytes: &[u8]) -> Result<Image, Problem> {
    let headers = Headers::parse(bytes)?;
    let sections = headers.sections(bytes)?;
    let layout_bytes = headers.lay_out(bytes, &sections)?;
    let sections: Vec<Section> = sections.into_iter().map(|(section, _)| section).collect();
    let layout = Layout(&layout_bytes);

    let optional = headers.optional;
    let entry = optional.address_of_entry_point.get(LE);
    if !sections
        .iter()
        .any(|s| s.execute && s.range().contains(&entry))
    {
        return Err(Problem::Entry(entry));
    }
    let directory = |index| headers.directory(index, layout_bytes.len());

    if !directory(IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT)?.is_empty() {
        return Err(Problem::Unsupported("delay-loaded imports"));
    }
    let base = optional.image_base.get(LE);
    let end = base.checked_add(layout_bytes.len() as u64);
    if end.is_none() || !base.is_multiple_of(0x10000) {
        return Err(Problem::malformed(
            "an image base that is not a multiple of 64 KiB",
            base,
        ));
    }
    let relocation_directory = directory(IMAGE_DIRECTORY_ENTRY_BASERELOC)?;
    if relocation_directory.is_empty() && headers.flags & IMAGE_FILE_RELOCS_STRIPPED != 0 {
        return Err(Problem::NoRelocations);
    }
    let relocations = tables::relocations(layout, relocation_directory)?;
    let imports = tables::imports(layout, directory(IMAGE_DIRECTORY_ENTRY_IMPORT)?)?;
    let exports = tables::exports(layout, directory(IMAGE_DIRECTORY_ENTRY_EXPORT)?)?;
    let load_config =
        tables::load_config(layout, directory(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG)?, base)?;
    let code_view = tables::code_view(layout, directory(IMAGE_DIRECTORY_ENTRY_DEBUG)?)?;
    let functions = tables::functions(layout, directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION)?)?;
    check_checksum(bytes, headers.checksum_offset, optional.check_sum.get(LE))?;

    Ok(Image {
        file: file.to_owned(),
        header_bytes: headers.header_bytes,
        preferred_base: base,
        entry,
        timestamp: headers.timestamp,
        sections,
        imports,
        exports,
        relocations,
        load_config,
        code_view,
        functions,
        layout: layout_bytes,
    })
}

/// Compares the header's checksum, if the linker set one (`/RELEASE`), with the file's.
fn check_checksum(bytes: &[u8], offset: u64, header: u32) -> Result<(), Problem> {
    if header == 0 {
        return Ok(());
    }
    let mut sum: u32 = 0;
    for (index, word) in bytes.chunks(2).enumerate() {
        let at = index as u64 * 2;
        if (offset..offset + 4).contains(&at) {
            continue;
        }
        let word = u16::from_le_bytes([word[0], word.get(1).copied().unwrap_or(0)]);
        sum += u32::from(word);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let actual = sum.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    if actual == header {
        Ok(())
    } else {
        Err(Problem::Checksum { header, actual })
    }
}
