//! A driver image made by hand, to doctor in tests: right in every respect, until a test says
//! otherwise.

use object::pe;

use super::checksum;

/// An image before it is written down.
pub(super) struct Fixture {
    pub machine: u16,
    pub characteristics: u16,
    pub subsystem: u16,
    pub dll_characteristics: u16,
    pub entry: u32,
    pub code_characteristics: u32,
    pub imports: Vec<(&'static str, Vec<&'static str>)>,
    /// The one name that is exported.
    pub exports: Option<&'static str>,
    pub relocations: bool,
    pub thread_local_storage: bool,
    pub version: Option<u32>,
    /// Bytes after the last section.
    pub padding: usize,
}

impl Default for Fixture {
    fn default() -> Self {
        Self {
            machine: pe::IMAGE_FILE_MACHINE_AMD64,
            characteristics: pe::IMAGE_FILE_EXECUTABLE_IMAGE | pe::IMAGE_FILE_LARGE_ADDRESS_AWARE,
            subsystem: pe::IMAGE_SUBSYSTEM_NATIVE,
            dll_characteristics: pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
                | pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA
                | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT
                | pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY,
            entry: CODE,
            code_characteristics: pe::IMAGE_SCN_CNT_CODE
                | pe::IMAGE_SCN_MEM_EXECUTE
                | pe::IMAGE_SCN_MEM_READ,
            imports: vec![
                ("ntoskrnl.exe", vec!["DbgPrint"]),
                ("WDFLDR.SYS", vec!["WdfVersionBind", "WdfVersionUnbind"]),
            ],
            exports: None,
            relocations: true,
            thread_local_storage: false,
            version: None,
            padding: 0,
        }
    }
}

/// The headers' size, and each section's in the file and in memory.
const HEADERS: u32 = 0x400;
const SECTION: u32 = 0x1000;
/// Addresses of the sections.
const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;
const RELOCATIONS: u32 = 0x3000;
/// Offsets in the data section.
const IMPORTS_AT: u32 = 0;
const RESOURCES_AT: u32 = 0x800;
const EXPORTS_AT: u32 = 0xc00;

impl Fixture {
    /// The file, with a right checksum.
    pub(super) fn image(&self) -> Vec<u8> {
        let mut image = self.headers();
        image.resize(HEADERS as usize, 0);
        for mut section in [vec![0xc3], self.data(), relocations()] {
            section.resize(SECTION as usize, 0);
            image.extend(section);
        }
        image.resize(image.len() + self.padding, 0);
        let field = checksum::field_offset(&image).unwrap();
        let sum = checksum::of(&image).unwrap();
        image[field..field + 4].copy_from_slice(&sum.to_le_bytes());
        image
    }

    fn headers(&self) -> Vec<u8> {
        let mut out = Bytes(b"MZ".to_vec());
        out.0.resize(0x3c, 0);
        out.u32(0x40);
        out.0.extend(b"PE\0\0");
        // The file header: three sections, and 16 directories in the optional header.
        out.u16(self.machine)
            .u16(3)
            .u32(0)
            .u32(0)
            .u32(0)
            .u16(112 + 16 * 8)
            .u16(self.characteristics);
        // The optional header.
        out.u16(0x20b)
            .u16(0)
            .u32(SECTION)
            .u32(2 * SECTION)
            .u32(0)
            .u32(self.entry)
            .u32(CODE);
        out.u32(0x8000_0000).u32(1).u32(0x1000).u32(0x200);
        out.u16(10).u16(0).u16(0).u16(0).u16(10).u16(0).u32(0);
        out.u32(4 * SECTION)
            .u32(HEADERS)
            .u32(0)
            .u16(self.subsystem)
            .u16(self.dll_characteristics);
        for _ in 0..8 {
            out.u32(0);
        }
        out.u32(0).u32(16);
        for index in 0..16 {
            let (address, size) = self.directory(index);
            out.u32(address).u32(size);
        }
        let read_only = pe::IMAGE_SCN_CNT_INITIALIZED_DATA | pe::IMAGE_SCN_MEM_READ;
        out.section(*b".text\0\0\0", CODE, self.code_characteristics);
        out.section(*b".rdata\0\0", DATA, read_only);
        out.section(
            *b".reloc\0\0",
            RELOCATIONS,
            read_only | pe::IMAGE_SCN_MEM_DISCARDABLE,
        );
        out.0
    }

    fn directory(&self, index: usize) -> (u32, u32) {
        match index {
            pe::IMAGE_DIRECTORY_ENTRY_IMPORT if !self.imports.is_empty() => {
                (DATA + IMPORTS_AT, 0x100)
            }
            pe::IMAGE_DIRECTORY_ENTRY_EXPORT if self.exports.is_some() => {
                (DATA + EXPORTS_AT, 0x100)
            }
            pe::IMAGE_DIRECTORY_ENTRY_RESOURCE if self.version.is_some() => {
                (DATA + RESOURCES_AT, 0x200)
            }
            pe::IMAGE_DIRECTORY_ENTRY_BASERELOC if self.relocations => (RELOCATIONS, 12),
            pe::IMAGE_DIRECTORY_ENTRY_TLS if self.thread_local_storage => (DATA + 0x700, 0x28),
            _ => (0, 0),
        }
    }

    /// The import table, and the version resource and the export table if there are to be.
    fn data(&self) -> Vec<u8> {
        let mut descriptors = Bytes(Vec::new());
        let mut rest = Bytes(Vec::new());
        let rest_at = DATA + IMPORTS_AT + u32::try_from(20 * (self.imports.len() + 1)).unwrap();
        for (module, names) in &self.imports {
            let name = rest_at + rest.text(module);
            let hints: Vec<_> = names
                .iter()
                .map(|name| {
                    let at = rest_at + rest.length();
                    rest.u16(0);
                    rest.text(name);
                    at
                })
                .collect();
            rest.0.resize(rest.0.len().next_multiple_of(8), 0);
            let thunks = rest_at + rest.length();
            for hint in hints {
                rest.u32(hint).u32(0);
            }
            rest.u32(0).u32(0);
            descriptors.u32(thunks).u32(0).u32(0).u32(name).u32(thunks);
        }
        descriptors.u32(0).u32(0).u32(0).u32(0).u32(0);
        let mut data = descriptors.0;
        data.extend(rest.0);
        if let Some(signature) = self.version {
            data.resize(RESOURCES_AT as usize, 0);
            data.extend(version_resource(signature));
        }
        if let Some(name) = self.exports {
            data.resize(EXPORTS_AT as usize, 0);
            data.extend(export_table(name));
        }
        data
    }
}

/// One function, at the beginning of the code.
fn export_table(name: &str) -> Vec<u8> {
    let mut out = Bytes(Vec::new());
    let after = DATA + EXPORTS_AT + 40;
    out.u32(0).u32(0).u16(0).u16(0);
    // The image's name is not read; the function's stands in.
    out.u32(after + 12).u32(1).u32(1).u32(1);
    out.u32(after).u32(after + 4).u32(after + 8);
    out.u32(CODE).u32(after + 12).u16(0).u16(0);
    out.text(name);
    out.0
}

/// One resource: type 16, name 1, language 0x409, with a `VS_FIXEDFILEINFO` of version 1.2.3.4.
fn version_resource(signature: u32) -> Vec<u8> {
    let mut out = Bytes(Vec::new());
    for (level, id) in [u32::from(pe::RT_VERSION), 1, 0x409]
        .into_iter()
        .enumerate()
    {
        let next = u32::try_from((level + 1) * 24).unwrap();
        let is_table = if level < 2 { 0x8000_0000 } else { 0 };
        out.u32(0)
            .u32(0)
            .u32(0)
            .u16(0)
            .u16(1)
            .u32(id)
            .u32(next | is_table);
    }
    out.u32(DATA + RESOURCES_AT + 88).u32(92).u32(0).u32(0);
    out.u16(92).u16(52).u16(0);
    for unit in "VS_VERSION_INFO\0".encode_utf16() {
        out.u16(unit);
    }
    out.u16(0)
        .u32(signature)
        .u32(0x1_0000)
        .u32(0x1_0002)
        .u32(0x3_0004);
    out.0.resize(88 + 92, 0);
    out.0
}

fn relocations() -> Vec<u8> {
    let mut out = Bytes(Vec::new());
    out.u32(CODE).u32(12).u16(0).u16(0);
    out.0
}

/// Little-endian fields, one after the other.
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap()
    }

    /// Appends the text with its zero; returns where it begins.
    fn text(&mut self, text: &str) -> u32 {
        let at = self.length();
        self.0.extend(text.as_bytes());
        self.0.push(0);
        at
    }

    fn section(&mut self, name: [u8; 8], address: u32, characteristics: u32) {
        self.0.extend(name);
        self.u32(SECTION)
            .u32(address)
            .u32(SECTION)
            .u32(HEADERS + address - CODE);
        self.u32(0).u32(0).u32(0).u32(characteristics);
    }
}
