//! What a driver must have given back when it is unloaded, or when its DriverEntry has failed.

use kmdf_rules::{Rule, rules};

use crate::host::Host;

impl Host {
    /// Checks a driver that has just been unloaded, or is because its DriverEntry has failed: `how` says
    /// which.
    pub(crate) fn check_left_behind(&self, how: &str) {
        if !self.checks_all() {
            return;
        }
        let mut left: Vec<(&'static Rule, String)> = Vec::new();
        if let Some(what) = self.pending_deferred() {
            self.violation(&rules::PENDING_AT_UNLOAD, format!("{how}, and {what}"));
        }
        for allocation in self.memory.leaks() {
            left.push((
                &rules::POOL_LEAK,
                format!(
                    "{} bytes of {}{}",
                    allocation.bytes,
                    allocation.purpose,
                    self.made_at(allocation.site)
                ),
            ));
        }
        for mapping in self.memory.device_mappings() {
            left.push((
                &rules::MAPPING_LEAK,
                format!(
                    "{} bytes of mapped device memory{}",
                    mapping.bytes,
                    self.made_at(mapping.site)
                ),
            ));
        }
        for object in self.framework().objects.live() {
            let references = match object.references.get() {
                0 => String::new(),
                count => format!(" with {count} references that were not released"),
            };
            left.push((
                &rules::OBJECT_LEAK,
                format!("a {}{references}{}", object.kind, self.made_at(object.site)),
            ));
        }
        for (references, site) in self.bus_references() {
            left.push((
                &rules::BUS_INTERFACE,
                format!(
                    "{references} references to interfaces of the bus driver{}",
                    self.made_at(site)
                ),
            ));
        }
        left.extend(self.device_inits_left());
        left.extend(self.kernel_objects_left());
        if self.framework().globals.get() != 0 {
            left.push((&rules::UNBIND, "the binding to the framework".to_owned()));
        }
        if let Some((rule, _)) = left.first() {
            let items: Vec<_> = left.iter().map(|(_, text)| text.as_str()).collect();
            self.violation(rule, format!("{how} and left behind {}", items.join("; ")));
        }
    }
}
