//! Reads a `.sys` file. Every offset, length and address in it is checked before it is used, so
//! any bytes at all give an [`Image`] or an error that says what is wrong and where.

use std::{fmt, fs, io, ops::Range, path::Path};

use object::{
    LittleEndian as LE, Pod, ReadRef, U32, U64,
    pe::{
        IMAGE_DEBUG_TYPE_CODEVIEW, IMAGE_DIRECTORY_ENTRY_BASERELOC, IMAGE_DIRECTORY_ENTRY_DEBUG,
        IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, IMAGE_DIRECTORY_ENTRY_EXCEPTION,
        IMAGE_DIRECTORY_ENTRY_EXPORT, IMAGE_DIRECTORY_ENTRY_IMPORT,
        IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, IMAGE_DOS_SIGNATURE, IMAGE_FILE_EXECUTABLE_IMAGE,
        IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_RELOCS_STRIPPED, IMAGE_NT_OPTIONAL_HDR64_MAGIC,
        IMAGE_NT_SIGNATURE, IMAGE_REL_BASED_ABSOLUTE, IMAGE_REL_BASED_DIR64,
        IMAGE_SCN_MEM_DISCARDABLE, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ, IMAGE_SCN_MEM_WRITE,
        IMAGE_SUBSYSTEM_NATIVE, ImageBaseRelocation, ImageDataDirectory, ImageDebugDirectory,
        ImageDosHeader, ImageExportDirectory, ImageFileHeader, ImageImportDescriptor,
        ImageOptionalHeader64, ImageSectionHeader,
    },
};
use thiserror::Error;

use super::unwind::Function;

/// Bytes in a page: the unit of a section's protection.
pub(super) const PAGE: u32 = 4096;

/// The largest image this host maps. Windows' own limit is larger; no driver comes near it.
const LARGEST_IMAGE: u32 = 256 << 20;

/// The most imports and the most exports of one image.
const MOST_ENTRIES: usize = 1 << 16;

/// Why a file is not a driver image that this host can run.
#[derive(Debug, Error)]
#[error("{file}: {problem}")]
pub struct ImageError {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an image file.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The first two bytes are not `MZ`.
    #[error("not a PE image: it begins with {0:02x?}, not with \"MZ\"; give the .sys file")]
    NotPe(Vec<u8>),
    /// The `PE` signature is not where the DOS header says.
    #[error("not a PE image: no \"PE\" signature at offset {offset:#x}")]
    NoPeSignature {
        /// Where the DOS header puts it.
        offset: u32,
    },
    /// The file ends too early.
    #[error("truncated: {what} ends at offset {end:#x}, the file at {size:#x}")]
    Truncated {
        /// What is cut off.
        what: String,
        /// Where it would end.
        end: u64,
        /// Where the file ends.
        size: u64,
    },
    /// Built for another processor.
    #[error(
        "the image is for {}, this host runs x64; build the driver for x86_64-pc-windows-msvc",
        machine_name(*.0)
    )]
    Machine(u16),
    /// A 32-bit or ROM image.
    #[error("not a PE32+ image: the optional header's magic is {0:#06x}, not 0x020b")]
    NotPe32Plus(u16),
    /// Not marked as an executable image, or an object file.
    #[error("the image is not executable: its linker reported errors or it is no finished image")]
    NotExecutable,
    /// A program or library, not a driver.
    #[error(
        "the image's subsystem is {}, a driver's is native (1); link with /SUBSYSTEM:NATIVE",
        subsystem_name(*.0)
    )]
    Subsystem(u16),
    /// The entry point is not in an executable section.
    #[error("the entry point, RVA {0:#x}, is not in an executable section")]
    Entry(u32),
    /// A section that can be written and executed; Windows refuses it where HVCI is on.
    #[error(
        "section {0} is both writable and executable; HVCI refuses such a driver and so does this \
         host: move its data to another section"
    )]
    WritableAndExecutable(String),
    /// The loader must move the image and cannot.
    #[error("the image has no relocations, so it cannot be moved; link without /FIXED")]
    NoRelocations,
    /// A relocation of a kind that an x64 image does not have.
    #[error("relocation at RVA {rva:#x} has type {kind}; x64 images have DIR64 (10) only")]
    RelocationType {
        /// Its type.
        kind: u16,
        /// What it relocates.
        rva: u32,
    },
    /// The checksum in the header is not the file's.
    #[error(
        "the header's checksum is {header:#010x}, the file's is {actual:#010x}: damaged, or \
         changed after it was linked; Windows does not load it"
    )]
    Checksum {
        /// The one in the header.
        header: u32,
        /// The one of the file.
        actual: u32,
    },
    /// A structure of the image makes no sense.
    #[error("malformed: {what} (at RVA or offset {at:#x})")]
    Malformed {
        /// What is wrong.
        what: String,
        /// Where.
        at: u64,
    },
    /// Something that Windows' loader does and this host does not.
    #[error("the image has {0}, which this host does not load")]
    Unsupported(&'static str),
}

impl Problem {
    fn malformed(what: impl Into<String>, at: impl Into<u64>) -> Self {
        Self::Malformed {
            what: what.into(),
            at: at.into(),
        }
    }
}

/// The field's name of a machine type.
fn machine_name(machine: u16) -> String {
    match machine {
        0x014c => "x86".to_owned(),
        0x01c0 | 0x01c2 | 0x01c4 => "ARM".to_owned(),
        0xaa64 => "ARM64".to_owned(),
        0xa641 => "ARM64EC".to_owned(),
        0xa64e => "ARM64X".to_owned(),
        0x5064 => "RISC-V 64".to_owned(),
        other => format!("machine {other:#06x}"),
    }
}

/// The field's name of a subsystem.
fn subsystem_name(subsystem: u16) -> String {
    let name = match subsystem {
        2 => "Windows GUI",
        3 => "Windows console",
        9 => "Windows CE",
        10..=13 => "EFI",
        _ => "unknown",
    };
    format!("{name} ({subsystem})")
}

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

/// A cursor-less reader of an image laid out in memory: RVA = index.
#[derive(Clone, Copy)]
struct Layout<'a>(&'a [u8]);

impl<'a> Layout<'a> {
    fn get<T: Pod>(self, rva: u32, what: &str) -> Result<&'a T, Problem> {
        self.0
            .read_at::<T>(u64::from(rva))
            .map_err(|()| Problem::malformed(format!("{what} outside the image"), rva))
    }

    fn u32(self, rva: u32, what: &str) -> Result<u32, Problem> {
        self.get::<U32<LE>>(rva, what).map(|v| v.get(LE))
    }

    fn u16(self, rva: u32, what: &str) -> Result<u16, Problem> {
        self.get::<object::U16<LE>>(rva, what).map(|v| v.get(LE))
    }

    fn u64(self, rva: u32, what: &str) -> Result<u64, Problem> {
        self.get::<U64<LE>>(rva, what).map(|v| v.get(LE))
    }

    /// A string that ends with a zero byte within 4096 bytes.
    fn text(self, rva: u32, what: &str) -> Result<String, Problem> {
        let rest = self.0.get(rva as usize..).unwrap_or_default();
        let rest = rest.get(..PAGE as usize).unwrap_or(rest);
        let end = rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| Problem::malformed(format!("{what} does not end"), rva))?;
        let text = rest.get(..end).unwrap_or_default();
        match std::str::from_utf8(text) {
            Ok(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(Problem::malformed(format!("{what} is no name"), rva)),
        }
    }
}

/// `base + offset`, both RVAs.
fn rva_add(base: u32, offset: usize, what: &str) -> Result<u32, Problem> {
    u32::try_from(offset)
        .ok()
        .and_then(|offset| base.checked_add(offset))
        .ok_or_else(|| Problem::malformed(format!("{what} outside the image"), base))
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
            "an image base that is no multiple of 64 KiB",
            base,
        ));
    }
    let relocation_directory = directory(IMAGE_DIRECTORY_ENTRY_BASERELOC)?;
    if relocation_directory.is_empty() && headers.flags & IMAGE_FILE_RELOCS_STRIPPED != 0 {
        return Err(Problem::NoRelocations);
    }
    let relocations = parse_relocations(layout, relocation_directory)?;
    let imports = parse_imports(layout, directory(IMAGE_DIRECTORY_ENTRY_IMPORT)?)?;
    let exports = parse_exports(layout, directory(IMAGE_DIRECTORY_ENTRY_EXPORT)?)?;
    let load_config =
        parse_load_config(layout, directory(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG)?, base)?;
    let code_view = parse_code_view(layout, directory(IMAGE_DIRECTORY_ENTRY_DEBUG)?)?;
    let functions = parse_functions(layout, directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION)?)?;
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

/// The headers at the start of the file.
struct Headers<'a> {
    optional: &'a ImageOptionalHeader64,
    directories: &'a [ImageDataDirectory],
    sections: &'a [ImageSectionHeader],
    flags: u16,
    timestamp: u32,
    header_bytes: u32,
    /// Where the checksum is in the file.
    checksum_offset: u64,
}

impl<'a> Headers<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
        let size = bytes.len() as u64;
        let truncated = |what: &str, end: u64| Problem::Truncated {
            what: what.to_owned(),
            end,
            size,
        };
        if !bytes.starts_with(&IMAGE_DOS_SIGNATURE.to_le_bytes()) {
            let start = bytes.get(..4).unwrap_or(bytes);
            return Err(Problem::NotPe(start.to_vec()));
        }
        let mut offset = 0;
        let dos = bytes
            .read::<ImageDosHeader>(&mut offset)
            .map_err(|()| truncated("the DOS header", 64))?;
        let pe_offset = dos.e_lfanew.get(LE);
        offset = u64::from(pe_offset);
        let signature = bytes
            .read::<U32<LE>>(&mut offset)
            .map_err(|()| truncated("the PE signature", u64::from(pe_offset) + 4))?;
        if signature.get(LE) != IMAGE_NT_SIGNATURE {
            return Err(Problem::NoPeSignature { offset: pe_offset });
        }
        let header = bytes
            .read::<ImageFileHeader>(&mut offset)
            .map_err(|()| truncated("the file header", u64::from(pe_offset) + 24))?;
        let machine = header.machine.get(LE);
        if machine != IMAGE_FILE_MACHINE_AMD64 {
            return Err(Problem::Machine(machine));
        }
        let optional_offset = offset;
        let magic = bytes
            .read_at::<object::U16<LE>>(optional_offset)
            .map_err(|()| truncated("the optional header", optional_offset + 2))?
            .get(LE);
        if magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC {
            return Err(Problem::NotPe32Plus(magic));
        }
        let optional_bytes = u64::from(header.size_of_optional_header.get(LE));
        let optional = bytes
            .read::<ImageOptionalHeader64>(&mut offset)
            .map_err(|()| truncated("the optional header", optional_offset + 112))?;
        let flags = header.characteristics.get(LE);
        if flags & IMAGE_FILE_EXECUTABLE_IMAGE == 0 {
            return Err(Problem::NotExecutable);
        }
        let subsystem = optional.subsystem.get(LE);
        if subsystem != IMAGE_SUBSYSTEM_NATIVE {
            return Err(Problem::Subsystem(subsystem));
        }
        let count = optional.number_of_rva_and_sizes.get(LE).min(16);
        if optional_bytes < 112 + 8 * u64::from(count) {
            return Err(Problem::malformed(
                "the optional header is shorter than its directories",
                optional_offset,
            ));
        }
        let directories = bytes
            .read_slice_at::<ImageDataDirectory>(offset, count as usize)
            .map_err(|()| truncated("the data directories", offset + 8 * u64::from(count)))?;
        let count = header.number_of_sections.get(LE);
        let sections_offset = optional_offset + optional_bytes;
        let sections = bytes
            .read_slice_at::<ImageSectionHeader>(sections_offset, usize::from(count))
            .map_err(|()| {
                truncated("the section table", sections_offset + 40 * u64::from(count))
            })?;
        let header_bytes = optional.size_of_headers.get(LE);
        if u64::from(header_bytes) > size {
            return Err(truncated("the headers", u64::from(header_bytes)));
        }
        Ok(Self {
            optional,
            directories,
            sections,
            flags,
            timestamp: header.time_date_stamp.get(LE),
            header_bytes,
            checksum_offset: optional_offset + 64,
        })
    }

    /// The sections and where their data is in the file.
    fn sections(&self, bytes: &[u8]) -> Result<Vec<(Section, Range<usize>)>, Problem> {
        let size = self.optional.size_of_image.get(LE);
        if size > LARGEST_IMAGE || size == 0 || !size.is_multiple_of(PAGE) {
            return Err(Problem::malformed(
                format!("an image of {size:#x} bytes: not a multiple of 4096, or too large"),
                size,
            ));
        }
        let mut end = self.header_bytes.next_multiple_of(PAGE).min(size);
        if self.header_bytes > end {
            return Err(Problem::malformed("headers longer than the image", size));
        }
        let mut sections = Vec::with_capacity(self.sections.len());
        for header in self.sections {
            let name = header.name.split(|byte| *byte == 0).next();
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            let rva = header.virtual_address.get(LE);
            let raw = header.size_of_raw_data.get(LE);
            let virtual_bytes = match header.virtual_size.get(LE) {
                0 => raw,
                bytes => bytes,
            };
            let section_end = rva
                .checked_add(virtual_bytes)
                .and_then(|end| end.checked_next_multiple_of(PAGE))
                .filter(|end| *end <= size);
            let Some(section_end) = section_end else {
                return Err(Problem::malformed(
                    format!("section {name} reaches beyond the image"),
                    rva,
                ));
            };
            if !rva.is_multiple_of(PAGE) {
                return Err(Problem::malformed(
                    format!("section {name} does not begin at a multiple of 4096"),
                    rva,
                ));
            }
            if rva < end {
                return Err(Problem::malformed(
                    format!("section {name} overlaps what comes before it"),
                    rva,
                ));
            }
            end = section_end;
            let from = header.pointer_to_raw_data.get(LE);
            // Like the loader: what the file holds beyond the section's pages is not mapped.
            let raw = raw.min(section_end - rva);
            let to = u64::from(from) + u64::from(raw);
            if raw > 0 && to > bytes.len() as u64 {
                return Err(Problem::Truncated {
                    what: format!("section {name}"),
                    end: to,
                    size: bytes.len() as u64,
                });
            }
            let flags = header.characteristics.get(LE);
            let (write, execute) = (
                flags & IMAGE_SCN_MEM_WRITE != 0,
                flags & IMAGE_SCN_MEM_EXECUTE != 0,
            );
            if write && execute {
                return Err(Problem::WritableAndExecutable(name));
            }
            let section = Section {
                pageable: name.starts_with("PAGE"),
                name,
                rva,
                bytes: virtual_bytes,
                read: flags & IMAGE_SCN_MEM_READ != 0,
                write,
                execute,
                discardable: flags & IMAGE_SCN_MEM_DISCARDABLE != 0,
            };
            let from = from as usize;
            sections.push((section, from..from + raw as usize));
        }
        Ok(sections)
    }

    /// Copies headers and sections to where they belong.
    fn lay_out(
        &self,
        bytes: &[u8],
        sections: &[(Section, Range<usize>)],
    ) -> Result<Vec<u8>, Problem> {
        let mut layout = vec![0; self.optional.size_of_image.get(LE) as usize];
        let headers = 0..self.header_bytes as usize;
        let parts = sections
            .iter()
            .map(|(section, data)| (section.rva as usize, data.clone()));
        for (to, from) in std::iter::once((0, headers)).chain(parts) {
            if from.is_empty() {
                continue;
            }
            let target = layout.get_mut(to..to + from.len());
            if let (Some(target), Some(source)) = (target, bytes.get(from)) {
                target.copy_from_slice(source);
            } else {
                return Err(Problem::malformed("a section outside the image", to as u64));
            }
        }
        Ok(layout)
    }

    /// The RVAs of a directory; empty if the image has none.
    fn directory(&self, index: usize, image_bytes: usize) -> Result<Range<u32>, Problem> {
        let Some(directory) = self.directories.get(index) else {
            return Ok(0..0);
        };
        let (rva, bytes) = (directory.virtual_address.get(LE), directory.size.get(LE));
        if rva == 0 || bytes == 0 {
            return Ok(0..0);
        }
        rva.checked_add(bytes)
            .filter(|end| *end as usize <= image_bytes)
            .map(|end| rva..end)
            .ok_or_else(|| {
                Problem::malformed(
                    format!("data directory {index} reaches beyond the image"),
                    rva,
                )
            })
    }
}

fn parse_relocations(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<u32>, Problem> {
    let mut relocations = Vec::new();
    let mut at = directory.start;
    while directory.end - at >= 8 {
        let block = layout.get::<ImageBaseRelocation>(at, "a relocation block")?;
        let page = block.virtual_address.get(LE);
        let bytes = block.size_of_block.get(LE);
        if bytes < 8 || !bytes.is_multiple_of(2) || bytes > directory.end - at {
            return Err(Problem::malformed(
                format!("a relocation block of {bytes} bytes"),
                at,
            ));
        }
        for entry in (at + 8..at + bytes).step_by(2) {
            let entry = layout.u16(entry, "a relocation")?;
            let rva = rva_add(page, usize::from(entry & 0xfff), "a relocation")?;
            match entry >> 12 {
                IMAGE_REL_BASED_ABSOLUTE => {}
                IMAGE_REL_BASED_DIR64 => {
                    layout.u64(rva, "the target of a relocation")?;
                    if rva < PAGE {
                        return Err(Problem::malformed("a relocation in the headers", rva));
                    }
                    relocations.push(rva);
                }
                kind => return Err(Problem::RelocationType { kind, rva }),
            }
        }
        at += bytes;
    }
    Ok(relocations)
}

fn parse_imports(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<Import>, Problem> {
    const BY_ORDINAL: u64 = 1 << 63;
    let mut imports = Vec::new();
    for at in directory.clone().step_by(20) {
        let descriptor = layout.get::<ImageImportDescriptor>(at, "an import descriptor")?;
        let slots = descriptor.first_thunk.get(LE);
        if descriptor.name.get(LE) == 0 || slots == 0 {
            return Ok(imports);
        }
        let dll = layout.text(descriptor.name.get(LE), "the name of an imported module")?;
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => slots,
            names => names,
        };
        for index in 0.. {
            let thunk = layout.u64(rva_add(names, index * 8, "an import")?, "an import")?;
            if thunk == 0 {
                break;
            }
            let name = if thunk & BY_ORDINAL == 0 {
                let hint = u32::try_from(thunk)
                    .map_err(|_| Problem::malformed(format!("an import of {dll}"), at))?;
                ImportName::Name(layout.text(
                    rva_add(hint, 2, "the name of an import")?,
                    "the name of an import",
                )?)
            } else {
                ImportName::Ordinal((thunk & 0xffff) as u16)
            };
            let slot = rva_add(slots, index * 8, "an import's slot")?;
            layout.u64(slot, "an import's slot")?;
            if slot < PAGE {
                return Err(Problem::malformed("an import's slot in the headers", slot));
            }
            if imports.len() == MOST_ENTRIES {
                return Err(Problem::malformed("too many imports", at));
            }
            imports.push(Import {
                dll: dll.clone(),
                name,
                slot,
            });
        }
    }
    Ok(imports)
}

fn parse_exports(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<Export>, Problem> {
    if directory.is_empty() {
        return Ok(Vec::new());
    }
    let table = layout.get::<ImageExportDirectory>(directory.start, "the export directory")?;
    let count = table.number_of_functions.get(LE) as usize;
    let name_count = table.number_of_names.get(LE) as usize;
    if count.max(name_count) > MOST_ENTRIES {
        return Err(Problem::malformed("too many exports", directory.start));
    }
    let mut exports = Vec::new();
    let functions = table.address_of_functions.get(LE);
    for index in 0..count {
        let rva = layout.u32(rva_add(functions, index * 4, "an export")?, "an export")?;
        let target = if directory.contains(&rva) {
            Target::Forward(layout.text(rva, "a forwarded export")?)
        } else if (rva as usize) < layout.0.len() {
            Target::Rva(rva)
        } else {
            return Err(Problem::malformed("an export outside the image", rva));
        };
        exports.push(Export {
            name: None,
            ordinal: table
                .base
                .get(LE)
                .wrapping_add(rva_add(0, index, "an export")?),
            target,
        });
    }
    let (names, ordinals) = (
        table.address_of_names.get(LE),
        table.address_of_name_ordinals.get(LE),
    );
    for index in 0..name_count {
        let name = layout.u32(
            rva_add(names, index * 4, "an export's name")?,
            "an export's name",
        )?;
        let ordinal = layout.u16(
            rva_add(ordinals, index * 2, "an export's ordinal")?,
            "an export's ordinal",
        )?;
        let name = layout.text(name, "an export's name")?;
        let Some(export) = exports.get_mut(usize::from(ordinal)) else {
            return Err(Problem::malformed(
                format!("export {name} has no function"),
                directory.start,
            ));
        };
        export.name = Some(name);
    }
    // Slots without a function.
    exports.retain(|export| export.target != Target::Rva(0));
    Ok(exports)
}

fn parse_functions(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<Function>, Problem> {
    let mut functions = Vec::new();
    for at in directory.clone().step_by(12) {
        if directory.end - at < 12 {
            break;
        }
        let field = |offset| layout.u32(at + offset, "an entry of .pdata");
        let (start, end, unwind_info) = (field(0)?, field(4)?, field(8)?);
        if start == 0 && end == 0 {
            // Incremental linking leaves empty entries at the end.
            continue;
        }
        let inside = |rva: u32| (rva as usize) < layout.0.len();
        if start >= end || !inside(end - 1) || !inside(unwind_info) {
            return Err(Problem::malformed(
                format!("a function of RVA {start:#x} to {end:#x} in .pdata"),
                at,
            ));
        }
        functions.push(Function {
            code: start..end,
            unwind_info,
        });
    }
    functions.sort_by_key(|function| function.code.start);
    Ok(functions)
}

fn parse_load_config(
    layout: Layout<'_>,
    directory: Range<u32>,
    base: u64,
) -> Result<LoadConfig, Problem> {
    /// Offsets in IMAGE_LOAD_CONFIG_DIRECTORY64, which grows with every Windows: only as much of
    /// it is there as its first field says.
    const SECURITY_COOKIE: u32 = 88;
    const GUARD_CHECK: u32 = 112;
    const GUARD_DISPATCH: u32 = 120;

    if directory.is_empty() {
        return Ok(LoadConfig::default());
    }
    let bytes = layout.u32(directory.start, "the load configuration")?;
    let slot = |offset: u32| -> Result<Option<u32>, Problem> {
        if bytes < offset + 8 {
            return Ok(None);
        }
        let at = rva_add(directory.start, offset as usize, "the load configuration")?;
        let address = layout.u64(at, "the load configuration")?;
        if address == 0 {
            return Ok(None);
        }
        let rva = address
            .checked_sub(base)
            .and_then(|rva| u32::try_from(rva).ok())
            .filter(|rva| *rva >= PAGE)
            .ok_or_else(|| Problem::malformed("a load configuration address", at))?;
        layout.u64(rva, "what the load configuration names")?;
        Ok(Some(rva))
    };
    Ok(LoadConfig {
        security_cookie: slot(SECURITY_COOKIE)?,
        guard_check: slot(GUARD_CHECK)?,
        guard_dispatch: slot(GUARD_DISPATCH)?,
    })
}

fn parse_code_view(layout: Layout<'_>, directory: Range<u32>) -> Result<Option<CodeView>, Problem> {
    for at in directory.clone().step_by(28) {
        if directory.end - at < 28 {
            break;
        }
        let entry = layout.get::<ImageDebugDirectory>(at, "a debug directory entry")?;
        let data = entry.address_of_raw_data.get(LE);
        if entry.typ.get(LE) != IMAGE_DEBUG_TYPE_CODEVIEW || data == 0 {
            continue;
        }
        let what = "the CodeView record";
        if layout.get::<[u8; 4]>(data, what)? != b"RSDS" {
            continue;
        }
        return Ok(Some(CodeView {
            guid: *layout.get::<[u8; 16]>(rva_add(data, 4, what)?, what)?,
            age: layout.u32(rva_add(data, 20, what)?, what)?,
            path: layout
                .text(rva_add(data, 24, what)?, what)
                .unwrap_or_default(),
        }));
    }
    Ok(None)
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
