//! What an image says of the framework it was built for.

use super::Image;

/// The framework's name in WDF_BIND_INFO, as a driver's code has it.
const COMPONENT: &str = "KmdfLibrary";

/// The framework version that a driver asks for, and how much of its table it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindInfo {
    /// Major version: 1.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Functions in the table.
    pub functions: u32,
    /// RVA of the driver's pointer to the table, `WdfFunctions`.
    pub table: u32,
}

impl Image {
    /// The WDF_BIND_INFO of a KMDF driver: found by the pointer to the framework's name that it
    /// holds. `None` for an image that is no KMDF driver.
    #[must_use]
    pub fn bind_info(&self) -> Option<BindInfo> {
        /// Offsets from the member Component.
        const MAJOR: usize = 8;
        const MINOR: usize = 12;
        const FUNCTIONS: usize = 20;
        const TABLE: usize = 24;
        let layout = self.layout();
        let name: Vec<u8> = COMPONENT
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let number = |at: usize| {
            let bytes = layout.get(at..at.checked_add(4)?)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let names = layout
            .windows(name.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == name);
        let mut pointers = names.flat_map(|(name_at, _)| {
            let pointer = (self.preferred_base() + name_at as u64).to_le_bytes();
            layout
                .chunks_exact(pointer.len())
                .enumerate()
                .filter(move |(_, bytes)| *bytes == pointer)
                .map(|(index, bytes)| index * bytes.len())
        });
        // What points to the name need not be the structure: the first that can be one is it.
        pointers.find_map(|at| {
            Some(BindInfo {
                major: number(at + MAJOR)?,
                minor: number(at + MINOR)?,
                functions: number(at + FUNCTIONS)?,
                table: self.rva_at(at + TABLE)?,
            })
        })
    }

    /// The RVA of what the 8-byte address at `at` in the layout points to.
    fn rva_at(&self, at: usize) -> Option<u32> {
        let bytes = self.layout().get(at..at.checked_add(8)?)?;
        let address = u64::from_le_bytes(bytes.try_into().ok()?);
        u32::try_from(address.checked_sub(self.preferred_base())?).ok()
    }
}
