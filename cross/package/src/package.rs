//! The whole package.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use der::DateTime;
use kmdf_inf::{Inf, Severity, Stamp, verify};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{Error, Identity, catalog, catalog::Member, image};

/// What a package is made of.
#[derive(Clone, Debug)]
pub struct Request {
    /// The image.
    pub image: PathBuf,
    /// The INX.
    pub inx: PathBuf,
    /// As stampinf calls it: `amd64`.
    pub architecture: String,
    /// As `1.15`.
    pub kmdf_version: String,
    /// Since 1970.
    pub time: Duration,
    /// What else is in it, and not in the catalog.
    pub beside: Vec<PathBuf>,
}

/// A package's files, by name.
#[derive(Clone, Debug)]
pub struct Package {
    files: BTreeMap<String, Vec<u8>>,
    made: DateTime,
}

impl Package {
    /// Signs, stamps, lists and collects.
    ///
    /// # Errors
    /// A file cannot be read or is not what it has to be; the INF breaks a rule.
    pub fn make(request: &Request, identity: &Identity) -> Result<Self, Error> {
        let made = DateTime::from_unix_duration(request.time)?;
        let mut files = BTreeMap::new();
        for file in &request.beside {
            files.insert(name_of(file), read(file)?);
        }
        let signed = image::sign(&read(&request.image)?, identity)?;
        let text = stamped(request, made)?;
        let inf_path = request.inx.with_extension("inf");
        let inf = Inf::parse(&inf_path.display().to_string(), text.as_bytes(), None)?;
        let mut findings = verify(&inf).into_iter();
        if let Some(finding) = findings.find(|found| found.rule.severity() == Severity::Error) {
            return Err(Error::Rule {
                file: request.inx.clone(),
                finding: finding.to_string(),
            });
        }
        let (image_name, inf_name) = (name_of(&request.image), name_of(&inf_path));
        let members = [
            Member::image(&image_name, &signed)?,
            Member::flat(&inf_name, text.as_bytes()),
        ];
        let (systems, ids) = (systems(&inf), hardware_ids(&inf));
        let list = catalog::signed(&members, &systems, &ids, request.time, identity)?;
        let catalog_file = inf.entry("Version", "CatalogFile");
        let catalog_name = catalog_file.map_or("", |line| line.text(0)).to_owned();
        files.insert(image_name, signed);
        files.insert(inf_name, text.into_bytes());
        files.insert(catalog_name, list);
        files.insert("test-certificate.cer".to_owned(), identity.certificate()?);
        Ok(Self { files, made })
    }

    /// Writes it as a directory, and as a zip of the same name beside that.
    ///
    /// # Errors
    /// The directory is there already, or something cannot be written.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        fs::create_dir(directory).map_err(Error::io(directory))?;
        for (name, bytes) in &self.files {
            let file = directory.join(name);
            fs::write(&file, bytes).map_err(Error::io(&file))?;
        }
        let zip = directory.with_extension("zip");
        let folder = name_of(directory);
        let bytes = self.zipped(&folder).map_err(Error::io(&zip))?;
        fs::write(&zip, bytes).map_err(Error::io(&zip))
    }

    fn zipped(&self, folder: &str) -> std::io::Result<Vec<u8>> {
        let made = zip::DateTime::from_date_and_time(
            self.made.year(),
            self.made.month(),
            self.made.day(),
            self.made.hour(),
            self.made.minutes(),
            self.made.seconds(),
        )
        .unwrap_or_default();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(made);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.files {
            zip.start_file(format!("{folder}/{name}"), options)?;
            zip.write_all(bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(Error::io(file))
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The INF: what stampinf makes of the INX, with a version that rises by the second, and CRLF.
fn stamped(request: &Request, made: DateTime) -> Result<String, Error> {
    let bytes = read(&request.inx)?;
    let stamp = Stamp {
        architecture: request.architecture.clone(),
        kmdf_version: request.kmdf_version.clone(),
        date: format!("{:02}/{:02}/{:04}", made.month(), made.day(), made.year()),
        version: format!("{}.{}.{}.0", made.hour(), made.minutes(), made.seconds()),
    };
    let text = stamp.apply(&String::from_utf8_lossy(&bytes));
    Ok(text.lines().flat_map(|line| [line, "\r\n"]).collect())
}

/// The systems that the INF's models are for, as catalogs name them: `_v100_X64`.
fn systems(inf: &Inf) -> Vec<String> {
    let mut systems: Vec<String> = inf
        .targets()
        .map(|target| {
            let (major, minor) = (target.major.unwrap_or(10), target.minor.unwrap_or(0));
            let architecture = match target.architecture.to_lowercase().as_str() {
                "amd64" => "X64".to_owned(),
                other => other.to_uppercase(),
            };
            format!("_v{major}{minor}_{architecture}")
        })
        .collect();
    systems.dedup();
    systems
}

/// The hardware ids of all models.
fn hardware_ids(inf: &Inf) -> Vec<String> {
    let mut ids: Vec<String> = inf
        .models()
        .flat_map(|model| model.fields.iter().skip(1).map(|id| id.text.clone()))
        .collect();
    ids.dedup();
    ids
}
