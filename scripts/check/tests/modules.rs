//! That the driver's modules name only those below them.

use std::{fs, path::Path};

use script_check::modules::{MODULES, breaches};

#[test]
fn the_drivers_modules_name_those_below_them_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../driver/src");
    let mut seen = 0;
    for entry in fs::read_dir(&source).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.expect("modules have names");
        if name == "lib" {
            continue;
        }
        seen += 1;
        let files = if path.is_dir() {
            let files = fs::read_dir(&path).expect("it can be listed");
            files
                .map(|file| file.expect("it can be listed").path())
                .collect()
        } else {
            vec![path.clone()]
        };
        for file in files {
            let text = fs::read_to_string(&file).expect("it can be read");
            let found = breaches(name, &text);
            assert!(found.is_empty(), "{}: {}", file.display(), found.join("; "));
        }
    }
    assert_eq!(seen, MODULES.len(), "a module is listed that is not there");
}

#[test]
fn a_way_up_is_found() {
    let up = "use crate::{\n    device::{EduDevice, State},\n    power, trace,\n};\n";
    assert_eq!(
        breaches("device", up),
        ["device names power, which is above it"]
    );
    let up = "fn f() { crate::add::g(); } // and crate::power\n";
    assert_eq!(breaches("events", up).len(), 2);
    assert_eq!(
        breaches("events", "// [`crate::power`]\nuse crate::device::State;"),
        [""; 0]
    );
    assert_eq!(breaches("another", ""), ["another is on no floor: list it"]);
}
