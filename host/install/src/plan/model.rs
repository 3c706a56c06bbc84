//! Which of the INF's models the device is, and which section installs it.

use std::collections::BTreeSet;

use kmdf_inf::{Line, Target};

use super::{
    Planner,
    problem::{InstallProblem, Step, missing},
};
use crate::ids::DeviceIds;

/// A model that matches the device.
pub(super) struct Model<'a> {
    pub line: &'a Line,
    /// Smaller is better, as SetupAPI ranks.
    rank: usize,
    pub matched_id: &'a str,
}

impl Planner<'_> {
    /// Finds the model that fits the device best.
    pub(super) fn model<'a>(&'a self, ids: &'a DeviceIds) -> Step<Model<'a>> {
        let Some(manufacturers) = self.inf.section("Manufacturer") else {
            return Err((None, missing("Manufacturer")));
        };
        let mut offered = Vec::new();
        let mut inf_ids = BTreeSet::new();
        let mut any_models = false;
        let mut best: Option<Model<'a>> = None;
        for line in manufacturers {
            let Some(section) = self.models_section(line, &mut offered) else {
                continue;
            };
            let Some(models) = self.inf.section(&section) else {
                return Err((Some(line.number), missing(&section)));
            };
            any_models = true;
            for model in models {
                inf_ids.extend(model.fields.iter().skip(1).map(|id| id.text.clone()));
                let found = rank(model, ids);
                if let Some((rank, matched_id)) = found
                    && best.as_ref().is_none_or(|best| rank < best.rank)
                {
                    best = Some(Model {
                        line: model,
                        rank,
                        matched_id,
                    });
                }
            }
        }
        if !any_models {
            return Err((
                self.inf.line_of("Manufacturer"),
                InstallProblem::NoModels {
                    platform: self.platform.clone(),
                    offered,
                },
            ));
        }
        best.ok_or_else(|| {
            let problem = InstallProblem::NoMatch {
                device: ids.iter().map(str::to_owned).collect(),
                inf: inf_ids.into_iter().collect(),
            };
            (None, problem)
        })
    }

    /// The section of a manufacturer's models that fits the platform best.
    fn models_section(&self, line: &Line, offered: &mut Vec<String>) -> Option<String> {
        // A manufacturer without an equals sign is its models' section, too.
        let base = line.text(0);
        let targets: Vec<&str> = match line.key {
            Some(_) => line
                .fields
                .iter()
                .skip(1)
                .map(|f| f.text.as_str())
                .collect(),
            None => Vec::new(),
        };
        if targets.is_empty() {
            offered.push("no architecture".to_owned());
        }
        offered.extend(targets.iter().map(|target| (*target).to_owned()));
        let fitting = targets
            .iter()
            .filter_map(|target| Some((Target::parse(target)?.fits(self.platform)?, *target)));
        let (_, target) = fitting.max_by_key(|(fit, _)| *fit)?;
        Some(format!("{base}.{target}"))
    }

    /// The install section of a model, with the decoration that fits best.
    pub(super) fn install_section(&self, model: &Line) -> Step<String> {
        let base = model.text(0);
        [
            format!("{base}.NT{}", self.platform.architecture),
            format!("{base}.NT"),
            base.to_owned(),
        ]
        .into_iter()
        .find(|name| self.inf.section(name).is_some())
        .ok_or_else(|| (Some(model.number), missing(base)))
    }
}

/// How well a model fits a device, and by which of its identifiers. A hardware id of both is best,
/// then by the place in the device's list, as SetupAPI ranks.
fn rank<'a>(model: &Line, ids: &'a DeviceIds) -> Option<(usize, &'a str)> {
    const CLASS: usize = 0x1000;
    let model_ids = model.fields.iter().skip(1).enumerate();
    model_ids
        .flat_map(|(place, field)| {
            let hardware = ids.hardware.iter().enumerate();
            let compatible = ids.compatible.iter().enumerate();
            let compatible = compatible.map(|(at, id)| (2 * CLASS + at, id));
            let model_class = if place == 0 { 0 } else { CLASS };
            hardware
                .chain(compatible)
                .filter(move |(_, id)| id.eq_ignore_ascii_case(&field.text))
                .map(move |(rank, id)| (rank + model_class, id.as_str()))
        })
        .min()
}
