//! The image's symbols: whether they belong to it, and what they call its entry point.

use std::{fmt::Display, fs::File, path::Path};

use object::{Object, read::pe::PeFile64};
use pdb::{FallibleIterator, PDB, SymbolData};

use crate::model::Model;

/// What matters of a PDB.
#[derive(Debug, Clone, Copy)]
struct Symbols {
    /// The build's identity.
    build: [u8; 16],
    /// Where the entry point that was asked for is in the image.
    entry: Option<u32>,
}

/// Whether the PDB at `path` is that of `file` and has the model's entry point at the address `entry`.
pub(super) fn compare(
    file: &PeFile64<'_>,
    path: &Path,
    model: Model,
    entry: u32,
) -> Result<(), String> {
    let unreadable = |error: &dyn Display| format!("{} cannot be read: {error}", path.display());
    let named = file.pdb_info().map_err(|error| unreadable(&error))?;
    let symbols = read(path, model.entry_point()).map_err(|error| unreadable(&error))?;
    judge(model, symbols, named.map(|named| named.guid()), entry)
        .map_err(|what| format!("{what} (symbols: {})", path.display()))
}

fn read(path: &Path, entry_point: &str) -> pdb::Result<Symbols> {
    let mut pdb = PDB::open(File::open(path)?)?;
    let build = pdb.pdb_information()?.guid.to_bytes_le();
    let addresses = pdb.address_map()?;
    let symbols = pdb.global_symbols()?;
    let mut symbols = symbols.iter();
    let mut entry = None;
    while let Some(symbol) = symbols.next()? {
        if let Ok(SymbolData::Public(public)) = symbol.parse()
            && public.name.as_bytes() == entry_point.as_bytes()
        {
            entry = public.offset.to_rva(&addresses).map(|address| address.0);
        }
    }
    Ok(Symbols { build, entry })
}

fn judge(
    model: Model,
    symbols: Symbols,
    named: Option<[u8; 16]>,
    entry: u32,
) -> Result<(), String> {
    let expected = model.entry_point();
    let named = named.ok_or("the image names no symbols; link with /DEBUG")?;
    if symbols.build != named {
        return Err("the symbols are of another build than the image; link again".into());
    }
    match symbols.entry {
        Some(address) if address == entry => Ok(()),
        Some(address) => Err(format!(
            "the entry point is {entry:#x}, {expected} is at {address:#x}; link with /ENTRY:{expected}"
        )),
        None => Err(format!(
            "the symbols have no {expected}; link {}",
            model.entry_library()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: [u8; 16] = [7; 16];

    #[test]
    fn the_entry_point_must_be_fx_driver_entry() {
        let symbols = Symbols {
            build: BUILD,
            entry: Some(0x1090),
        };
        assert_eq!(judge(Model::Kmdf, symbols, Some(BUILD), 0x1090), Ok(()));
        let error = judge(Model::Kmdf, symbols, Some(BUILD), 0x1000).unwrap_err();
        assert!(
            error.contains("the entry point is 0x1000, FxDriverEntry is at 0x1090"),
            "{error}"
        );
    }

    #[test]
    fn an_image_without_fx_driver_entry_is_refused() {
        let symbols = Symbols {
            build: BUILD,
            entry: None,
        };
        assert!(
            judge(Model::Kmdf, symbols, Some(BUILD), 0x1000)
                .unwrap_err()
                .contains("WdfDriverEntry.lib")
        );
        let error = judge(Model::Umdf, symbols, Some(BUILD), 0x1000).unwrap_err();
        assert!(error.contains("WdfDriverStubUm.lib"), "{error}");
    }

    #[test]
    fn symbols_of_another_build_are_refused() {
        let symbols = Symbols {
            build: [8; 16],
            entry: Some(0x1090),
        };
        assert!(
            judge(Model::Kmdf, symbols, Some(BUILD), 0x1090)
                .unwrap_err()
                .contains("another build")
        );
        let unnamed = judge(Model::Kmdf, symbols, None, 0x1090);
        assert!(unnamed.unwrap_err().contains("/DEBUG"));
    }

    #[test]
    fn a_file_that_is_no_pdb_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("edu_kmdf.pdb");
        std::fs::write(&path, "not a PDB").unwrap();
        assert!(read(&path, "FxDriverEntry").is_err());
        assert!(read(&dir.path().join("missing.pdb"), "FxDriverEntry").is_err());
    }
}
