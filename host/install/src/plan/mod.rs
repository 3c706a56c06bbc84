//! Follows an INF for one device: what Windows would have in its registry afterwards.

use kmdf_inf::{Finding, Inf, Line, Platform, Severity, verify};

mod files;
mod interrupts;
mod model;
mod problem;
mod service;

pub(super) use self::problem::wrong;
use self::problem::{Step, missing};
pub use self::{
    interrupts::{AffinityPolicy, MsiGrant},
    problem::{InstallError, InstallProblem},
    service::Service,
};
use super::{
    add_reg,
    ids::DeviceIds,
    registry::{RegistryKey, RegistryValue},
    security::Security,
};

/// What is there once the INF has been followed for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The device's name for people.
    pub description: String,
    /// Who made the driver package.
    pub provider: String,
    /// The device's setup class.
    pub class: String,
    /// `DriverVer`: date and version.
    pub driver_version: String,
    /// The identifier by which the device was matched, as the device spells it.
    pub matched_id: String,
    /// The install section that was followed, with its decoration.
    pub section: String,
    /// The device's function driver.
    pub service: Service,
    /// The KMDF version in the `.Wdf` section, if there is one.
    pub kmdf_version: Option<(u32, u32)>,
    /// The device's hardware key: what `PLUGPLAY_REGKEY_DEVICE` opens.
    pub hardware_key: RegistryKey,
    /// The device's software key: what `PLUGPLAY_REGKEY_DRIVER` opens.
    pub software_key: RegistryKey,
    /// The service's key; `Parameters` is below it.
    pub service_key: RegistryKey,
    /// Whether messages are granted. Without it the device has its interrupt line.
    pub msi: Option<MsiGrant>,
    /// The policy of the interrupts.
    pub affinity: AffinityPolicy,
    /// Sections of other INFs that it needs (`Needs`). They are Windows' own and were not
    /// followed.
    pub not_followed: Vec<String>,
    /// Why the package is no Windows Driver, where it is none. It installs all the same.
    pub not_isolated: Vec<Finding>,
}

impl Installation {
    /// Follows `inf` for a device with the identifiers `ids`.
    ///
    /// # Errors
    /// The INF is not for this device or this platform, or would not install on Windows.
    pub fn plan(inf: &Inf, ids: &DeviceIds, platform: &Platform) -> Result<Self, InstallError> {
        Self::plan_over(&RegistryKey::default(), inf, ids, platform)
    }

    /// Follows `inf` for a device that another package was installed for before: the hardware key lives
    /// as long as the device, and what that package wrote into it is still there.
    ///
    /// # Errors
    /// As [`Installation::plan`].
    pub fn plan_over(
        hardware_key: &RegistryKey,
        inf: &Inf,
        ids: &DeviceIds,
        platform: &Platform,
    ) -> Result<Self, InstallError> {
        Planner { inf, platform }
            .plan(ids, hardware_key.clone())
            .map_err(|(line, problem)| InstallError {
                file: inf.file().to_owned(),
                line,
                problem,
            })
    }
}

/// One INF, followed on one platform.
struct Planner<'a> {
    inf: &'a Inf,
    platform: &'a Platform,
}

impl Planner<'_> {
    fn plan(&self, ids: &DeviceIds, mut hardware_key: RegistryKey) -> Step<Installation> {
        let inf = self.inf;
        let version = |key| inf.entry("Version", key).map_or("", |line| line.text(0));
        if !version("Signature").eq_ignore_ascii_case("$WINDOWS NT$") {
            return Err((inf.line_of("Version"), InstallProblem::Signature));
        }
        let driver_version = inf.entry("Version", "DriverVer").map(|line| {
            let fields: Vec<&str> = line.fields.iter().map(|f| f.text.as_str()).collect();
            fields.join(",")
        });
        let model = self.model(ids)?;
        let section = self.install_section(model.line)?;

        let mut software_key = RegistryKey::default();
        self.add_registry(&section, &mut software_key)?;
        let hardware = format!("{section}.HW");
        self.add_registry(&hardware, &mut hardware_key)?;
        self.check_security(&hardware, &hardware_key)?;
        let (service, service_key) = self.service(&section)?;
        self.check_image(&section, &service)?;

        let not_followed = ["", ".HW", ".Services", ".Wdf"]
            .iter()
            .flat_map(|suffix| inf.entries(&format!("{section}{suffix}"), "Needs"))
            .flat_map(|line| line.fields.iter().map(|field| field.text.clone()))
            .collect();
        let not_isolated = self.check_rules()?;
        Ok(Installation {
            description: model.line.key.clone().unwrap_or_default(),
            provider: version("Provider").to_owned(),
            class: version("Class").to_owned(),
            driver_version: driver_version.unwrap_or_default(),
            matched_id: model.matched_id.to_owned(),
            kmdf_version: self.kmdf_version(&section, &service)?,
            section,
            service,
            msi: MsiGrant::of(&hardware_key),
            affinity: AffinityPolicy::of(&hardware_key),
            hardware_key,
            software_key,
            service_key,
            not_followed,
            not_isolated,
        })
    }

    /// Checks the rules whose breach Windows or the signing of the package refuses. What it breaks of the
    /// others.
    fn check_rules(&self) -> Step<Vec<Finding>> {
        let mut findings = verify(self.inf);
        findings.retain(|finding| finding.rule.severity() == Severity::Error);
        let (not_isolated, refused): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| finding.rule.is_of_isolation());
        match refused.first() {
            Some(Finding { line, .. }) => Err((*line, InstallProblem::Rules(refused))),
            None => Ok(not_isolated),
        }
    }

    /// Checks that the device's security descriptor, if it has one, can be read.
    fn check_security(&self, section: &str, hardware_key: &RegistryKey) -> Step<()> {
        match hardware_key.value("Security") {
            Some(RegistryValue::String(sddl)) if Security::parse(sddl).is_none() => {
                let wanted = "a discretionary access-control list in SDDL, as D:P(A;;GA;;;SY)";
                Err((self.inf.line_of(section), wrong("Security", sddl, wanted)))
            }
            _ => Ok(()),
        }
    }

    /// Does what the AddReg entries of a section say.
    fn add_registry(&self, section: &str, key: &mut RegistryKey) -> Step<()> {
        for line in self.inf.entries(section, "AddReg") {
            for name in line.fields.iter().map(|field| field.text.as_str()) {
                let values = self.inf.section(name);
                for value in values.ok_or_else(|| (Some(line.number), missing(name)))? {
                    add_reg::apply(value, key).map_err(|problem| (Some(value.number), problem))?;
                }
            }
        }
        Ok(())
    }

    /// An entry that a section must have.
    fn required(&self, section: &str, entry: &'static str) -> Step<&Line> {
        self.inf.entry(section, entry).ok_or_else(|| {
            let problem = InstallProblem::MissingEntry {
                section: section.to_owned(),
                entry,
            };
            (self.inf.line_of(section), problem)
        })
    }
}
