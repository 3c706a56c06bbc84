//! Manufacturers, models, and what is installed for them.

use super::{Checker, Rule};
use crate::{Line, Target};

/// The build from which a device's driver may run from the driver store.
const DRIVER_STORE_BUILD: u32 = 16299;

impl Checker<'_> {
    pub(super) fn models(&mut self) {
        let inf = self.inf;
        for line in inf.section("Manufacturer").unwrap_or_default() {
            let targets = line.fields.get(1..).unwrap_or_default();
            if line.key.is_none() || targets.is_empty() {
                let text = "the models have no architecture; add NTamd64.10.0...16299";
                self.find(Rule::Models, Some(line.number), text);
            }
            for target in targets {
                self.target(line, &target.text);
                self.reference(line, &format!("{}.{}", line.text(0), target.text));
            }
        }
        let models = self.all_models();
        if !models.iter().any(|model| model.fields.len() > 1) {
            let line = inf.line_of("Manufacturer").or(inf.line_of("Version"));
            self.find(Rule::NoDevice, line, "there is no model with a hardware id");
        }
        let sections = self.install_sections();
        for model in models {
            if !sections.iter().any(|(_, of)| of.number == model.number) {
                let text = format!("install section [{}] does not exist", model.text(0));
                self.find(Rule::SectionNotFound, Some(model.number), text);
            }
        }
        for (section, _) in sections {
            for (suffix, rule, what) in [
                (
                    "Services",
                    Rule::NoService,
                    "the service that drives the device",
                ),
                (
                    "Wdf",
                    Rule::Wdf,
                    "the version of the framework that the driver is for",
                ),
            ] {
                let name = format!("{section}.{suffix}");
                if inf.section(&name).is_none() {
                    let text = format!("[{name}] is missing: {what}");
                    self.find(rule, inf.line_of(&section), text);
                }
            }
        }
        if inf.section("Manufacturer").is_some() {
            for name in inf.section_names() {
                if name.to_lowercase().starts_with("defaultinstall") {
                    let text = format!("[{name}] beside [Manufacturer]; keep one of the two");
                    self.find(Rule::DefaultInstall, inf.line_of(name), text);
                }
            }
        }
    }

    fn target(&mut self, line: &Line, text: &str) {
        let number = Some(line.number);
        let Some(target) = Target::parse(text) else {
            let text = format!("{text:?} is not a TargetOSVersion such as NTamd64.10.0...16299");
            self.find(Rule::Models, number, text);
            return;
        };
        if target.architecture.is_empty() {
            self.find(Rule::Models, number, format!("{text} has no architecture"));
        }
        if target.product.is_some() || target.suite.is_some() {
            let text = format!("{text} depends on a product type or suite");
            self.find(Rule::Models, number, text);
        }
        let version = (target.major.unwrap_or(0), target.minor.unwrap_or(0));
        let build = target.build.unwrap_or(0);
        if version < (10, 0) || (version == (10, 0) && build < DRIVER_STORE_BUILD) {
            let text = format!(
                "{text} covers Windows before build {DRIVER_STORE_BUILD}, which does not run a \
                 driver from the driver store (%13%); write 10.0...{DRIVER_STORE_BUILD}"
            );
            self.find(Rule::TooNewSyntax, number, text);
        }
    }
}
