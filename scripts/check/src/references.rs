//! Names of files in documents and comments: each is there.

use std::collections::BTreeSet;

/// Endings of names that are held against the tree.
const ENDINGS: [&str; 12] = [
    "rs", "md", "sh", "ps1", "inx", "toml", "c", "h", "svg", "yml", "json", "xml",
];

/// What the build or a run makes, and what stands for any name.
const NOT_IN_THE_TREE: [&str; 3] = ["target/", "driver/edu_kmdf.inx", "docs/windows-results.md"];

/// The files of a repository, by their paths from its root.
#[derive(Debug)]
pub struct Tree(BTreeSet<String>);

impl Tree {
    /// A tree of these files.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = String>) -> Self {
        Self(files.into_iter().collect())
    }

    /// The names in the text of a file that are no file's and no directory's, with their lines.
    #[must_use]
    pub fn dead(&self, file: &str, text: &str) -> Vec<(usize, String)> {
        let numbered = (1..).zip(text.lines());
        numbered
            .flat_map(|(number, line)| {
                let links = if is_document(file) {
                    links(line)
                } else {
                    Vec::new()
                };
                let dead_links = links.into_iter().filter(|link| !self.has_link(file, link));
                let names = spoken(file, line).into_iter().flat_map(names);
                let dead_names = names.filter(|name| !self.has(file, name));
                let dead: BTreeSet<String> =
                    dead_links.chain(dead_names).map(String::from).collect();
                dead.into_iter().map(move |name| (number, name))
            })
            .collect()
    }

    fn is_there(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.0.contains(path)
            || self
                .0
                .range(below.clone()..)
                .next()
                .is_some_and(|next| next.starts_with(&below))
    }

    fn has_link(&self, file: &str, link: &str) -> bool {
        let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        joined(directory, link).is_some_and(|path| path.is_empty() || self.is_there(&path))
    }

    /// From the root, from any directory around the file, or, as a crate's files name each other, by its end.
    fn has(&self, file: &str, name: &str) -> bool {
        let end = format!("/{name}");
        NOT_IN_THE_TREE.iter().any(|made| name.starts_with(made))
            || file
                .match_indices('/')
                .any(|(at, _)| self.has_link(&file[..=at], name))
            || self.has_link("", name)
            || self.0.iter().any(|path| path.ends_with(&end))
    }
}

fn is_document(file: &str) -> bool {
    ending(file) == Some("md")
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

/// A path from a directory, without `.` and `..`. `None` if it leads out of the repository.
fn joined(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What the links of a line lead to, if that is in the repository.
fn links(line: &str) -> Vec<&str> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains(':') && !target.contains(' '))
        .collect()
}

/// The parts of a line that speak to a reader: code spans of a document, comments of a program.
fn spoken<'a>(file: &str, line: &'a str) -> Vec<&'a str> {
    let after = |sign| {
        line.split_once(sign)
            .map(|(_, comment)| comment)
            .into_iter()
            .collect()
    };
    match ending(file) {
        Some("md") => line.split('`').skip(1).step_by(2).collect(),
        Some("rs") => after("//"),
        Some("c" | "h") => after("/*"),
        Some("sh" | "toml" | "ps1" | "yml") => after("# "),
        _ => Vec::new(),
    }
}

/// What in a text looks like the path of a file: with a directory, and an ending that files here have.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./*<>{}$\\:".contains(c)))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| word.contains('/') && !word.contains(['*', '<', '{', '$', '\\', ':']))
        .filter(|word| !word.starts_with('/') && !word.contains("//"))
        .filter(|word| ending(word).is_some_and(|ending| ENDINGS.contains(&ending)))
}
