//! What the kernel lends the driver, and where its routines are.

use kmdf_machine::Purpose;

use crate::{Kernel, direct};

impl Kernel {
    /// Memory that the kernel or the framework lends the driver.
    ///
    /// # Panics
    /// When there is no address space left.
    pub fn lend(&self, what: &'static str, bytes: u64) -> u64 {
        self.memory
            .allocate(bytes, true, Purpose::System { what })
            .expect("a run has address space for what it lends")
    }

    /// A UNICODE_STRING lent to the driver.
    ///
    /// # Panics
    /// When the text is longer than such a string can be.
    pub fn lend_string(&self, what: &'static str, text: &str) -> u64 {
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

    /// The address of a routine of the kernel, if the driver imports it or it is plain code.
    pub fn routine(&self, name: &str) -> Option<u64> {
        if let Some(address) = direct(name) {
            return Some(address);
        }
        self.imported(name)
    }
}
