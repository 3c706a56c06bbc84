//! That the files which documents and comments name are there.

use std::{fs, path::Path, process::Command};

use script_check::references::Tree;

/// Facts and recordings that others' tools made, and what a machine writes.
const NOT_READ: [&str; 2] = ["cross/abi/facts/", "Cargo.lock"];

#[test]
fn every_file_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git")
        .args(["ls-files"])
        .current_dir(&root)
        .output();
    let listed = String::from_utf8(listed.expect("git").stdout).expect("paths are text");
    let files: Vec<&str> = listed.lines().collect();
    assert!(files.contains(&"README.md"), "git lists the checkout");
    let tree = Tree::new(files.iter().map(|&file| file.to_owned()));
    let mut dead = Vec::new();
    for file in files {
        if NOT_READ.iter().any(|not| file.starts_with(not)) {
            continue;
        }
        // One that is deleted and not yet committed, or no text, names nothing.
        let Ok(text) = fs::read_to_string(root.join(file)) else {
            continue;
        };
        for (line, name) in tree.dead(file, &text) {
            dead.push(format!("{file}:{line}: {name}"));
        }
    }
    assert!(
        dead.is_empty(),
        "these name what is not there:\n{}",
        dead.join("\n")
    );
}

#[test]
fn a_name_of_nothing_is_found() {
    let tree = Tree::new(["docs/a.md", "driver/src/b.rs"].map(String::from));
    let found = |file, text| -> Vec<String> {
        let dead = tree.dead(file, text).into_iter();
        dead.map(|(line, name)| format!("{line} {name}")).collect()
    };
    assert_eq!(
        found(
            "docs/a.md",
            "[b](../driver/src/b.rs#c) and\n[d](d.md), `driver/src/e.rs`"
        ),
        ["2 d.md", "2 driver/src/e.rs"]
    );
    assert_eq!(
        found(
            "driver/src/b.rs",
            "// See docs/a.md.\n// See docs/f.md.\nlet path = \"docs/g.md\";"
        ),
        ["2 docs/f.md"]
    );
    assert_eq!(
        found(
            "docs/a.md",
            "<https://h.example/i/j.md>, `FILE.svg`, `target/k/l.json`"
        ),
        [""; 0]
    );
}
