//! Writes the Rust types and tables from the facts, so that there is nothing to keep in step.

#[path = "codegen/tables.rs"]
mod tables;
#[path = "codegen/types.rs"]
mod types;

#[allow(dead_code, reason = "the C generator uses the rest of it")]
#[path = "src/facts.rs"]
mod facts;

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    for input in [
        "build.rs",
        "codegen",
        "facts",
        "src/facts.rs",
        "src/facts_umdf.rs",
    ] {
        println!("cargo::rerun-if-changed={input}");
    }
    let facts = facts::Facts::load();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let write = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    write("types.rs", types::generate(&facts));
    write("tables.rs", tables::generate(&facts));
    write("umdf.rs", tables::generate_umdf(&facts::Facts::load_umdf()));
    write("status.rs", tables::status(&facts));
    write("bugcheck.rs", tables::bugcheck(&facts));
    write("constants.rs", tables::constants(&facts));
}
