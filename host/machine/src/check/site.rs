//! Where driver code was when it asked for something.

use crate::Machine;

impl Machine {
    /// Where driver code is that called the host last on this flow: 0 for nowhere.
    pub fn call_site(&self) -> u64 {
        let Some((_, flow)) = self.scheduler.current() else {
            return 0;
        };
        let crossings = self.crossings.borrow();
        crossings
            .iter()
            .rev()
            .find(|crossing| crossing.flow == flow.id)
            .map_or(0, |crossing| crossing.rip)
    }

    /// `, at function and line`, for a call site that is known.
    pub fn made_at(&self, site: u64) -> String {
        match self.image.get().and_then(|image| image.rva(site)) {
            // The call is before the address it returns to.
            Some(rva) => format!(", at {}", self.describe_code(rva - 1)),
            None => String::new(),
        }
    }
}
