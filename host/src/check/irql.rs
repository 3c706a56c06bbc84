//! IRQL: the highest at which each function may be called, and what may lower or raise it.

use super::rule::rules;
use crate::{host::Host, service::Service};

rules! { Irql:
    KMDF_IRQL = "KmdfIrql", "KmdfIrql, KmdfIrql2 (DDI compliance); KMDF verifier",
        "A framework function is called at an IRQL that it allows, and a callback returns at the IRQL it was called at.";
    IRQL_TOO_HIGH = "IrqlTooHigh", "documentation of each function; Irql* (DDI compliance for WDM)",
        "A kernel function is called at an IRQL that it allows.";
    PAGED_CODE_IRQL = "PagedCodeIrql", "bug check 0xD1; PAGED_CODE",
        "Code in a pageable section (named PAGE…) runs below DISPATCH_LEVEL.";
    PAGED_POOL_IRQL = "PagedPoolIrql", "IrqlExAllocatePool (DDI compliance for WDM)",
        "Paged pool is allocated at APC_LEVEL or below.";
}

impl Host {
    /// Checks the IRQL of a call.
    pub(crate) fn check_irql(&self, service: &Service) {
        if !self.checks_all() {
            return;
        }
        let irql = self.irql();
        if irql > service.max_irql {
            let rule = if service.name.starts_with("Wdf") {
                &KMDF_IRQL
            } else {
                &IRQL_TOO_HIGH
            };
            self.violation(
                rule,
                format!(
                    "{} is called at {irql}; the highest IRQL it allows is {}",
                    service.name, service.max_irql
                ),
            );
        }
    }
}
