//! The tables of an image: what it imports and exports, what moves with it, which functions it
//! has. They are read from the image as it lies in memory, where an RVA is an index.

use std::ops::Range;

use object::{
    LittleEndian as LE, Pod, ReadRef, U16, U32, U64,
    pe::{
        IMAGE_DEBUG_TYPE_CODEVIEW, IMAGE_REL_BASED_ABSOLUTE, IMAGE_REL_BASED_DIR64,
        ImageBaseRelocation, ImageDebugDirectory, ImageExportDirectory, ImageImportDescriptor,
    },
};

use super::{
    pe::{CodeView, Export, Import, ImportName, LoadConfig, PAGE, Target},
    problem::Problem,
    unwind::Function,
};

/// The most imports and the most exports of one image.
const MOST_ENTRIES: usize = 1 << 16;

/// An image laid out in memory.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a>(pub &'a [u8]);

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
        self.get::<U16<LE>>(rva, what).map(|v| v.get(LE))
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
            _ => Err(Problem::malformed(format!("{what} is not a name"), rva)),
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

pub(super) fn relocations(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<u32>, Problem> {
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

pub(super) fn imports(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<Import>, Problem> {
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

pub(super) fn exports(layout: Layout<'_>, directory: Range<u32>) -> Result<Vec<Export>, Problem> {
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

pub(super) fn functions(
    layout: Layout<'_>,
    directory: Range<u32>,
) -> Result<Vec<Function>, Problem> {
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

pub(super) fn load_config(
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

pub(super) fn code_view(
    layout: Layout<'_>,
    directory: Range<u32>,
) -> Result<Option<CodeView>, Problem> {
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
