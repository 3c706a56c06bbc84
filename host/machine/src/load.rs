//! Loading: an image is mapped, and what it calls is bound to stubs.

use std::rc::Rc;

use kmdf_image::{Image, ImportName, MapError, Symbols};

use crate::{Machine, cpu::stub::Stubs, service::Binding};

impl Machine {
    /// Maps an image into this process, with a stub for each of the bindings. An import for which
    /// `direct` has an address is bound to that.
    ///
    /// # Errors
    /// The image cannot be mapped.
    ///
    /// # Panics
    /// When an import has no binding, or a driver was loaded before: one machine runs one driver.
    pub fn load_image(
        &self,
        image: Image,
        symbols: Rc<Symbols>,
        bindings: Vec<Binding>,
        direct: impl Fn(&str) -> Option<u64>,
    ) -> Result<(), MapError> {
        let count = u32::try_from(bindings.len()).expect("a driver imports few functions");
        let stubs = Stubs::new(count).map_err(|reason| MapError::Memory {
            file: image.file().to_owned(),
            step: "making stubs",
            reason,
        })?;
        let mapped = image.map(|library, name| {
            let name = import_name(name);
            if let Some(address) = direct(&name) {
                return Ok(address);
            }
            let index = bindings
                .iter()
                .rposition(|binding| binding.library == library && binding.name == name)
                .expect("every import was bound before");
            Ok(stubs.address(u32::try_from(index).expect("counted above")))
        })?;
        *self.bindings.borrow_mut() = bindings;
        let fresh = self.image.set(mapped).is_ok()
            && self.stubs.set(stubs).is_ok()
            && self.symbols.set(symbols).is_ok();
        assert!(fresh, "one machine runs one driver");
        Ok(())
    }

    /// The address of the stub with that number.
    ///
    /// # Panics
    /// When no driver is loaded, or there is no such stub.
    #[must_use]
    pub fn stub(&self, index: u32) -> u64 {
        self.stubs.get().expect("mapped before").address(index)
    }

    /// The address of a routine of the kernel, which the driver may import.
    #[must_use]
    pub fn imported(&self, name: &str) -> Option<u64> {
        self.bound(|binding| {
            let is_kernel = binding.library.eq_ignore_ascii_case("ntoskrnl.exe");
            is_kernel && binding.name == name
        })
    }

    /// The address of the first stub that stands for something of that kind.
    pub fn bound(&self, wanted: impl Fn(&Binding) -> bool) -> Option<u64> {
        let bindings = self.bindings.borrow();
        let index = bindings.iter().position(wanted)?;
        let index = u32::try_from(index).ok()?;
        Some(self.stubs.get()?.address(index))
    }
}

/// What an import is called in bindings.
#[must_use]
pub fn import_name(name: &ImportName) -> String {
    match name {
        ImportName::Name(name) => name.clone(),
        ImportName::Ordinal(ordinal) => format!("#{ordinal}"),
    }
}
