//! The files that the INF copies.

use kmdf_inf::{Field, Line};

use super::{
    Planner,
    problem::{InstallProblem, Step, missing, wrong},
    service::Service,
};

impl Planner<'_> {
    /// Checks that the service's image is copied to where the service looks for it.
    pub(super) fn check_image(&self, section: &str, service: &Service) -> Step<()> {
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
}
