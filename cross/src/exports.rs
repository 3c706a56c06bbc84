//! What a driver may import: names of documented exports, held as text in `exports/`, for each driver model.
//!
//! The lists serve twice. The import libraries are made from them, so that a name the kernel
//! lacks does not link; and the image check compares the finished import table with them, so
//! that a real kit's libraries cannot let another name in either.

use std::{collections::BTreeMap, fmt::Write as _, sync::LazyLock};

use crate::model::Model;

/// One documented export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// The name, as it stands in an import table.
    pub name: &'static str,
    /// A variable rather than a routine.
    pub data: bool,
    /// The first version of Windows 10 that has it, such as 1803 or 2004; `None` if all have it.
    pub since: Option<u16>,
}

/// A module of the system and its documented exports.
#[derive(Debug)]
pub struct Module {
    /// The module's name, as it stands in an import table.
    pub name: &'static str,
    /// The kit's import library for it, without `.lib`.
    pub library: &'static str,
    exports: BTreeMap<&'static str, Export>,
}

impl Export {
    /// The first build of Windows that has it; 0 if all have it, `None` if the version is not known here.
    #[must_use]
    pub const fn first_build(&self) -> Option<u32> {
        Some(match self.since {
            None => 0,
            Some(1511) => 10586,
            Some(1607) => 14393,
            Some(1703) => 15063,
            Some(1709) => 16299,
            Some(1803) => 17134,
            Some(1809) => 17763,
            Some(1903) => 18362,
            Some(1909) => 18363,
            Some(2004) => 19041,
            Some(_) => return None,
        })
    }
}

impl Module {
    fn parse(name: &'static str, library: &'static str, text: &'static str) -> Self {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let exports = lines.filter(|line| !line.is_empty()).map(|line| {
            let mut words = line.split_ascii_whitespace();
            let mut export = Export {
                name: words.next().unwrap_or_default(),
                data: false,
                since: None,
            };
            while let Some(word) = words.next() {
                match word {
                    "DATA" => export.data = true,
                    "since" => export.since = words.next().and_then(|version| version.parse().ok()),
                    other => unreachable!("exports/{name}: what is `{other}` in `{line}`?"),
                }
            }
            (export.name, export)
        });
        Self {
            name,
            library,
            exports: exports.collect(),
        }
    }

    /// The export of this name, if it is a documented one. Names are case-sensitive.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.get(name)
    }

    /// All exports, by name.
    pub fn exports(&self) -> impl Iterator<Item = &Export> {
        self.exports.values()
    }

    /// The module-definition file an import library is made from. The name of a variable is that of its
    /// slot in the import table, as in the WDK's libraries: its headers declare a pointer to it.
    #[must_use]
    pub fn definition(&self) -> String {
        let mut text = format!("LIBRARY \"{}\"\nEXPORTS\n", self.name);
        for export in self.exports() {
            let _ = writeln!(
                text,
                "    {}{}",
                export.name,
                if export.data { " CONSTANT" } else { "" }
            );
        }
        text
    }
}

/// The modules a KMDF driver may import from.
pub static MODULES: LazyLock<[Module; 4]> = LazyLock::new(|| {
    [
        Module::parse(
            "ntoskrnl.exe",
            "ntoskrnl",
            include_str!("../exports/ntoskrnl.exe.txt"),
        ),
        Module::parse("HAL.dll", "hal", include_str!("../exports/hal.dll.txt")),
        Module::parse(
            "WDFLDR.SYS",
            "WdfLdr",
            include_str!("../exports/wdfldr.sys.txt"),
        ),
        Module::parse(
            "WMILIB.SYS",
            "wmilib",
            include_str!("../exports/wmilib.sys.txt"),
        ),
    ]
});

/// The modules a UMDF 2 driver may import from. Several belong to one library, which names API sets.
pub static USER_MODULES: LazyLock<Vec<Module>> = LazyLock::new(|| {
    include_str!("../exports/user-mode.txt")
        .split("\n[")
        .skip(1)
        .map(|section| {
            let (heading, names) = section.split_once("]\n").unwrap_or_default();
            let (library, name) = heading.split_once(' ').unwrap_or_default();
            Module::parse(name, library, names)
        })
        .collect()
});

/// The modules that a driver of this model may import from.
#[must_use]
pub fn modules(model: Model) -> &'static [Module] {
    match model {
        Model::Kmdf => &*MODULES,
        Model::Umdf => &USER_MODULES,
    }
}

/// The module of this name. The loader does not mind upper and lower case, so neither does this.
#[must_use]
pub fn module(model: Model, name: &str) -> Option<&'static Module> {
    modules(model)
        .iter()
        .find(|module| module.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_name_what_every_kmdf_driver_imports() {
        for (file, name) in [
            ("wdfldr.sys", "WdfVersionBind"),
            ("WDFLDR.SYS", "WdfVersionUnbind"),
            ("ntoskrnl.exe", "DbgPrint"),
            ("ntoskrnl.exe", "KeBugCheckEx"),
            ("ntoskrnl.exe", "MmMapIoSpaceEx"),
            ("ntoskrnl.exe", "memcpy"),
            ("ntoskrnl.exe", "RtlCopyUnicodeString"),
        ] {
            let module = module(Model::Kmdf, file).expect(file);
            assert!(module.export(name).is_some(), "{file} lacks {name}");
        }
    }

    #[test]
    fn each_version_that_brought_an_export_is_known_by_its_build() {
        for module in MODULES.iter() {
            for export in module.exports() {
                assert!(export.first_build().is_some(), "{export:?}");
            }
        }
    }

    #[test]
    fn inline_functions_of_the_headers_are_no_exports() {
        let kernel = module(Model::Kmdf, "ntoskrnl.exe").unwrap();
        for name in [
            "KeInitializeSpinLock",
            "READ_REGISTER_ULONG",
            "MmGetSystemAddressForMdlSafe",
        ] {
            assert!(kernel.export(name).is_none(), "{name} is inline in wdm.h");
        }
    }

    #[test]
    fn an_export_knows_the_windows_version_it_came_with() {
        let kernel = module(Model::Kmdf, "ntoskrnl.exe").unwrap();
        assert_eq!(kernel.export("ExAllocatePool2").unwrap().since, Some(2004));
        assert_eq!(kernel.export("ExAllocatePoolWithTag").unwrap().since, None);
    }

    #[test]
    fn a_definition_file_lists_every_export_once() {
        let definition = module(Model::Kmdf, "wdfldr.sys").unwrap().definition();
        assert!(definition.starts_with("LIBRARY \"WDFLDR.SYS\"\nEXPORTS\n"));
        assert_eq!(definition.matches("WdfVersionBind\n").count(), 1);
        assert!(
            module(Model::Kmdf, "ntoskrnl.exe")
                .unwrap()
                .definition()
                .contains("    PsProcessType CONSTANT\n")
        );
    }

    #[test]
    fn no_name_is_in_two_modules() {
        for model in [Model::Kmdf, Model::Umdf] {
            let mut seen = BTreeMap::new();
            for module in modules(model) {
                for export in module.exports() {
                    let other = seen.insert(export.name, module.name);
                    assert!(
                        other.is_none(),
                        "{} is in {} and {other:?}",
                        export.name,
                        module.name
                    );
                }
            }
        }
    }

    #[test]
    fn what_the_headers_of_user_mode_declare_is_in_a_library() {
        let headers = kmdf_abi::c::umdf_headers(15).unwrap();
        let windows = headers
            .iter()
            .find(|header| header.path.ends_with("windows.h"));
        let declared = windows
            .unwrap()
            .contents
            .lines()
            .filter(|line| line.ends_with(");"));
        let names: Vec<_> = declared
            .filter(|line| !line.starts_with("typedef"))
            .filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next())
            .collect();
        assert!(names.contains(&"OutputDebugStringA"), "{names:?}");
        for name in names {
            let module = USER_MODULES
                .iter()
                .find(|module| module.export(name).is_some());
            assert!(module.is_some(), "no library has {name}");
        }
    }

    #[test]
    fn the_kernels_exports_are_not_user_modes() {
        assert!(module(Model::Umdf, "ntoskrnl.exe").is_none());
        assert!(module(Model::Kmdf, "ntdll.dll").is_none());
        assert!(
            module(Model::Umdf, "NTDLL.dll")
                .unwrap()
                .export("memcpy")
                .is_some()
        );
    }
}
