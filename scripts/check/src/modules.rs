//! The order of the driver's modules: none names one above it.

/// The modules of `driver/src`, lowest first.
pub const MODULES: &[&str] = &[
    "registers",
    "settings",
    "trace",
    "version",
    "owned",
    "findings",
    "buffer",
    "isr_context",
    "device",
    "events",
    "factorial",
    "transfer",
    "recovery",
    "watchdog",
    "control",
    "interrupt",
    "power",
    "add",
];

/// What breaks the order, in a module of that name with that text.
#[must_use]
pub fn breaches(module: &str, text: &str) -> Vec<String> {
    let floor = |name: &str| MODULES.iter().position(|module| *module == name);
    let Some(own) = floor(module) else {
        return vec![format!("{module} is on no floor: list it")];
    };
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let named = code.split("crate::").skip(1).flat_map(named);
    named
        .filter(|name| floor(name).is_some_and(|other| other > own))
        .map(|name| format!("{module} names {name}, which is above it"))
        .collect()
}

/// The modules that a path names, behind its `crate::`: one, or those of a group.
fn named(path: &str) -> Vec<&str> {
    let first = |item: &str| {
        let end = item.find(|c: char| !c.is_alphanumeric() && c != '_');
        end.unwrap_or(item.len())
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![&path[..first(path)]];
    };
    let mut depth = 0;
    let mut items = vec![0];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(at + 1),
            _ => {}
        }
    }
    let items = items.into_iter().map(|at| group[at..].trim_start());
    items.map(|item| &item[..first(item)]).collect()
}
