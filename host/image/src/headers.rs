//! The headers at the start of an image file: what it is for, and where its sections go.

use std::ops::Range;

use object::{
    LittleEndian as LE, ReadRef, U32,
    pe::{
        IMAGE_DOS_SIGNATURE, IMAGE_FILE_EXECUTABLE_IMAGE, IMAGE_FILE_MACHINE_AMD64,
        IMAGE_NT_OPTIONAL_HDR64_MAGIC, IMAGE_NT_SIGNATURE, IMAGE_SCN_MEM_DISCARDABLE,
        IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ, IMAGE_SCN_MEM_WRITE, IMAGE_SUBSYSTEM_NATIVE,
        ImageDataDirectory, ImageDosHeader, ImageFileHeader, ImageOptionalHeader64,
        ImageSectionHeader,
    },
};

use super::{
    pe::{PAGE, Section},
    problem::Problem,
};

/// The largest image this host maps. Windows' own limit is larger; no driver comes near it.
const LARGEST_IMAGE: u32 = 256 << 20;

/// The headers at the start of the file.
pub(super) struct Headers<'a> {
    pub optional: &'a ImageOptionalHeader64,
    directories: &'a [ImageDataDirectory],
    sections: &'a [ImageSectionHeader],
    pub flags: u16,
    pub timestamp: u32,
    pub header_bytes: u32,
    /// Where the checksum is in the file.
    pub checksum_offset: u64,
}

impl<'a> Headers<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
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
    pub fn sections(&self, bytes: &[u8]) -> Result<Vec<(Section, Range<usize>)>, Problem> {
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
    pub fn lay_out(
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
    pub fn directory(&self, index: usize, image_bytes: usize) -> Result<Range<u32>, Problem> {
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
