//! The groups and their probes, as probe.h lists them: there is no second list.

const HEADER: &str = include_str!("../../probe/probe.h");

/// The lines of the list that a `#define` begins: up to the one that does not go on.
fn lines_of(define: &str) -> impl Iterator<Item = &'static str> + use<> {
    let start = format!("#define {define}(");
    let mut lines = HEADER
        .lines()
        .skip_while(move |line| !line.starts_with(&start));
    let mut more = lines.next().is_some_and(|line| line.ends_with('\\'));
    lines.take_while(move |line| std::mem::replace(&mut more, line.ends_with('\\')))
}

/// The arguments of a macro that a line calls.
fn arguments(line: &'static str, name: &str) -> Option<&'static str> {
    let (_, rest) = line.split_once(name)?;
    let (arguments, _) = rest.strip_prefix('(')?.split_once(')')?;
    Some(arguments)
}

/// The names of the groups.
pub fn groups() -> impl Iterator<Item = &'static str> {
    lines_of("GROUPS").filter_map(|line| {
        let (name, list) = arguments(line, "GROUP")?.split_once(", ")?;
        assert_eq!(list, format!("PROBES_{}", name.to_uppercase()));
        Some(name)
    })
}

/// The names of a group's probes.
pub fn probes(group: &str) -> impl Iterator<Item = &'static str> + use<> {
    lines_of(&format!("PROBES_{}", group.to_uppercase()))
        .filter_map(|line| arguments(line, "PROBE"))
}
