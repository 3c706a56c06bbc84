//! The image's symbols: whether they belong to it, and what they call its entry point.

use std::{fs::File, path::Path};

use object::{Object, read::pe::PeFile64};
use pdb::{FallibleIterator, PDB, SymbolData};

/// The entry point of a KMDF driver.
const ENTRY: &str = "FxDriverEntry";

/// Whether the PDB at `path` is that of `file` and has [`ENTRY`] at the address `entry`.
pub(super) fn compare(file: &PeFile64<'_>, path: &Path, entry: u32) -> Result<(), String> {
    let bad = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
    let pdb = File::open(path).map_err(|error| bad(&error))?;
    let mut pdb = PDB::open(pdb).map_err(|error| bad(&error))?;

    let named = file.pdb_info().map_err(|error| bad(&error))?;
    let named = named.ok_or("the image names no symbols; link with /DEBUG")?;
    let information = pdb.pdb_information().map_err(|error| bad(&error))?;
    if information.guid.to_bytes_le() != named.guid() {
        return Err(format!("{} is of another build than the image", path.display()));
    }

    let addresses = pdb.address_map().map_err(|error| bad(&error))?;
    let symbols = pdb.global_symbols().map_err(|error| bad(&error))?;
    let mut symbols = symbols.iter();
    while let Some(symbol) = symbols.next().map_err(|error| bad(&error))? {
        let Ok(SymbolData::Public(public)) = symbol.parse() else { continue };
        if public.name.as_bytes() != ENTRY.as_bytes() {
            continue;
        }
        let Some(address) = public.offset.to_rva(&addresses) else { continue };
        if address.0 == entry {
            return Ok(());
        }
        return Err(format!(
            "the entry point is {entry:#x}, {ENTRY} is at {:#x}; link with /ENTRY:{ENTRY}",
            address.0
        ));
    }
    Err(format!("{} has no symbol {ENTRY}; link WdfDriverEntry.lib", path.display()))
}
