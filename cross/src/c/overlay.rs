//! Headers found whatever the case of their letters, as on Windows: a view of the include
//! directories that clang lays over the file system.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use crate::error::{Error, Result};

/// How far below an include directory headers are looked for.
const DEPTH: u8 = 2;

/// What clang's `-ivfsoverlay` reads (YAML, of which JSON is a part): every file of the directories
/// by a name whose case does not matter.
pub fn overlay<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Result<String> {
    let mut roots = Vec::new();
    for directory in directories {
        let contents = contents(directory, DEPTH)?;
        if !contents.is_empty() {
            roots.push(entry(&quoted(directory), &contents));
        }
    }
    Ok(format!(
        "{{\"version\":0,\"case-sensitive\":\"false\",\"roots\":[\n{}\n]}}\n",
        roots.join(",\n")
    ))
}

/// The entries of a directory. Names that differ only in case keep the case they have: clang then
/// asks the file system itself.
fn contents(directory: &Path, depth: u8) -> Result<Vec<String>> {
    let failed = |error| Error::io("list", directory, error);
    let mut by_name = BTreeMap::<OsString, Vec<_>>::new();
    for found in fs::read_dir(directory).map_err(failed)? {
        let found = found.map_err(failed)?;
        let name = found.file_name();
        by_name
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push((name, found.path()));
    }
    let mut entries = Vec::new();
    for (name, path) in by_name
        .into_values()
        .filter(|same| same.len() == 1)
        .flatten()
    {
        let name = quoted(Path::new(&name));
        if path.is_file() {
            entries.push(format!(
                "{{\"type\":\"file\",\"name\":{name},\"external-contents\":{}}}",
                quoted(&path)
            ));
        } else if depth > 0 && path.is_dir() {
            let below = contents(&path, depth - 1)?;
            if !below.is_empty() {
                entries.push(entry(&name, &below));
            }
        }
    }
    Ok(entries)
}

fn entry(name: &str, contents: &[String]) -> String {
    format!(
        "{{\"type\":\"directory\",\"name\":{name},\"contents\":[\n{}]}}",
        contents.join(",\n")
    )
}

/// A path as a JSON string.
fn quoted(path: &Path) -> String {
    let escaped = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_listed_unless_another_has_its_name_but_for_case() {
        let directory = tempfile::tempdir().expect("a directory");
        let below = directory.path().join("linux");
        fs::create_dir(&below).expect("made");
        for name in ["NtDdk.h", "trace.h", "Trace.h", "linux/types.h"] {
            fs::write(directory.path().join(name), "").expect("written");
        }
        let text = overlay([directory.path()]).expect("an overlay");
        assert!(text.contains("\"name\":\"NtDdk.h\""), "{text}");
        assert!(text.contains("\"name\":\"types.h\""), "{text}");
        assert!(!text.to_lowercase().contains("trace.h"), "{text}");
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let error = overlay([Path::new("/no/such/directory")]).expect_err("refused");
        assert!(error.to_string().contains("/no/such/directory"), "{error}");
    }
}
