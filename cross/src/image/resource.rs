//! The version resource, which Explorer, Device Manager and crash dumps show.

use object::{
    LittleEndian as LE, pe,
    read::pe::{PeFile64, ResourceDirectoryEntryData, ResourceNameOrId},
};

/// Where `VS_FIXEDFILEINFO` begins in `VS_VERSIONINFO`: after three 16-bit fields, the key
/// `VS_VERSION_INFO` with its zero, and padding to a multiple of four.
const FIXED_OFFSET: usize = 40;

/// The first field of `VS_FIXEDFILEINFO`.
const SIGNATURE: u32 = 0xFEEF_04BD;

/// The file version, as `1.2.3.4`; `None` if the image has no version resource.
pub(super) fn file_version(file: &PeFile64<'_>, data: &[u8]) -> Result<Option<String>, String> {
    let bad = |error: object::read::Error| format!("the resources cannot be read: {error}");
    let sections = file.section_table();
    let directory = file
        .data_directories()
        .resource_directory(data, &sections)
        .map_err(bad)?;
    let Some(directory) = directory else {
        return Ok(None);
    };
    let root = directory.root().map_err(bad)?;
    let types = root.entries.iter();
    let Some(of_type) = types.clone().find(|entry| is_version(&entry.name_or_id())) else {
        return Ok(None);
    };
    // Below the type come the name, the language and then the data; the first of each will do.
    let mut entry = of_type.data(directory).map_err(bad)?;
    let leaf = loop {
        match entry {
            ResourceDirectoryEntryData::Data(leaf) => break leaf,
            ResourceDirectoryEntryData::Table(table) => {
                let first = table
                    .entries
                    .first()
                    .ok_or("the version resource is empty")?;
                entry = first.data(directory).map_err(bad)?;
            }
        }
    };
    let address = leaf.offset_to_data.get(LE);
    let bytes = sections
        .pe_data_at(data, address)
        .ok_or("the version resource is in no section")?;
    let field = |index: usize| {
        let at = FIXED_OFFSET + index * 4;
        bytes
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_le_bytes)
    };
    if field(0) != Some(SIGNATURE) {
        return Err(
            "the version resource has no VS_FIXEDFILEINFO; link a resource that rc.exe would write"
                .into(),
        );
    }
    let (high, low) = (field(2).unwrap_or(0), field(3).unwrap_or(0));
    Ok(Some(format!(
        "{}.{}.{}.{}",
        high >> 16,
        high & 0xffff,
        low >> 16,
        low & 0xffff
    )))
}

fn is_version(name: &ResourceNameOrId) -> bool {
    matches!(name, ResourceNameOrId::Id(pe::RT_VERSION))
}
