//! What the machine asks of whoever plays a system on it.

use kmdf_rules::Rule;

use crate::Machine;

/// What stands above a machine: a kernel, a framework. It knows what work there is for the driver.
pub trait Above {
    /// What the driver has not brought to its end, now that nothing can go on and no callback is
    /// under way.
    fn unfinished(&self, machine: &Machine) -> Option<(&'static Rule, String)>;

    /// What apps wait for: a line for each request.
    fn pending(&self, _machine: &Machine) -> Vec<String> {
        Vec::new()
    }
}
