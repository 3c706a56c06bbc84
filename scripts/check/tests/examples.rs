//! That each public item of the layer is shown in an example.

use std::{collections::BTreeMap, fs, path::Path};

use script_check::examples::without;

/// The files below a directory, by their module at the top: `queue.rs` and those of `queue/` are of one.
fn modules(source: &Path) -> BTreeMap<String, Vec<(String, String)>> {
    let mut modules = BTreeMap::<_, Vec<_>>::new();
    let mut ahead = vec![source.to_owned()];
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(&directory).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                ahead.push(path);
                continue;
            }
            let inside = path.strip_prefix(source).expect("it is below");
            let module = inside.iter().next().expect("a name").to_string_lossy();
            let module = module.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("it can be read");
            let file = inside.display().to_string();
            modules.entry(module).or_default().push((file, text));
        }
    }
    modules
}

#[test]
fn each_public_item_of_the_layer_is_in_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for source in ["wdf/src", "wdf/etw/src"] {
        let modules = modules(&root.join(source));
        assert!(!modules.is_empty());
        let [(_, root_text)] = &modules["lib"][..] else {
            panic!("a crate has one root");
        };
        let found: Vec<_> = modules
            .values()
            .flat_map(|files| without(files, root_text))
            .collect();
        assert!(
            found.is_empty(),
            "these are in no example of their module; write one, or `No example: why`:\n{}",
            found.join("\n")
        );
    }
}

const SHOWN: &str = "
/// A lamp.
///
/// ```no_run
/// let lamp = Lamp::new();
/// lamp.light();
/// lamp.colour(RED);
/// ```
pub struct Lamp;

impl Lamp {
    /// Makes one.
    pub const fn new() -> Self {
        Self
    }

    /// Lights it.
    #[inline]
    pub fn light(&self) {}
}

/// What can be lit.
///
/// No example: lamps only.
pub trait Lights {
    /// In a colour.
    fn colour(&self);
}
";

fn of(text: &str) -> Vec<String> {
    without(
        &[("lamp.rs".into(), text.into())],
        "//! ```\n//! flash();\n//! ```\n",
    )
}

#[test]
fn what_is_in_no_example_is_found() {
    assert_eq!(of(SHOWN), [""; 0]);
    assert_eq!(
        of(&SHOWN.replace("lamp.light()", "lamp.lights()")),
        ["lamp.rs:19: light"]
    );
    assert_eq!(
        of(&SHOWN.replace("lamp.colour(RED)", "")),
        ["lamp.rs:27: colour"]
    );
    assert_eq!(
        of(&SHOWN.replace("No example", "An example")),
        ["lamp.rs:25: Lights"]
    );
    assert_eq!(of(&SHOWN.replace("```no_run", "```text")).len(), 4);
    let exported = "#[macro_export]\nmacro_rules! lamp {\n    () => {};\n}\n";
    assert_eq!(of(exported), ["lamp.rs:2: lamp"]);
    assert_eq!(
        of("pub fn flash() {}\npub fn glow() {}\n"),
        ["lamp.rs:2: glow"]
    );
    assert_eq!(of("mod private;\npub(crate) fn dark() {}\n"), [""; 0]);
}
