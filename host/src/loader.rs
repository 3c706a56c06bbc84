//! The loader: maps an image and binds its imports and its function table to stubs.

use std::{borrow::Cow, rc::Rc, sync::OnceLock};

use kmdf_image::{Image, ImportName, MapError, Symbols};

use crate::{
    cpu::stub::Stubs,
    host::{Binding, Host},
    kernel, kmdf, service,
};

/// The library name under which the framework's table functions are reported.
const FRAMEWORK: &str = "KMDF";

/// Maps `image` into the host's process.
pub(crate) fn map(host: &Host, image: Image, symbols: Rc<Symbols>) -> Result<(), MapError> {
    let bindings = bindings(&image);
    let count = u32::try_from(bindings.len()).expect("a driver imports few functions");
    let stubs = Stubs::new(count).map_err(|reason| MapError::Memory {
        file: image.file().to_owned(),
        step: "making stubs",
        reason,
    })?;
    let mapped = image.map(|library, name| {
        let name = import_name(name);
        if let Some(address) = kernel::direct(&name) {
            return Ok(address);
        }
        let index = bindings
            .iter()
            .position(|binding| binding.library == library && binding.name == name)
            .expect("every import was bound before");
        Ok(stubs.address(u32::try_from(index).expect("counted above")))
    })?;
    *host.bindings.borrow_mut() = bindings;
    let fresh = host.image.set(mapped).is_ok()
        && host.stubs.set(stubs).is_ok()
        && host.symbols.set(symbols).is_ok();
    assert!(fresh, "one host runs one driver");
    Ok(())
}

fn import_name(name: &ImportName) -> String {
    match name {
        ImportName::Name(name) => name.clone(),
        ImportName::Ordinal(ordinal) => format!("#{ordinal}"),
    }
}

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
        table
    });
    let mut bindings = table.clone();
    for import in image.imports() {
        let name = import_name(&import.name);
        let service = kernel::LIBRARIES
            .iter()
            .find(|(library, _)| library.eq_ignore_ascii_case(&import.dll))
            .and_then(|(_, tables)| service::find(tables, &name));
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
        let stubs = self.stubs.get().expect("mapped before");
        let functions = kmdf_abi::functions();
        let table = self.lend("the framework's function table", 8 * functions.len() as u64);
        for (index, offset) in (0_u32..).zip((0..8 * functions.len() as u64).step_by(8)) {
            self.memory.write(table + offset, &stubs.address(index));
        }
        table
    }

    /// The address of a routine of the kernel, if the driver imports it or it is plain code.
    pub(crate) fn routine(&self, name: &str) -> Option<u64> {
        if let Some(address) = kernel::direct(name) {
            return Some(address);
        }
        let bindings = self.bindings.borrow();
        let index = bindings
            .iter()
            .position(|binding| binding.hidden == 0 && binding.name == name)?;
        let index = u32::try_from(index).ok()?;
        Some(self.stubs.get()?.address(index))
    }

    /// The address of the framework's DriverUnload.
    pub(crate) fn unload_stub(&self) -> u64 {
        let index = u32::try_from(kmdf_abi::functions().len()).expect("a small table");
        self.stubs.get().expect("mapped before").address(index)
    }

    /// A UNICODE_STRING lent to the driver.
    pub(crate) fn lend_string(&self, what: &'static str, text: &str) -> u64 {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(bytes.len()).expect("a short string");
        bytes.extend([0, 0]);
        let buffer = self.lend(what, bytes.len() as u64);
        self.memory.write_bytes(buffer, &bytes);
        let string = self.lend(what, 16);
        self.memory.write(string, &length);
        self.memory.write(string + 2, &(length + 2));
        self.memory.write(string + 8, &buffer);
        string
    }
}
