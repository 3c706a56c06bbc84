//! The rules, one function each. Names are what the report and `docs/cross.md` call them.

use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, Import},
};

use super::{Examination, checksum, has_characteristic, machine, resource, symbols};
use crate::{arch::Arch, exports, model::Model};

/// Every rule, in the order of the report.
pub(super) const ALL: [fn(&mut Examination<'_>); 14] = [
    architecture,
    native_subsystem,
    windows_subsystem,
    entry_point,
    exports_its_entry,
    checksum,
    documented_imports,
    loads_where_it_is_installed,
    write_xor_execute,
    relocatable,
    hardened,
    no_thread_local_storage,
    size_budget,
    version_resource,
];

fn architecture(image: &mut Examination<'_>) {
    let found = match machine(&image.file) {
        pe::IMAGE_FILE_MACHINE_AMD64 => Arch::X86_64,
        pe::IMAGE_FILE_MACHINE_ARM64 => Arch::Aarch64,
        other => {
            return image.problem(
                "architecture",
                format!("machine {other:#06x} is neither x64 nor ARM64; build for one of those"),
            );
        }
    };
    if let Some(expected) = image.expectations.arch
        && expected != found
    {
        image.problem(
            "architecture",
            format!("the image is for {found}, expected {expected}; choose it with --arch"),
        );
    }
}

fn native_subsystem(image: &mut Examination<'_>) {
    if image.expectations.model != Model::Kmdf {
        return;
    }
    let subsystem = image.optional().subsystem();
    if subsystem != pe::IMAGE_SUBSYSTEM_NATIVE {
        image.problem(
            "native-subsystem",
            format!("subsystem {subsystem} is not native (1); link with /SUBSYSTEM:NATIVE"),
        );
    }
}

fn windows_subsystem(image: &mut Examination<'_>) {
    if image.expectations.model != Model::Umdf {
        return;
    }
    let subsystem = image.optional().subsystem();
    if subsystem != pe::IMAGE_SUBSYSTEM_WINDOWS_GUI {
        image.problem(
            "windows-subsystem",
            format!("subsystem {subsystem} is not Windows (2); link with /SUBSYSTEM:WINDOWS"),
        );
    }
}

fn exports_its_entry(image: &mut Examination<'_>) {
    const NAME: &str = "FxDriverEntryUm";
    if image.expectations.model != Model::Umdf {
        return;
    }
    let what = match image.file.export_table() {
        Err(error) => format!("the export table cannot be read: {error}"),
        Ok(Some(table))
            if table
                .name_iter()
                .any(|(name, _)| table.name_from_pointer(name).ok() == Some(NAME.as_bytes())) =>
        {
            return;
        }
        Ok(_) => format!(
            "the image does not export {NAME}, by which the host process starts the driver; link WdfDriverStubUm.lib"
        ),
    };
    image.problem("exports-its-entry", what);
}

fn entry_point(image: &mut Examination<'_>) {
    const RULE: &str = "entry-point";
    let model = image.expectations.model;
    let entry = image.optional().address_of_entry_point();
    let in_code = image.file.section_table().iter().any(|section| {
        let start = section.virtual_address.get(LE);
        let executable = section.characteristics.get(LE) & pe::IMAGE_SCN_MEM_EXECUTE != 0;
        executable && (start..start + section.virtual_size.get(LE)).contains(&entry)
    });
    if !in_code {
        return image.problem(
            RULE,
            format!(
                "the entry point {entry:#x} is in no executable section; link with /ENTRY:{}",
                model.entry_point()
            ),
        );
    }
    let Some(path) = &image.expectations.symbols else {
        return;
    };
    if let Err(what) = symbols::compare(&image.file, path, model, entry) {
        image.problem(RULE, what);
    }
}

fn checksum(image: &mut Examination<'_>) {
    let found = image.optional().check_sum();
    let Some(expected) = checksum::of(image.data) else {
        return image.problem("checksum", "the headers are cut short; link again");
    };
    if found != expected {
        image.problem(
            "checksum",
            format!("the header says {found:#010x}, the file adds up to {expected:#010x}; link with /RELEASE and change nothing after"),
        );
    }
}

fn documented_imports(image: &mut Examination<'_>) {
    const RULE: &str = "documented-imports";
    let imports = match imports(image) {
        Ok(imports) => imports,
        Err(error) => {
            return image.problem(RULE, format!("the import table cannot be read: {error}"));
        }
    };
    let model = image.expectations.model;
    // In user mode the loader hands its interface over.
    if imports.is_empty() && model == Model::Kmdf {
        image.problem(
            RULE,
            "there is no import: a KMDF driver imports WdfVersionBind from WDFLDR.SYS",
        );
    }
    for (module, names) in &imports {
        let Some(known) = exports::module(model, module) else {
            image.problem(
                RULE,
                format!(
                    "{module} is not a module that a {model} driver may import from ({})",
                    names.join(", ")
                ),
            );
            continue;
        };
        for name in names {
            match known.export(name) {
                None => image.problem(
                    RULE,
                    format!("{module} has no documented export {name}; use a documented routine, or add it to cross/exports with its source"),
                ),
                Some(export) => {
                    let oldest = image.report.oldest_windows.map_or(0, |(version, _)| version);
                    if let Some(since) = export.since.filter(|since| *since > oldest) {
                        image.report.oldest_windows = Some((since, export.name));
                    }
                }
            }
        }
    }
    image.report.imports = imports;
}

fn loads_where_it_is_installed(image: &mut Examination<'_>) {
    let Some(oldest) = image.expectations.oldest_build else {
        return;
    };
    let model = image.expectations.model;
    let imports = image.report.imports.iter();
    let newer: Vec<_> = imports
        .flat_map(|(module, names)| names.iter().map(move |name| (module, name)))
        .filter_map(|(module, name)| exports::module(model, module)?.export(name))
        .filter_map(|export| Some((export.name, export.first_build()?)))
        .filter(|(_, build)| *build > oldest)
        .collect();
    for (name, build) in newer {
        image.problem(
            "loads-where-it-is-installed",
            format!(
                "{name} is there from build {build} of Windows on, and the INF installs on \
                 {oldest}; write 10.0...{build} in its TargetOSVersion, or do without"
            ),
        );
    }
}

fn imports(image: &Examination<'_>) -> object::Result<Vec<(String, Vec<String>)>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some(table) = image.file.import_table()? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let module = text(table.name(descriptor.name.get(LE))?);
        let mut names = Vec::new();
        let mut thunks = table.thunks(descriptor.original_first_thunk.get(LE))?;
        while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>()? {
            names.push(match table.import::<pe::ImageNtHeaders64>(thunk)? {
                Import::Name(_, name) => text(name),
                Import::Ordinal(ordinal) => format!("#{ordinal}"),
            });
        }
        found.push((module, names));
    }
    Ok(found)
}

fn write_xor_execute(image: &mut Examination<'_>) {
    let both = pe::IMAGE_SCN_MEM_WRITE | pe::IMAGE_SCN_MEM_EXECUTE;
    let names: Vec<_> = image
        .file
        .section_table()
        .iter()
        .filter(|section| section.characteristics.get(LE) & both == both)
        .map(|section| String::from_utf8_lossy(section.raw_name()).into_owned())
        .collect();
    for name in names {
        image.problem(
            "write-xor-execute",
            format!(
                "section {name} is writable and executable; memory integrity (HVCI) refuses it"
            ),
        );
    }
}

fn relocatable(image: &mut Examination<'_>) {
    const RULE: &str = "relocatable";
    let stripped = image
        .file
        .nt_headers()
        .file_header()
        .characteristics
        .get(LE)
        & pe::IMAGE_FILE_RELOCS_STRIPPED
        != 0;
    let directories = image.file.data_directories();
    let blocks = directories.relocation_blocks(image.data, &image.file.section_table());
    match blocks {
        _ if stripped => image.problem(RULE, "relocations are stripped; do not link with /FIXED"),
        Ok(None) => image.problem(RULE, "there are no relocations; do not link with /FIXED"),
        Err(error) => image.problem(RULE, format!("the relocations cannot be read: {error}")),
        Ok(Some(_)) => {}
    }
}

fn hardened(image: &mut Examination<'_>) {
    for (flag, option) in [
        (pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "/DYNAMICBASE"),
        (
            pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA,
            "/HIGHENTROPYVA",
        ),
        (pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "/NXCOMPAT"),
        (
            pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY,
            "/INTEGRITYCHECK",
        ),
    ] {
        if !has_characteristic(&image.file, flag) {
            image.problem(
                "hardened",
                format!("the image lacks a flag; link with {option}"),
            );
        }
    }
}

fn no_thread_local_storage(image: &mut Examination<'_>) {
    if image.expectations.model != Model::Kmdf {
        return;
    }
    let directory = image.file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_TLS);
    if directory.is_some_and(|directory| directory.virtual_address.get(LE) != 0) {
        image.problem(
            "no-thread-local-storage",
            "there is a TLS directory, which the kernel's loader ignores; use no thread-locals",
        );
    }
}

fn size_budget(image: &mut Examination<'_>) {
    let size = image.report.size_bytes;
    if let Some(budget) = image
        .expectations
        .size_budget_bytes
        .filter(|budget| size > *budget)
    {
        image.problem(
            "size-budget",
            format!("{size} bytes are more than the budget of {budget} bytes"),
        );
    }
}

fn version_resource(image: &mut Examination<'_>) {
    match resource::file_version(&image.file, image.data) {
        Ok(version) => image.report.file_version = version,
        Err(what) => image.problem("version-resource", what),
    }
}
