//! The facts agree with themselves.

use crate::facts::{Decl, Facts, Field, Kind, Resolved, Types};

/// Of both frameworks.
fn all() -> [Facts; 2] {
    [Facts::load(), Facts::load_umdf()]
}

fn each_field<'a>(fields: &'a [Field], visit: &mut impl FnMut(&'a Field)) {
    for field in fields {
        visit(field);
        if let Field::Nested(nested) = field {
            each_field(&nested.fields, visit);
        }
    }
}

#[test]
fn a_declaration_is_written_as_it_was_read() {
    for text in [
        "ULONG Size",
        "WDFQUEUE *Queue",
        "ULONG Data[3]",
        "ELEMENT Elements[]",
    ] {
        assert_eq!(Decl::parse(text).unwrap().to_c(), text);
    }
    for text in ["", "ULONG", "ULONG Data[x]", "ULONG *"] {
        assert_eq!(Decl::parse(text), None, "{text:?}");
    }
}

#[test]
fn every_type_comes_down_to_something_c_has() {
    for facts in all() {
        let types = Types::new(&facts);
        let aliases = facts
            .types
            .aliases
            .iter()
            .chain(facts.nt_types.aliases.iter());
        for (name, _) in aliases {
            types.resolve(name);
        }
        for (_, one) in facts.nt_types.functions.iter() {
            types.resolve(&one.returns);
            one.params
                .iter()
                .for_each(|param| drop(types.resolve(&param.ty)));
        }
        for one in &facts.functions {
            for older in one.params_before.iter().flat_map(|older| &older.params) {
                types.resolve(&older.ty);
            }
        }
    }
}

#[test]
fn every_member_has_the_size_of_its_type_and_lies_inside_its_record() {
    for facts in all() {
        let types = Types::new(&facts);
        for (tag, record) in facts.structs.iter().chain(facts.nt_structs.iter()) {
            each_field(&record.fields, &mut |field| match field {
                Field::Plain(plain) => {
                    let (size, _) = types.size_align(&plain.decl);
                    assert_eq!(size, plain.size, "{tag}.{}", plain.decl.name);
                    assert_ne!(types.resolve(&plain.decl.ty), Resolved::Void, "{tag}");
                }
                Field::Nested(nested) => {
                    let whole =
                        |inner: &&Field| !matches!(inner, Field::Plain(one) if one.bits.is_some());
                    for inner in nested.fields.iter().filter(whole) {
                        assert!(
                            inner.at() + inner.size() <= nested.size,
                            "{tag}.{}",
                            nested.name
                        );
                    }
                }
            });
            for field in &record.fields {
                assert!(field.at() + field.size() <= record.size, "{tag}");
                assert!(record.kind == Kind::Struct || field.at() == 0, "{tag}");
            }
        }
    }
}

#[test]
fn init_helpers_set_members_that_exist() {
    for facts in all() {
        let types = Types::new(&facts);
        for (name, helper) in facts.init_helpers.iter() {
            let pointer = helper.params[0].ty.trim_end_matches([' ', '*']);
            let target = types
                .alias(pointer)
                .unwrap_or(pointer)
                .trim_end_matches([' ', '*']);
            let Resolved::Record { tag, .. } = types.resolve(target) else {
                panic!("{name} initializes no record but {target}");
            };
            for set in &helper.sets {
                if let Some(called) = set.strip_prefix("call ") {
                    let (called, _) = called.split_once('(').unwrap();
                    assert!(facts.init_helpers.get(called).is_some(), "{name}: {set}");
                    continue;
                }
                let (path, _) = set
                    .split_once(" = ")
                    .unwrap_or_else(|| panic!("{name}: {set}"));
                let mut fields = &types.record(&tag).unwrap().fields;
                for part in path.trim_end_matches("[i]").split('.') {
                    let found = fields.iter().find(|field| match field {
                        Field::Plain(plain) => plain.decl.name == part,
                        Field::Nested(nested) => nested.name == part,
                    });
                    match found.unwrap_or_else(|| panic!("{name}: {tag} has no {path}")) {
                        Field::Plain(plain) => {
                            if let Resolved::Record { tag, .. } = types.resolve(&plain.decl.ty) {
                                fields = &types.record(&tag).unwrap().fields;
                            }
                        }
                        Field::Nested(nested) => fields = &nested.fields,
                    }
                }
            }
        }
    }
}

#[test]
fn every_version_counts_the_functions_it_has() {
    for facts in all() {
        for (&minor, &count) in &facts.versions.functions {
            let there = facts
                .functions
                .iter()
                .filter(|one| one.since <= minor)
                .count();
            assert_eq!(there, count, "{}.{minor}", facts.versions.major);
        }
    }
}
