//! What a driver in C takes from the WDK's headers besides declarations: the framework's functions
//! as inline calls through its table, the `…_INIT` helpers, and the macros of the kernel's headers.
//!
//! The Rust driver has all this in its own form, and bindgen must not see it. So these headers have
//! a directory of their own, before the others on a C compiler's path.

use std::fmt::Write as _;

use super::{Header, KIT_VERSION, UnknownMinor, check_minor};
use crate::facts::{Decl, Facts, Field, InitHelper, Record, Types};

/// The directory of these headers below `WDKContentRoot`. What they add to is found beside it.
pub const DRIVER_INCLUDE: &str = "c";

const NT: &str = include_str!("driver/nt.h");
const INITGUID: &str = include_str!("driver/initguid.h");

/// Headers that stand for themselves: their names, the guards' names, and what is in them.
const OTHERS: [(&str, &str, &str); 6] = [
    (
        "evntrace.h",
        "C_EVNTRACE",
        include_str!("driver/evntrace.h"),
    ),
    (
        "ntintsafe.h",
        "C_NTINTSAFE",
        include_str!("driver/ntintsafe.h"),
    ),
    (
        "ntstrsafe.h",
        "C_NTSTRSAFE",
        include_str!("driver/ntstrsafe.h"),
    ),
    ("stdarg.h", "C_STDARG", include_str!("driver/stdarg.h")),
    ("wdmguid.h", "C_WDMGUID", include_str!("driver/wdmguid.h")),
    ("wdmsec.h", "C_WDMSEC", include_str!("driver/wdmsec.h")),
];

/// Headers that scripts of resources include: their names, and what is in them.
const OF_RESOURCES: [(&str, &str); 4] = [
    ("windows.h", include_str!("driver/rc/winver.h")),
    ("winver.h", include_str!("driver/rc/winver.h")),
    ("ntverp.h", include_str!("driver/rc/ntverp.h")),
    ("common.ver", include_str!("driver/rc/common.ver")),
];

/// The directory of these.
pub const RESOURCE_INCLUDE: &str = "c/rc";

/// Headers that drivers include without using what only they have.
const NAMES: [&str; 5] = [
    "bcrypt.h",
    "devpropdef.h",
    "wmidata.h",
    "wmilib.h",
    "wmistr.h",
];
const WDF: &str = include_str!("driver/wdf.h");

/// The headers that a KMDF 1.`kmdf_minor` driver in C includes: `ntddk.h`, `wdf.h` and others.
///
/// They include those of [`headers`](super::headers) by their relative paths.
///
/// # Errors
/// [`UnknownMinor`] if the facts do not cover that version.
pub fn driver_headers(kmdf_minor: u32) -> Result<Vec<Header>, UnknownMinor> {
    let facts = Facts::load();
    check_minor(&facts, kmdf_minor)?;
    let header = |name: &str, contents: String| Header {
        path: format!("{DRIVER_INCLUDE}/{name}"),
        contents,
    };
    let nt = |guard: &str| linked(guard, "#include \"ntifs.h\"\n");
    let mut all = vec![
        header(
            "ntifs.h",
            linked(
                "C_NTIFS",
                &format!(
                    "#include \"../Include/{KIT_VERSION}/km/ntifs.h\"\n\
                     #include \"../Include/{KIT_VERSION}/shared/bugcodes.h\"\n\n{NT}"
                ),
            ),
        ),
        header("ntddk.h", nt("C_NTDDK")),
        header("wdm.h", nt("C_WDM")),
        header("ntdef.h", nt("C_NTDEF")),
        header("initguid.h", linked("C_INITGUID", INITGUID)),
        header("wdf.h", wdf(&facts, kmdf_minor)),
        header("poppack.h", "#pragma pack(pop)\n".into()),
    ];
    all.extend(OTHERS.map(|(name, guard, contents)| header(name, linked(guard, contents))));
    all.extend(NAMES.map(|name| header(name, "#include \"ntifs.h\"\n".into())));
    all.extend(OF_RESOURCES.map(|(name, contents)| Header {
        path: format!("{RESOURCE_INCLUDE}/{name}"),
        contents: contents.into(),
    }));
    all.extend([1, 2, 4, 8].map(|bytes| {
        header(
            &format!("pshpack{bytes}.h"),
            format!("#pragma pack(push, {bytes})\n"),
        )
    }));
    Ok(all)
}

/// A header that is included once, whose functions C++ finds under their names.
fn linked(guard: &str, body: &str) -> String {
    super::guarded(
        guard,
        &format!(
            "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n{body}\n\
             #ifdef __cplusplus\n}}\n#endif\n"
        ),
    )
}

fn wdf(facts: &Facts, minor: u32) -> String {
    let types = Types::new(facts);
    let mut body =
        format!("#include \"ntifs.h\"\n#include \"../Include/wdf/kmdf/1.{minor}/wdf.h\"\n\n");
    for one in facts.functions.iter().filter(|one| one.since <= minor) {
        if let (Some(returns), Some(params)) = (&one.returns, one.params_in(minor)) {
            body.push_str(&call(&one.name, returns, params));
        }
    }
    body.push('\n');
    body.push_str(WDF);
    body.push_str("\n/* What to set in a structure before it is used. */\n");
    for (name, helper) in facts.init_helpers.iter() {
        let record = record_of(helper, &types);
        if record.is_none_or(|record| record.since.is_none_or(|since| since <= minor)) {
            body.push_str(&init(name, helper, |field| {
                record.is_none_or(|record| has_field(record, field, minor))
            }));
        }
    }
    linked("C_WDF", &body)
}

/// A function of the table, called as the documentation writes it: without the globals.
fn call(name: &str, returns: &str, params: &[Decl]) -> String {
    let own = params.get(1..).unwrap_or_default();
    let list = own.iter().map(Decl::to_c).collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "void" } else { &list };
    let names = own.iter().fold(String::new(), |mut names, param| {
        let _ = write!(names, ", {}", param.name);
        names
    });
    let back = if returns == "void" || returns == "VOID" {
        ""
    } else {
        "return "
    };
    format!(
        "FORCEINLINE {returns} {name}({list}) {{\n    \
         {back}((PFN_{})WdfFunctions[{name}TableIndex])(WdfDriverGlobals{names});\n}}\n",
        name.to_uppercase()
    )
}

/// The structure that the helper is for, if the facts have its layout.
fn record_of<'a>(helper: &InitHelper, types: &Types<'a>) -> Option<&'a Record> {
    let pointer = helper.params.first()?.ty.trim_end_matches([' ', '*']);
    types.record(&format!(
        "_{}",
        pointer.strip_prefix('P').unwrap_or(pointer)
    ))
}

/// Whether that version has the member. One inside another record has no version of its own.
fn has_field(record: &Record, name: &str, minor: u32) -> bool {
    name.contains('.')
        || record.fields_in(minor).any(|field| match field {
            Field::Plain(plain) => plain.decl.name == name,
            Field::Nested(nested) => nested.name == name || nested.name.is_empty(),
        })
}

/// A `…_INIT` helper: the structure zeroed, then the assignments to members that it has.
fn init(name: &str, helper: &InitHelper, has: impl Fn(&str) -> bool) -> String {
    let list = helper.params.iter().map(Decl::to_c).collect::<Vec<_>>();
    let structure = helper.params.first().map_or("", |param| &param.name);
    let mut text = format!(
        "FORCEINLINE void {name}({}) {{\n    RtlZeroMemory({structure}, sizeof(*{structure}));\n",
        list.join(", ")
    );
    for set in &helper.sets {
        let field = set.split([' ', '[']).next().unwrap_or_default();
        if field == "call" || has(field) {
            let _ = writeln!(text, "    {}", statement(structure, set));
        }
    }
    text + "}\n"
}

/// One assignment of [`InitHelper::sets`], as C.
fn statement(structure: &str, set: &str) -> String {
    if let Some(other) = set.strip_prefix("call ") {
        return format!("{other};");
    }
    let (set, condition) = match set.split_once(" if ") {
        Some((set, condition)) => (set, format!("if ({condition}) ")),
        None => (set, String::new()),
    };
    match set.split_once("[i]") {
        Some((field, value)) => format!(
            "{condition}for (ULONG i = 0; i < RTL_NUMBER_OF({structure}->{field}); i++) \
             {structure}->{field}[i]{value};"
        ),
        None => format!("{condition}{structure}->{set};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wdf_of(minor: u32) -> String {
        wdf(&Facts::load(), minor)
    }

    #[test]
    fn a_function_is_called_through_the_table_with_the_drivers_globals() {
        let text = wdf_of(15);
        assert!(text.contains(
            "FORCEINLINE BOOLEAN WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt) {\n    \
             return ((PFN_WDFINTERRUPTQUEUEDPCFORISR)WdfFunctions[WdfInterruptQueueDpcForIsrTableIndex])\
             (WdfDriverGlobals, Interrupt);\n}"
        ));
    }

    #[test]
    fn a_helper_of_a_structure_that_the_version_lacks_is_absent() {
        let helper = "void WDF_TASK_SEND_OPTIONS_INIT(";
        assert!(!wdf_of(15).contains(helper));
        assert!(wdf_of(33).contains("void WDF_INTERRUPT_CONFIG_INIT("));
    }

    #[test]
    fn the_three_forms_of_an_assignment_become_statements() {
        for (set, expected) in [
            ("Size = 4", "C->Size = 4;"),
            (
                "A.B = (ULONG)-1 if T == P",
                "if (T == P) C->A.B = (ULONG)-1;",
            ),
            ("call X_INIT(C, N)", "X_INIT(C, N);"),
            (
                "D[i] = M",
                "for (ULONG i = 0; i < RTL_NUMBER_OF(C->D); i++) C->D[i] = M;",
            ),
        ] {
            assert_eq!(statement("C", set), expected);
        }
    }
}
