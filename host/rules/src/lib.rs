//! The rules: what a KMDF driver must do.
//!
//! A rule has Microsoft's name if there is one, so that a driver author can look it up. There is one file for each
//! family. The check of a rule is in the crate of the object that the rule is about; nothing here runs a driver.

#![cfg(unix)]

mod calls;
mod cancel;
mod completion;
mod dma;
mod interrupts;
mod irql;
mod locks;
mod memory;
mod objects;
mod power;
mod processor;
mod progress;
mod queues;
mod registers;
mod rule;
mod sending;

pub use rule::{Family, Origin, Rule};

/// Every rule by name, for what checks it.
pub mod rules {
    pub use super::{
        calls::*, cancel::*, completion::*, dma::*, interrupts::*, irql::*, locks::*, memory::*,
        objects::*, power::*, processor::*, progress::*, queues::*, registers::*, sending::*,
    };
}

/// Every rule that is checked in every run, family by family.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        irql::RULES,
        locks::RULES,
        completion::RULES,
        cancel::RULES,
        queues::RULES,
        sending::RULES,
        power::RULES,
        objects::RULES,
        memory::RULES,
        interrupts::RULES,
        registers::RULES,
        dma::RULES,
        calls::RULES,
        processor::RULES,
        progress::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_what_a_driver_must_do() {
        let mut names = BTreeSet::new();
        for rule in super::rules() {
            assert!(names.insert(rule.name), "{} is there twice", rule.name);
            assert!(rule.statement.ends_with('.'), "{}", rule.name);
            assert!(!rule.source.is_empty(), "{}", rule.name);
        }
        assert!(names.contains("KmdfIrql"));
    }

    #[test]
    fn what_the_framework_ends_is_named_by_its_code_and_file() {
        let of_framework = super::rules().filter(|rule| rule.origin == super::Origin::Framework);
        for rule in of_framework {
            assert!(rule.source.starts_with("KMDF"), "{}", rule.name);
            let file = [".cpp", ".h", ".hpp"]
                .iter()
                .any(|end| rule.source.contains(end));
            assert!(file, "{}", rule.name);
        }
        let own = super::rules().filter(|rule| rule.origin == super::Origin::Own);
        for rule in own {
            assert!(!rule.source.contains("0x10D"), "{}", rule.name);
        }
    }
}
