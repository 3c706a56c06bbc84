//! The service that drives the device, and the framework it binds to.

use kmdf_inf::{DRIVER_STORE, Field, Line};

use super::{
    Planner,
    problem::{InstallProblem, Step, missing, wrong},
};
use crate::registry::{RegistryKey, RegistryValue};

/// The directory id of `System32\drivers`.
const DRIVERS: u32 = 12;
/// `SPSVCINST_ASSOCSERVICE`: the service drives the device.
const ASSOCIATED_SERVICE: u32 = 2;

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

impl Planner<'_> {
    /// The device's function driver, and its key.
    pub(super) fn service(&self, section: &str) -> Step<(Service, RegistryKey)> {
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

    /// The KMDF version that the `.Wdf` section names for the service.
    pub(super) fn kmdf_version(
        &self,
        section: &str,
        service: &Service,
    ) -> Step<Option<(u32, u32)>> {
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
