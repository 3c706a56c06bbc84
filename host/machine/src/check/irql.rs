//! The highest IRQL at which each function may be called.

use kmdf_rules::rules;

use crate::{machine::Machine, service::Service};

impl Machine {
    /// Checks the IRQL of a call.
    pub(crate) fn check_irql(&self, service: &Service) {
        if !self.checks_all() {
            return;
        }
        let irql = self.irql();
        if irql > service.max_irql {
            let rule = if service.name.starts_with("Wdf") {
                &rules::KMDF_IRQL
            } else {
                &rules::IRQL_TOO_HIGH
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
