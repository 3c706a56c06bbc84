//! Follows an INF for one device: what Windows would have in its registry afterwards.

use std::{collections::BTreeSet, fmt};

use thiserror::Error;

use super::{
    add_reg,
    ids::DeviceIds,
    inf::{Field, Inf, Line},
    platform::{Platform, Target},
    registry::{RegistryKey, RegistryValue},
};

/// The directory id of `System32\drivers`.
const DRIVERS: u32 = 12;
/// The directory id of the driver package's own place in the driver store.
pub(super) const DRIVER_STORE: u32 = 13;
/// `SPSVCINST_ASSOCSERVICE`: the service drives the device.
const ASSOCIATED_SERVICE: u32 = 2;

/// Where messages are asked for, below the hardware key.
const MESSAGES: &str = "Interrupt Management\\MessageSignaledInterruptProperties";
/// Where a policy for the interrupts is, below the hardware key.
const AFFINITY: &str = "Interrupt Management\\Affinity Policy";

/// Why an INF does not install a device.
#[derive(Debug, Error)]
pub struct InstallError {
    /// The INF, as it was named.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub problem: InstallProblem,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// What is wrong with an INF, or why it is not this device's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstallProblem {
    /// No `[Version]` with the signature of Windows NT.
    #[error("[Version] has no Signature = \"$WINDOWS NT$\": not an INF of Windows")]
    Signature,
    /// A section that another line names is missing.
    #[error("section [{0}] is named here and does not exist")]
    MissingSection(String),
    /// An entry that a section must have is missing.
    #[error("section [{section}] has no {entry}")]
    MissingEntry {
        /// The section.
        section: String,
        /// What it has to say.
        entry: &'static str,
    },
    /// No models for this architecture and version of Windows.
    #[error(
        "no models for {platform}: [Manufacturer] offers {}; add NT{} to it and to the models' \
         section", list(.offered), .platform.architecture
    )]
    NoModels {
        /// What is installed on.
        platform: Platform,
        /// The decorations there are.
        offered: Vec<String>,
    },
    /// No model has one of the device's identifiers.
    #[error(
        "no model matches the device: it is {}; the INF is for {}", list(.device), list(.inf)
    )]
    NoMatch {
        /// The device's identifiers.
        device: Vec<String>,
        /// The identifiers in the INF.
        inf: Vec<String>,
    },
    /// Not exactly one service is the device's function driver.
    #[error(
        "[{section}] must have exactly one AddService with flag 2 (the device's function driver), \
         it has {count}"
    )]
    FunctionDriver {
        /// The services' section.
        section: String,
        /// How many there are.
        count: usize,
    },
    /// An entry's value is not what it can be.
    #[error("{entry} is {value:?}, it has to be {wanted}")]
    Value {
        /// The entry.
        entry: String,
        /// What it is.
        value: String,
        /// What it can be.
        wanted: &'static str,
    },
    /// The service's image is not among the files that are copied.
    #[error(
        "ServiceBinary is {image} in directory {directory}, and no CopyFiles puts it there \
         (copied: {})", list(.copied)
    )]
    ImageNotCopied {
        /// The image.
        image: String,
        /// The directory id of ServiceBinary.
        directory: u32,
        /// What is copied, with its directory id.
        copied: Vec<String>,
    },
    /// A file that is copied is not in `[SourceDisksFiles]`.
    #[error("{0} is copied, but [SourceDisksFiles] does not list it")]
    NoSource(String),
}

/// A list in words.
fn list(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}

/// The service that drives the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The file name of its image.
    pub image: String,
    /// The directory id its image is in: 13 the driver store, 12 `System32\drivers`.
    pub directory: u32,
    /// When it starts: 3 on demand.
    pub start_type: u32,
    /// What happens if it does not: 1 normal.
    pub error_control: u32,
}

/// That the INF asks for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiGrant {
    /// The most messages it asks for (MessageNumberLimit), if it says so.
    pub limit: Option<u32>,
}

/// What the INF says of the processors and the priority of the interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AffinityPolicy {
    /// `DevicePolicy`: an `IRQ_DEVICE_POLICY`.
    pub policy: Option<u32>,
    /// `DevicePriority`: an `IRQ_PRIORITY`.
    pub priority: Option<u32>,
    /// `AssignmentSetOverride`: a set of processors.
    pub processors: Option<u64>,
}

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
}

impl Installation {
    /// Follows `inf` for a device with the identifiers `ids`.
    ///
    /// # Errors
    /// The INF is not for this device or this platform, or would not install on Windows.
    pub fn plan(inf: &Inf, ids: &DeviceIds, platform: &Platform) -> Result<Self, InstallError> {
        Planner { inf, platform }
            .plan(ids)
            .map_err(|(line, problem)| InstallError {
                file: inf.file().to_owned(),
                line,
                problem,
            })
    }
}

type Step<T> = Result<T, (Option<u32>, InstallProblem)>;

struct Planner<'a> {
    inf: &'a Inf,
    platform: &'a Platform,
}

/// A model that matches the device.
struct Model<'a> {
    line: &'a Line,
    /// Smaller is better, as SetupAPI ranks.
    rank: usize,
    matched_id: &'a str,
}

impl Planner<'_> {
    fn plan(&self, ids: &DeviceIds) -> Step<Installation> {
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
        let mut hardware_key = RegistryKey::default();
        self.add_registry(&format!("{section}.HW"), &mut hardware_key)?;
        let (service, service_key) = self.service(&section)?;
        self.check_image(&section, &service)?;

        let not_followed = ["", ".HW", ".Services", ".Wdf"]
            .iter()
            .flat_map(|suffix| inf.entries(&format!("{section}{suffix}"), "Needs"))
            .flat_map(|line| line.fields.iter().map(|field| field.text.clone()))
            .collect();
        let msi = (hardware_key.dword(MESSAGES, "MSISupported") == Some(1)).then(|| MsiGrant {
            limit: hardware_key.dword(MESSAGES, "MessageNumberLimit"),
        });
        let affinity = AffinityPolicy {
            policy: hardware_key.dword(AFFINITY, "DevicePolicy"),
            priority: hardware_key.dword(AFFINITY, "DevicePriority"),
            processors: processors(&hardware_key),
        };
        Ok(Installation {
            description: model.line.key.clone().unwrap_or_default(),
            provider: version("Provider").to_owned(),
            class: version("Class").to_owned(),
            driver_version: driver_version.unwrap_or_default(),
            matched_id: model.matched_id.to_owned(),
            kmdf_version: self.kmdf_version(&section, &service)?,
            section,
            service,
            hardware_key,
            software_key,
            service_key,
            msi,
            affinity,
            not_followed,
        })
    }

    /// Finds the model that fits the device best.
    fn model<'a>(&'a self, ids: &'a DeviceIds) -> Step<Model<'a>> {
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
    fn install_section(&self, model: &Line) -> Step<String> {
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

    fn service(&self, section: &str) -> Step<(Service, RegistryKey)> {
        let services = format!("{section}.Services");
        let inf = self.inf;
        if inf.section(&services).is_none() {
            return Err((inf.line_of(section), missing(&services)));
        }
        let associated: Vec<&Line> = inf
            .entries(&services, "AddService")
            .filter(|line| {
                let flags = line.fields.get(1).and_then(Field::number).unwrap_or(0);
                flags & ASSOCIATED_SERVICE != 0 && !line.text(0).is_empty()
            })
            .collect();
        let [line] = associated.as_slice() else {
            let count = associated.len();
            return Err((
                inf.line_of(&services),
                InstallProblem::FunctionDriver {
                    section: services,
                    count,
                },
            ));
        };
        let install = line.text(2);
        if inf.section(install).is_none() {
            return Err((Some(line.number), missing(install)));
        }
        let number = |entry: &'static str, wanted: &'static str, most: u32| {
            let line = self.required(install, entry)?;
            match line.fields.first().and_then(Field::number) {
                Some(number) if number <= most => Ok(number),
                _ => Err((Some(line.number), wrong(entry, line.text(0), wanted))),
            }
        };
        let service_type = number("ServiceType", "1 (SERVICE_KERNEL_DRIVER)", 1)?;
        if service_type != 1 {
            let line = inf.entry(install, "ServiceType").map(|line| line.number);
            let problem = wrong("ServiceType", "0", "1 (SERVICE_KERNEL_DRIVER)");
            return Err((line, problem));
        }
        let start_type = number("StartType", "0 to 3; 3 starts it with its device", 3)?;
        let error_control = number("ErrorControl", "0 to 3; 1 is normal", 3)?;
        let binary = self.required(install, "ServiceBinary")?;
        let (directory, image) = binary.fields.first().and_then(image_of).ok_or_else(|| {
            let wanted = "%13%\\name.sys (the driver store) or %12%\\name.sys";
            let problem = wrong("ServiceBinary", binary.text(0), wanted);
            (Some(binary.number), problem)
        })?;
        let display_name = inf.entry(install, "DisplayName");
        let service = Service {
            name: line.text(0).to_owned(),
            display_name: display_name.map(|line| line.text(0).to_owned()),
            image,
            directory,
            start_type,
            error_control,
        };
        let mut key = RegistryKey::default();
        for (name, value) in [
            ("Type", service_type),
            ("Start", start_type),
            ("ErrorControl", error_control),
        ] {
            key.set(name, RegistryValue::Dword(value));
        }
        key.set("ImagePath", self.image_path(&service));
        if let Some(name) = &service.display_name {
            key.set("DisplayName", RegistryValue::String(name.clone()));
        }
        self.add_registry(install, &mut key)?;
        Ok((service, key))
    }

    /// Where the image is on Windows.
    fn image_path(&self, service: &Service) -> RegistryValue {
        let image = &service.image;
        RegistryValue::ExpandString(if service.directory == DRIVERS {
            format!("\\SystemRoot\\System32\\drivers\\{image}")
        } else {
            // Windows adds a hash of the package.
            let file = self
                .inf
                .file()
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or_default();
            let package = file.split('.').next().unwrap_or_default().to_lowercase();
            let architecture = &self.platform.architecture;
            format!(
                "\\SystemRoot\\System32\\DriverStore\\FileRepository\\{package}.inf_\
                 {architecture}\\{image}"
            )
        })
    }

    /// Checks that the service's image is copied to where the service looks for it.
    fn check_image(&self, section: &str, service: &Service) -> Step<()> {
        let mut copied = Vec::new();
        for line in self.inf.entries(section, "CopyFiles") {
            for name in line.fields.iter().map(|field| field.text.as_str()) {
                if let Some(file) = name.strip_prefix('@') {
                    let directory = self.directory("DefaultDestDir", line)?;
                    copied.push((file.to_owned(), directory, line.number));
                    continue;
                }
                let files = self.inf.section(name);
                let directory = self.directory(name, line)?;
                for file in files.ok_or_else(|| (Some(line.number), missing(name)))? {
                    copied.push((file.text(0).to_owned(), directory, file.number));
                }
            }
        }
        for (file, _, line) in &copied {
            self.check_source(file, *line)?;
        }
        let is_image = |(file, directory, _): &(String, u32, u32)| {
            file.eq_ignore_ascii_case(&service.image) && *directory == service.directory
        };
        if copied.iter().any(is_image) {
            return Ok(());
        }
        let problem = InstallProblem::ImageNotCopied {
            image: service.image.clone(),
            directory: service.directory,
            copied: copied
                .iter()
                .map(|(file, directory, _)| format!("{file} to {directory}"))
                .collect(),
        };
        Err((self.inf.line_of(section), problem))
    }

    /// The directory id that a section's files are copied to.
    fn directory(&self, section: &str, user: &Line) -> Step<u32> {
        let Some(directories) = self.inf.section("DestinationDirs") else {
            return Err((Some(user.number), missing("DestinationDirs")));
        };
        let find = |key: &str| directories.iter().find(|line| line.is(key));
        let Some(line) = find(section).or_else(|| find("DefaultDestDir")) else {
            return Err((
                self.inf.line_of("DestinationDirs"),
                InstallProblem::MissingEntry {
                    section: "DestinationDirs".to_owned(),
                    entry: "entry for the files and no DefaultDestDir",
                },
            ));
        };
        line.fields.first().and_then(Field::number).ok_or_else(|| {
            let entry = line.key.as_deref().unwrap_or_default();
            let problem = wrong(entry, line.text(0), "a directory id: 13, the driver store");
            (Some(line.number), problem)
        })
    }

    /// Checks that a file that is copied is in the package.
    fn check_source(&self, file: &str, line: u32) -> Step<()> {
        let decorated = format!("SourceDisksFiles.{}", self.platform.architecture);
        let sources = [decorated.as_str(), "SourceDisksFiles"];
        let Some(source) = sources
            .iter()
            .find_map(|section| self.inf.entry(section, file))
        else {
            return Err((Some(line), InstallProblem::NoSource(file.to_owned())));
        };
        let disk = source.text(0);
        let decorated = format!("SourceDisksNames.{}", self.platform.architecture);
        let names = [decorated.as_str(), "SourceDisksNames"];
        if names
            .iter()
            .any(|section| self.inf.entry(section, disk).is_some())
        {
            return Ok(());
        }
        let problem = wrong(file, disk, "a disk of [SourceDisksNames]");
        Err((Some(source.number), problem))
    }

    /// The KMDF version that the `.Wdf` section names for the service.
    fn kmdf_version(&self, section: &str, service: &Service) -> Step<Option<(u32, u32)>> {
        let section = format!("{section}.Wdf");
        let of_service = |line: &&Line| line.text(0).eq_ignore_ascii_case(&service.name);
        // A line for each service that binds to the framework: a filter has its own.
        let mut lines = self.inf.entries(&section, "KmdfService");
        let first = self.inf.entry(&section, "KmdfService");
        let Some(line) = lines.find(of_service).or(first) else {
            return Ok(None);
        };
        if !of_service(&line) {
            let problem = wrong(
                "KmdfService",
                line.text(0),
                "the service that AddService names",
            );
            return Err((Some(line.number), problem));
        }
        let install = line.text(1);
        if self.inf.section(install).is_none() {
            return Err((Some(line.number), missing(install)));
        }
        let version = self.required(install, "KmdfLibraryVersion")?;
        let numbers = version.text(0).split_once('.');
        let parsed =
            numbers.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        parsed.map(Some).ok_or_else(|| {
            let problem = wrong("KmdfLibraryVersion", version.text(0), "as 1.15 is written");
            (Some(version.number), problem)
        })
    }

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

fn missing(section: &str) -> InstallProblem {
    InstallProblem::MissingSection(section.to_owned())
}

pub(super) fn wrong(entry: &str, value: &str, wanted: &'static str) -> InstallProblem {
    InstallProblem::Value {
        entry: entry.to_owned(),
        value: value.to_owned(),
        wanted,
    }
}

/// Directory id and file name of a service's binary.
fn image_of(field: &Field) -> Option<(u32, String)> {
    let directory = field
        .directory
        .filter(|id| [DRIVERS, DRIVER_STORE].contains(id))?;
    let name = field.text.strip_prefix('\\').unwrap_or(&field.text);
    let is_file = !name.is_empty() && !name.contains(['\\', '/']);
    is_file.then(|| (directory, name.to_owned()))
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

/// `AssignmentSetOverride`: a REG_BINARY, REG_DWORD or REG_QWORD set of processors.
fn processors(hardware_key: &RegistryKey) -> Option<u64> {
    match hardware_key
        .open(AFFINITY)?
        .value("AssignmentSetOverride")?
    {
        RegistryValue::Dword(set) => Some(u64::from(*set)),
        RegistryValue::Qword(set) => Some(*set),
        RegistryValue::Binary(bytes) if bytes.len() <= 8 => {
            let set = bytes.iter().rev();
            Some(set.fold(0, |set, byte| set << 8 | u64::from(*byte)))
        }
        _ => None,
    }
}
