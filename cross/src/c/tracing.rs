//! WPP software tracing, left out: what its preprocessor would generate (`NAME.tmh`) is made of
//! macros that do nothing.
//!
//! The names of a driver's trace functions stand in its sources, in comments between
//! `begin_wpp config` and `end_wpp`.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::Result,
    files::{create_dir, write_if_changed},
};

/// What every driver that traces with WPP calls beside its own functions.
const ALWAYS: [&str; 3] = ["WPP_INIT_TRACING", "WPP_CLEANUP", "DoTraceMessage"];

/// What was put in the place of a driver's tracing.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where the headers are.
    pub directory: PathBuf,
    /// The trace functions that do nothing.
    pub functions: Vec<String>,
}

/// Makes the headers below `to` that the C files include and that no directory has. `None` if they
/// include none.
pub fn leave_out(files: &[PathBuf], include: &[PathBuf], to: &Path) -> Result<Option<LeftOut>> {
    let beside = files.iter().filter_map(|file| file.parent());
    let directories: BTreeSet<&Path> = beside.chain(include.iter().map(PathBuf::as_path)).collect();
    let mut sources: Vec<PathBuf> = files.to_vec();
    for directory in directories {
        sources.extend(headers(directory));
    }
    let texts: Vec<String> = sources.iter().filter_map(|path| read(path)).collect();
    let generated: BTreeSet<&str> = texts.iter().flat_map(|text| included(text)).collect();
    if generated.is_empty() {
        return Ok(None);
    }
    let functions: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| functions(text))
        .chain(ALWAYS)
        .collect();
    // The real ones include it, too.
    let mut macros = "#include <evntrace.h>\n".to_owned();
    for name in &functions {
        // Writing to a String does not fail.
        let _ = write!(macros, "#undef {name}\n#define {name}(...) ((void)0)\n");
    }
    create_dir(to)?;
    for name in generated {
        write_if_changed(&to.join(name), &macros)?;
    }
    Ok(Some(LeftOut {
        directory: to.to_owned(),
        functions: functions.into_iter().map(str::to_owned).collect(),
    }))
}

fn headers(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("h"))
        })
        .collect();
    found.sort();
    found
}

/// A source's text: what is not UTF-8 in it (a name in a comment) does not matter here.
fn read(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names of generated headers that a text includes, without directories.
fn included(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let name = line
            .trim_start()
            .strip_prefix('#')?
            .trim_start()
            .strip_prefix("include")?
            .trim_start()
            .strip_prefix('"')?
            .split('"')
            .next()?;
        let plain = !name.contains(['/', '\\']);
        (plain && name.to_ascii_lowercase().ends_with(".tmh")).then_some(name)
    })
}

/// The trace functions that a text's configuration declares: `FUNC Name{…}(…)`, and `USEPREFIX`
/// and others, which declare none.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        if line.contains("begin_wpp config") {
            inside = true;
        } else if line.contains("end_wpp") {
            inside = false;
        }
        let rest = line
            .trim_start_matches(|c: char| c == '/' || c == '*' || c.is_whitespace())
            .strip_prefix("FUNC")
            .filter(|rest| inside && rest.starts_with(char::is_whitespace))?
            .trim_start();
        let end = rest
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURED: &str = "\
// FUNC NotThis(MSG, ...);
// begin_wpp config
// FUNC Trace{FLAG=ALL}(LEVEL, MSG, ...);
//   FUNC DbgPrint{FLAG=DRIVER}(LEVEL, (MSG, ...));
// USEPREFIX (Trace, \"%!STDPREFIX!\");
// end_wpp
";

    #[test]
    fn the_functions_are_those_of_the_configuration() {
        let names: Vec<_> = functions(CONFIGURED).collect();
        assert_eq!(names, ["Trace", "DbgPrint"]);
    }

    #[test]
    fn a_header_is_made_for_each_that_is_included() {
        let source = tempfile::tempdir().expect("a directory");
        let file = source.path().join("driver.c");
        fs::write(&file, "#include \"driver.h\"\n # include \"Driver.tmh\"\n").expect("written");
        fs::write(source.path().join("trace.H"), CONFIGURED).expect("written");
        let to = source.path().join("made");
        let left_out = leave_out(&[file], &[], &to)
            .expect("made")
            .expect("it traces");
        assert!(left_out.functions.contains(&"DbgPrint".to_owned()));
        let text = fs::read_to_string(to.join("Driver.tmh")).expect("a header");
        assert!(text.contains("#define Trace(...) ((void)0)"), "{text}");
    }

    #[test]
    fn a_driver_without_tracing_gets_nothing() {
        let source = tempfile::tempdir().expect("a directory");
        let file = source.path().join("driver.c");
        fs::write(&file, "#include \"driver.h\"\n").expect("written");
        let to = source.path().join("made");
        assert_eq!(leave_out(&[file], &[], &to).expect("read"), None);
        assert!(!to.exists());
    }
}
