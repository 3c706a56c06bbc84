//! Exact-match edits to a crate from the registry, made on a copy.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    files::{self, Stamp},
};

/// The edits that let `wdk-build` compile on a host that is not Windows.
const WDK_BUILD: &str = include_str!("../edits/wdk-build-0.6.0.toml");

/// The edits for one version of one crate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// The crate's name.
    pub package: String,
    /// The one version the edits are for.
    pub version: String,
    edit: Vec<Edit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: PathBuf,
    why: String,
    find: String,
    replace: String,
    #[serde(default = "once")]
    count: usize,
}

fn once() -> usize {
    1
}

impl Edits {
    /// The edits to `wdk-build`.
    ///
    /// # Panics
    ///
    /// Never: a test parses the file that is compiled in.
    #[must_use]
    pub fn of_wdk_build() -> Self {
        toml::from_str(WDK_BUILD).expect("edits/wdk-build-0.6.0.toml is valid")
    }

    /// Copies the crate's source from `registry_source` to `to` and edits the copy.
    ///
    /// # Errors
    ///
    /// If the version is another one, or an edit does not match as often as it must.
    pub fn apply(&self, version: &str, registry_source: &Path, to: &Path) -> Result<()> {
        if version != self.version {
            return Err(Error::build(
                format!(
                    "Cargo.lock has {} {version}; cross/edits has the edits for {}",
                    self.package, self.version
                ),
                format!(
                    "pin {0} = \"={1}\" again, or write cross/edits/{0}-{version}.toml",
                    self.package, self.version
                ),
            ));
        }
        let stamp_path = to.with_extension("stamp");
        let stamp = Stamp::of(&stamp_path, [WDK_BUILD, &registry_source.to_string_lossy()]);
        if stamp.is_fresh() && to.join("Cargo.toml").exists() {
            return Ok(());
        }
        files::remove_tree(to)?;
        files::copy_tree(registry_source, to)?;
        for edit in &self.edit {
            let path = to.join(&edit.file);
            let text = files::read_text(&path)?;
            files::write_if_changed(&path, edit.apply(&text, self)?)?;
        }
        stamp.record()
    }
}

impl Edit {
    fn apply(&self, text: &str, edits: &Edits) -> Result<String> {
        let found = text.matches(&self.find).count();
        if found == self.count {
            return Ok(text.replace(&self.find, &self.replace));
        }
        Err(Error::build(
            format!(
                "the edit to {} {} ({}) no longer matches: {:?} occurs {found} times in {}, not {}",
                edits.package,
                edits.version,
                self.why,
                self.find,
                self.file.display(),
                self.count
            ),
            format!(
                "delete the crate's copy in cargo's registry if it was changed by hand; else \
                 compare its source with cross/edits/{}-{}.toml",
                edits.package, edits.version
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits() -> Edits {
        toml::from_str(
            "package = 'a-crate'\nversion = '1.0.0'\n\
             [[edit]]\nfile = 'src/lib.rs'\nwhy = 'a reason'\nfind = 'old'\nreplace = 'new'\ncount = 2\n",
        )
        .unwrap()
    }

    fn crate_with(source: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        files::write_if_changed(&dir.path().join("in/src/lib.rs"), source).unwrap();
        files::write_if_changed(&dir.path().join("in/Cargo.toml"), "").unwrap();
        dir
    }

    #[test]
    fn the_edits_held_for_wdk_build_are_well_formed() {
        let edits = Edits::of_wdk_build();
        assert_eq!(
            (edits.package.as_str(), edits.version.as_str()),
            ("wdk-build", "0.6.0")
        );
        assert!(
            edits
                .edit
                .iter()
                .all(|edit| !edit.why.is_empty() && edit.find != edit.replace)
        );
    }

    #[test]
    fn an_edit_changes_the_copy_and_not_the_source() {
        let dir = crate_with("old and old");
        let (source, copy) = (dir.path().join("in"), dir.path().join("out"));
        edits().apply("1.0.0", &source, &copy).unwrap();
        assert_eq!(
            files::read_text(&copy.join("src/lib.rs")).unwrap(),
            "new and new"
        );
        assert_eq!(
            files::read_text(&source.join("src/lib.rs")).unwrap(),
            "old and old"
        );
    }

    #[test]
    fn an_edit_that_matches_another_number_of_times_stops_the_build_and_says_which() {
        let dir = crate_with("old once");
        let error = edits()
            .apply("1.0.0", &dir.path().join("in"), &dir.path().join("out"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a-crate 1.0.0 (a reason) no longer matches"),
            "{error}"
        );
        assert!(
            error.contains("occurs 1 times in src/lib.rs, not 2"),
            "{error}"
        );
    }

    #[test]
    fn another_version_of_the_crate_is_refused() {
        let dir = crate_with("old and old");
        let error = edits()
            .apply("1.0.1", &dir.path().join("in"), &dir.path().join("out"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("Cargo.lock has a-crate 1.0.1"), "{error}");
    }
}
