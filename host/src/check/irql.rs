//! KmdfIrql, KmdfIrql2: the highest IRQL at which each function may be called.

use crate::{host::Host, service::Service};

impl Host {
    /// Checks the IRQL of a call.
    pub(crate) fn check_irql(&self, service: &Service) {
        let irql = self.irql();
        if irql > service.max_irql {
            let rule = if service.name.starts_with("Wdf") {
                "KmdfIrql"
            } else {
                "IrqlTooHigh"
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
