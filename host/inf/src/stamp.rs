//! What stampinf does to an .inx file.

/// What stampinf puts in place of an .inx file's placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `$ARCH$`: `amd64`, `arm64`.
    pub architecture: String,
    /// `$KMDFVERSION$`, as `1.15`.
    pub kmdf_version: String,
    /// DriverVer's date, as `mm/dd/yyyy`.
    pub date: String,
    /// DriverVer's version, as `1.0.0.0`.
    pub version: String,
}

impl Stamp {
    /// The text with its placeholders replaced, as stampinf does it.
    #[must_use]
    pub fn apply(&self, inx: &str) -> String {
        let co_installer: String = match self.kmdf_version.split_once('.') {
            Some((major, minor)) => format!("{major:0>2}{minor:0>3}"),
            None => self.kmdf_version.clone(),
        };
        let text = inx
            .replace("$ARCH$", &self.architecture)
            .replace("$KMDFVERSION$", &self.kmdf_version)
            .replace("$KMDFCOINSTALLERVERSION$", &co_installer);
        let driver_version = format!("DriverVer = {},{}", self.date, self.version);
        let mut stamped = String::with_capacity(text.len() + driver_version.len());
        let mut in_version = false;
        for line in text.split_inclusive('\n') {
            let content = line.trim();
            if content.starts_with('[') {
                in_version = content
                    .get(..9)
                    .is_some_and(|name| name.eq_ignore_ascii_case("[Version]"));
            }
            let key = content.split('=').next().unwrap_or_default().trim();
            if in_version && key.eq_ignore_ascii_case("DriverVer") {
                stamped.push_str(&driver_version);
                stamped.push('\n');
            } else {
                stamped.push_str(line);
            }
        }
        stamped
    }
}
