//! The services that an INF installs.

use super::{Checker, Rule};
use crate::{DRIVER_STORE, Field};

/// `SERVICE_DEMAND_START`.
const DEMAND: u32 = 3;

impl Checker<'_> {
    pub(super) fn services(&mut self) {
        let inf = self.inf;
        let copied = self.copied();
        for name in inf.section_names() {
            for line in inf.entries(name, "ServiceBinary") {
                let binary = line.fields.first();
                if binary.and_then(|field| field.directory) != Some(DRIVER_STORE) {
                    let text = "ServiceBinary does not run from the driver store; write %13%\\name";
                    self.find(Rule::DriverStore, Some(line.number), text);
                }
                let file = line.text(0).rsplit('\\').next().unwrap_or_default();
                if !copied
                    .iter()
                    .any(|(copied, _)| copied.eq_ignore_ascii_case(file))
                {
                    let text = format!("{file} is among the files of no CopyFiles");
                    self.find(Rule::ServiceBinary, Some(line.number), text);
                }
            }
            for line in inf.entries(name, "StartType") {
                let start = line.fields.first().and_then(Field::number);
                if start != Some(DEMAND) {
                    let text = "StartType has to be 3: PnP starts the driver when its device is \
                                there, and a boot driver cannot run from the driver store";
                    self.find(Rule::StartType, Some(line.number), text);
                }
            }
        }
    }
}
