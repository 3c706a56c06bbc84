//! AddReg: registry values as an INF writes them.

use kmdf_inf::{Field, Line};

use super::{
    plan::{InstallProblem, wrong},
    registry::{RegistryKey, RegistryValue},
};

/// One line of an AddReg section, done on the key it is relative to.
pub(super) fn apply(line: &Line, key: &mut RegistryKey) -> Result<(), InstallProblem> {
    const NO_CLOBBER: u32 = 0x2;
    const DELETE: u32 = 0x4;
    const APPEND: u32 = 0x8;
    const KEY_ONLY: u32 = 0x10 | 0x2000;
    const OVERWRITE_ONLY: u32 = 0x20;

    /// What is not the driver's own: keys that this machine has not.
    const ELSEWHERE: [&str; 3] = ["HKLM", "HKCR", "HKU"];
    let root = line.text(0);
    if ELSEWHERE.iter().any(|name| root.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    if !root.eq_ignore_ascii_case("HKR") {
        let wanted = "HKR: a driver's registry values are its device's or its service's";
        return Err(wrong("the registry root", root, wanted));
    }
    let flags = match line.fields.get(3) {
        Some(field) if !field.text.is_empty() => field
            .number()
            .ok_or_else(|| wrong("the flags", &field.text, "a number, as 0x00010001"))?,
        _ => 0,
    };
    let (path, name) = (line.text(1), line.text(2));
    if flags & DELETE != 0 {
        if let Some(key) = key.open_mut(path) {
            key.remove(name);
        }
        return Ok(());
    }
    let key = key.create(path);
    // A line without a name and a value makes a key, and no more.
    let is_key_only = flags & KEY_ONLY != 0 || (name.is_empty() && line.fields.len() <= 4);
    let exists = key.value(name).is_some();
    if is_key_only
        || (flags & NO_CLOBBER != 0 && exists)
        || (flags & OVERWRITE_ONLY != 0 && !exists)
    {
        return Ok(());
    }
    let mut value = value_of(line, flags)?;
    if let (RegistryValue::MultiString(added), true) = (&mut value, flags & APPEND != 0)
        && let Some(RegistryValue::MultiString(old)) = key.value(name)
    {
        let mut both = old.clone();
        let new = added.drain(..).filter(|text| !old.contains(text));
        both.extend(new);
        *added = both;
    }
    key.set(name, value);
    Ok(())
}

/// The value in a line of an AddReg section.
fn value_of(line: &Line, flags: u32) -> Result<RegistryValue, InstallProblem> {
    const BINARY: u32 = 1;
    let data = line.fields.get(4..).unwrap_or_default();
    let text = || data.first().map(whole).unwrap_or_default();
    let bytes = || {
        data.iter()
            .map(|field| {
                let digits = field.text.trim_start_matches("0x").trim_start_matches("0X");
                u8::from_str_radix(digits, 16)
                    .map_err(|_| wrong("a byte", &field.text, "two hexadecimal digits"))
            })
            .collect::<Result<Vec<u8>, _>>()
    };
    let kind = flags >> 16;
    Ok(match (kind, flags & BINARY) {
        (0, 0) => RegistryValue::String(text()),
        (1, 0) => RegistryValue::MultiString(
            data.iter()
                .map(whole)
                .filter(|text| !text.is_empty())
                .collect(),
        ),
        (2, 0) => RegistryValue::ExpandString(text()),
        (0, _) => RegistryValue::Binary(bytes()?),
        (1, _) if data.len() == 4 => {
            let bytes = bytes()?;
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            RegistryValue::Dword(u32::from_le_bytes(bytes))
        }
        (1, _) => match data.first().map(Field::number) {
            None => RegistryValue::Dword(0),
            Some(Some(number)) => RegistryValue::Dword(number),
            Some(None) => return Err(wrong("a REG_DWORD", &text(), "a 32-bit number")),
        },
        (2, _) => RegistryValue::None(bytes()?),
        (0xb, _) => RegistryValue::Qword(
            qword(&text()).ok_or_else(|| wrong("a REG_QWORD", &text(), "a 64-bit number"))?,
        ),
        (kind, BINARY) => RegistryValue::Other {
            kind,
            bytes: bytes()?,
        },
        _ => {
            let wanted = "a type that Windows has, as 0x00010001 for REG_DWORD";
            return Err(wrong("the flags", line.text(3), wanted));
        }
    })
}

/// A field as one text, its directory id included.
fn whole(field: &Field) -> String {
    match field.directory {
        Some(directory) => format!("%{directory}%{}", field.text),
        None => field.text.clone(),
    }
}

fn qword(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
