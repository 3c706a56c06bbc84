//! The loader: maps an image and binds its imports and its function table to stubs.

use std::{borrow::Cow, rc::Rc, sync::OnceLock};

use kmdf_image::{Image, MapError, Symbols};
use kmdf_machine::{
    import_name,
    service::{self, Binding, Service},
};

use crate::{host::Host, kmdf};

/// The library name under which the framework's table functions are reported.
const FRAMEWORK: &str = "KMDF";
/// The one under which routines are that no library exports.
const ROUTINES: &str = "the bus driver";
/// The one that has what MmGetSystemRoutineAddress finds.
const KERNEL: &str = "ntoskrnl.exe";

/// Maps `image` into the host's process.
pub(crate) fn map(host: &Host, image: Image, symbols: Rc<Symbols>) -> Result<(), MapError> {
    let bindings = bindings(&image);
    let handles_exceptions = image
        .imports()
        .iter()
        .any(|import| import_name(&import.name) == "__C_specific_handler");
    let direct = if handles_exceptions {
        kmdf_kernel::direct_unguarded
    } else {
        kmdf_kernel::direct
    };
    host.load_image(image, symbols, bindings, direct)
}

/// The service that a library exports under a name: of the kernel, or of what binds a driver to the
/// framework.
pub(crate) fn exported(library: &str, name: &str) -> Option<&'static Service> {
    const LOADER: (&str, &[&[Service]]) = ("WDFLDR.SYS", &[kmdf::bind::SERVICES]);
    const OWN: (&str, &[&[Service]]) = (KERNEL, OF_KERNEL);
    let of_library = kmdf_kernel::LIBRARIES
        .iter()
        .chain([&LOADER, &OWN])
        .filter(|(other, _)| other.eq_ignore_ascii_case(library));
    let mut tables = of_library.map(|(_, tables)| service::find(tables, name));
    tables.find_map(|found| found)
}

/// The kernel's functions that need the framework's devices.
const OF_KERNEL: &[&[Service]] = &[crate::irp::SERVICES, crate::pnp::notify::SERVICES];

/// The framework's table, the framework's DriverUnload, then the imports.
fn bindings(image: &Image) -> Vec<Binding> {
    /// The same for every driver.
    static TABLE: OnceLock<Vec<Binding>> = OnceLock::new();
    let framework = |name, service| Binding {
        library: Cow::Borrowed(FRAMEWORK),
        name: Cow::Borrowed(name),
        service,
        hidden: 1,
    };
    let table = TABLE.get_or_init(|| {
        let mut table: Vec<_> = kmdf_abi::functions()
            .iter()
            .map(|function| framework(function.name, service::find(kmdf::TABLES, function.name)))
            .collect();
        table.push(Binding {
            hidden: 0,
            ..framework("DriverUnload", Some(&kmdf::driver::UNLOAD))
        });
        let routine = |library, service: &'static Service| Binding {
            library: Cow::Borrowed(library),
            name: Cow::Borrowed(service.name),
            service: Some(service),
            hidden: 0,
        };
        for service in crate::pnp::bus::SERVICES {
            table.push(routine(ROUTINES, service));
        }
        let exports = kmdf_kernel::LIBRARIES
            .iter()
            .filter(|(library, _)| *library == KERNEL);
        let exports = exports.flat_map(|(_, tables)| tables.iter().copied().flatten());
        for service in exports.chain(OF_KERNEL.iter().copied().flatten()) {
            table.push(routine(KERNEL, service));
        }
        table
    });
    let mut bindings = table.clone();
    for import in image.imports() {
        let name = import_name(&import.name);
        let service = exported(&import.dll, &name);
        bindings.push(Binding {
            library: Cow::Owned(import.dll.clone()),
            name: Cow::Owned(name),
            service,
            hidden: 0,
        });
    }
    bindings
}

impl Host {
    /// The address of the framework's function table, as `WdfFunctions` of the driver points to it.
    pub(crate) fn function_table(&self) -> u64 {
        let functions = kmdf_abi::functions();
        let table = self.lend("the framework's function table", 8 * functions.len() as u64);
        for (index, offset) in (0_u32..).zip((0..8 * functions.len() as u64).step_by(8)) {
            self.memory.write(table + offset, &self.stub(index));
        }
        table
    }

    /// The address of a routine that no library exports.
    ///
    /// # Panics
    /// There is none of that name.
    pub(crate) fn routine_of(&self, name: &str) -> u64 {
        let address = self.bound(|binding| binding.library == ROUTINES && binding.name == name);
        address.expect("a routine of this host's")
    }

    /// The address of the framework's DriverUnload.
    pub(crate) fn unload_stub(&self) -> u64 {
        let index = u32::try_from(kmdf_abi::functions().len()).expect("a small table");
        self.stub(index)
    }
}
