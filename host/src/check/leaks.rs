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
        for object in self.framework.objects.live() {
            let references = match object.references.get() {
                0 => String::new(),
                count => format!(" with {count} references that were not given back"),
            };
            left.push((
                &rules::OBJECT_LEAK,
                format!("a {}{references}{}", object.kind, self.made_at(object.site)),
            ));
        }
        for site in self.framework.kernel.providers.sites() {
            left.push((
                &rules::ETW_UNREGISTER,
                format!("an ETW provider{}", self.made_at(site)),
            ));
        }
        for site in self.framework.kernel.deferred.work_item_sites() {
            left.push((
                &rules::POOL_LEAK,
                format!("an IO_WORKITEM{}", self.made_at(site)),
            ));
        }
        if self.framework.globals.get() != 0 {
            left.push((&rules::UNBIND, "the binding to the framework".to_owned()));
        }
        if let Some((rule, _)) = left.first() {
            let items: Vec<_> = left.iter().map(|(_, text)| text.as_str()).collect();
            self.violation(rule, format!("{how} and left behind {}", items.join("; ")));
        }
    }

    /// Where driver code is that called the host last on this flow: 0 for nowhere.
    pub(crate) fn call_site(&self) -> u64 {
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
    pub(crate) fn made_at(&self, site: u64) -> String {
        match self.image.get().and_then(|image| image.rva(site)) {
            // The call is before the address it returns to.
            Some(rva) => format!(", at {}", self.describe_code(rva - 1)),
            None => String::new(),
        }
    }
}
