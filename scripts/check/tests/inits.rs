//! That the layer makes the framework's structures as the inline functions of the C headers do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use script_check::inits::{bypasses, constructors, differences};

fn layer() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wdf/src")
}

/// The constructors in a text that differ from the facts, or of whose function there are none.
fn wrong(text: &str) -> Vec<String> {
    let constructors = constructors(text);
    assert!(!constructors.is_empty());
    let mut wrong = Vec::new();
    for (name, sets) in &constructors {
        let helper = kmdf_abi::init_helpers()
            .iter()
            .find(|helper| helper.name == name);
        let Some(helper) = helper else {
            wrong.push(format!("{name}: no such function"));
            continue;
        };
        let params: Vec<_> = helper.params.iter().map(|param| param.name).collect();
        let found = differences(sets, helper.sets, &params);
        wrong.extend(found.into_iter().map(|found| format!("{name}: {found}")));
    }
    wrong
}

#[test]
fn each_constructor_sets_what_the_inline_function_sets() {
    let text = fs::read_to_string(layer().join("init.rs")).expect("it can be read");
    let made = constructors(&text);
    let functions = text
        .lines()
        .filter(|line| line.starts_with("pub(crate) fn "))
        .count();
    assert_eq!(
        made.len(),
        functions,
        "a constructor says which function it stands for"
    );
    assert_eq!(wrong(&text), [""; 0]);
}

#[test]
fn no_structure_is_made_without_its_constructor() {
    let mut ahead = vec![layer()];
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(directory).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                ahead.push(path);
            } else if !path.ends_with("init.rs") {
                let text = fs::read_to_string(&path).expect("it can be read");
                assert_eq!(bypasses(&text), [0; 0], "{}", path.display());
            }
        }
    }
}

/// A constructor that is right.
const RIGHT: &str = "
/// `WDF_TIMER_CONFIG_INIT`
pub(crate) fn timer_config(callback: PFN_WDF_TIMER) -> WDF_TIMER_CONFIG {
    WDF_TIMER_CONFIG {
        Size: size_field::<WDF_TIMER_CONFIG>(),
        EvtTimerFunc: callback,
        AutomaticSerialization: true.into(),
        ..WDF_TIMER_CONFIG::default()
    }
}
";

#[test]
fn a_constructor_that_differs_is_found() {
    assert_eq!(wrong(RIGHT), [""; 0]);
    for (right, wrong_one) in [
        (
            "size_field::<WDF_TIMER_CONFIG>()",
            "size_field::<WDF_DPC_CONFIG>()",
        ),
        ("        AutomaticSerialization: true.into(),\n", ""),
        (
            "AutomaticSerialization: true.into()",
            "AutomaticSerialization: false.into()",
        ),
        (
            "EvtTimerFunc: callback,",
            "EvtTimerFunc: callback,\n        Period: period_ms,",
        ),
        ("WDF_TIMER_CONFIG_INIT", "WDF_TIMER_CONFIG_INITIALIZE"),
    ] {
        let text = RIGHT.replace(right, wrong_one);
        assert_eq!(wrong(&text).len(), 1, "{wrong_one}");
    }
    let queue = "
/// `WDF_IO_QUEUE_CONFIG_INIT`
pub(crate) fn io_queue_config(dispatch: WDF_IO_QUEUE_DISPATCH_TYPE) -> WDF_IO_QUEUE_CONFIG {
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: dispatch,
        PowerManaged: WdfTrue,
        ..WDF_IO_QUEUE_CONFIG::default()
    };
    config
}
";
    assert_eq!(
        wrong(queue).len(),
        2,
        "the tri-state and the number of presented requests"
    );
}

#[test]
fn a_structure_that_is_only_zeroed_is_found() {
    let zeroed = "let mut config = WDF_DPC_CONFIG::default();\n";
    assert_eq!(bypasses(zeroed), [1]);
    let by_hand = "let config = WDF_DPC_CONFIG {\n    EvtDpcFunc: f,\n    ..other()\n};\n";
    assert_eq!(bypasses(by_hand), [1]);
    let right =
        "let config = WDF_DPC_CONFIG {\n    EvtDpcFunc: f,\n    ..init::dpc_config(f)\n};\n";
    assert_eq!(bypasses(right), [0; 0]);
}
