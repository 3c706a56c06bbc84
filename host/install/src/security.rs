//! A device's security descriptor, as the INF writes it in SDDL: whom it lets open the device.

const FILE_GENERIC_READ: u32 = 0x0012_0089;
const FILE_GENERIC_WRITE: u32 = 0x0012_0116;
const FILE_GENERIC_EXECUTE: u32 = 0x0012_00a0;
const FILE_ALL_ACCESS: u32 = 0x001f_01ff;

/// Generic rights and what they are of a file, in the order of their bits from the highest.
const GENERIC: [(u32, u32); 4] = [
    (0x8000_0000, FILE_GENERIC_READ),
    (0x4000_0000, FILE_GENERIC_WRITE),
    (0x2000_0000, FILE_GENERIC_EXECUTE),
    (0x1000_0000, FILE_ALL_ACCESS),
];

/// Whose apps open the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum User {
    /// A service of the system
    System,
    /// An administrator, elevated
    #[default]
    Administrator,
    /// Anybody else who is logged on
    Standard,
}

impl User {
    /// The groups and users that the token of such a user names, by their SDDL abbreviations.
    const fn sids(self) -> &'static [&'static str] {
        match self {
            Self::System => &["SY", "BA", "WD", "AU"],
            Self::Administrator => &["BA", "WD", "AU", "BU", "IU"],
            Self::Standard => &["WD", "AU", "BU", "IU"],
        }
    }
}

/// A security descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    allows: bool,
    rights: u32,
    sid: String,
}

impl Security {
    /// Reads a discretionary access-control list in SDDL. An owner, a group and a system list are none
    /// of an INF's business.
    #[must_use]
    pub fn parse(sddl: &str) -> Option<Self> {
        let list = sddl.trim().strip_prefix("D:")?;
        let (flags, mut rest) = list.split_at(list.find('(')?);
        if !["", "P", "PAI", "AI"].contains(&flags) {
            return None;
        }
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let (entry, after) = rest.strip_prefix('(')?.split_once(')')?;
            entries.push(Entry::parse(entry)?);
            rest = after;
        }
        Some(Self { entries })
    }

    /// Whether a user gets all of an access mask.
    #[must_use]
    pub fn grants(&self, user: User, access: u32) -> bool {
        let mut wanted = mapped(access);
        for entry in &self.entries {
            if !user.sids().contains(&entry.sid.as_str()) {
                continue;
            }
            if entry.allows {
                wanted &= !entry.rights;
            } else if wanted & entry.rights != 0 {
                return false;
            }
        }
        wanted == 0
    }
}

impl Entry {
    /// Reads what is between the parentheses: type, flags, rights, two GUIDs, SID.
    fn parse(text: &str) -> Option<Self> {
        let [kind, _, rights, _, _, sid] = text.split(';').collect::<Vec<_>>().try_into().ok()?;
        let allows = match kind {
            "A" => true,
            "D" => false,
            _ => return None,
        };
        Some(Self {
            allows,
            rights: parse_rights(rights)?,
            sid: sid.to_owned(),
        })
    }
}

/// Rights by number, or by pairs of letters.
fn parse_rights(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok().map(mapped);
    }
    let mut rights = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (pair, after) = rest.split_at_checked(2)?;
        rights |= match pair {
            "GA" | "FA" => FILE_ALL_ACCESS,
            "GR" | "FR" => FILE_GENERIC_READ,
            "GW" | "FW" => FILE_GENERIC_WRITE,
            "GX" | "FX" => FILE_GENERIC_EXECUTE,
            _ => return None,
        };
        rest = after;
    }
    Some(rights)
}

/// An access mask with a file's rights for its generic ones.
fn mapped(access: u32) -> u32 {
    let is_set = |(bit, _): &&(u32, u32)| access & bit != 0;
    let specific = GENERIC.iter().filter(is_set).map(|(_, rights)| rights);
    specific.fold(access & 0x0fff_ffff, |all, rights| all | rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_lets_in_whom_it_names_and_no_further() {
        let list = Security::parse("D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GR;;;AU)").expect("a list");
        for (user, access, granted) in [
            (User::System, 0x1000_0000, true),
            (User::Administrator, 0xc000_0000, true),
            (User::Standard, 0x8000_0000, true),
            (User::Standard, 0x4000_0000, false),
            (User::Standard, 3, false),
            (User::Standard, 0, true),
        ] {
            assert_eq!(list.grants(user, access), granted, "{user:?} {access:#x}");
        }
        let list = Security::parse("D:(D;;GW;;;WD)(A;;GA;;;BA)").expect("a list");
        assert!(list.grants(User::Administrator, 1));
        assert!(!list.grants(User::Administrator, 2));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "D:",
            "O:BAG:BA",
            "D:P(A;;GA;;;SY",
            "D:(A;;XX;;;SY)",
            "D:(A;;GA;;SY)",
            "D:X(A;;GA;;;SY)",
        ] {
            assert_eq!(Security::parse(text), None, "{text}");
        }
    }
}
