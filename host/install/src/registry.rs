//! Registry keys and values. Names compare without regard to case and keep their spelling.

use std::collections::BTreeMap;

/// A value of a registry key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryValue {
    /// REG_NONE
    None(Vec<u8>),
    /// REG_SZ
    String(String),
    /// REG_EXPAND_SZ
    ExpandString(String),
    /// REG_BINARY
    Binary(Vec<u8>),
    /// REG_DWORD
    Dword(u32),
    /// REG_MULTI_SZ
    MultiString(Vec<String>),
    /// REG_QWORD
    Qword(u64),
    /// A type of its author's own.
    Other {
        /// The type's number.
        kind: u32,
        /// The value's bytes.
        bytes: Vec<u8>,
    },
}

impl RegistryValue {
    /// The number of its type, as ZwQueryValueKey gives it.
    #[must_use]
    pub const fn kind(&self) -> u32 {
        match self {
            Self::None(_) => 0,
            Self::String(_) => 1,
            Self::ExpandString(_) => 2,
            Self::Binary(_) => 3,
            Self::Dword(_) => 4,
            Self::MultiString(_) => 7,
            Self::Qword(_) => 11,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// Its bytes, as ZwQueryValueKey gives them: strings in UTF-16 with their ending zeros.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let utf16 = |text: &str| {
            text.encode_utf16()
                .chain([0])
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        match self {
            Self::String(text) | Self::ExpandString(text) => utf16(text),
            // A list of none has two zeros, too.
            Self::MultiString(texts) if texts.is_empty() => vec![0; 4],
            Self::MultiString(texts) => {
                let texts = texts.iter().flat_map(|text| utf16(text));
                texts.chain([0, 0]).collect()
            }
            Self::None(bytes) | Self::Binary(bytes) | Self::Other { bytes, .. } => bytes.clone(),
            Self::Dword(number) => number.to_le_bytes().to_vec(),
            Self::Qword(number) => number.to_le_bytes().to_vec(),
        }
    }

    /// The number, if it is a REG_DWORD.
    #[must_use]
    pub const fn as_dword(&self) -> Option<u32> {
        match self {
            Self::Dword(number) => Some(*number),
            _ => None,
        }
    }
}

/// A registry key: its values and the keys below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryKey {
    /// By the name in upper case; with the name as it is spelled.
    values: BTreeMap<String, (String, RegistryValue)>,
    keys: BTreeMap<String, (String, Self)>,
}

impl RegistryKey {
    /// The key at a path below this one, its parts separated by backslashes. The empty path is
    /// this key itself.
    #[must_use]
    pub fn open(&self, path: &str) -> Option<&Self> {
        parts(path).try_fold(self, |key, part| {
            key.keys.get(&folded(part)).map(|(_, below)| below)
        })
    }

    /// The key at a path below this one, to be changed.
    pub fn open_mut(&mut self, path: &str) -> Option<&mut Self> {
        parts(path).try_fold(self, |key, part| {
            key.keys.get_mut(&folded(part)).map(|(_, below)| below)
        })
    }

    /// The key at a path below this one; made, with all on the way, where it is missing.
    pub fn create(&mut self, path: &str) -> &mut Self {
        parts(path).fold(self, |key, part| {
            let below = key.keys.entry(folded(part));
            &mut below
                .or_insert_with(|| (part.to_owned(), Self::default()))
                .1
        })
    }

    /// A value of this key. The empty name is the key's default value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&RegistryValue> {
        self.values.get(&folded(name)).map(|(_, value)| value)
    }

    /// Sets a value of this key, and gives the one it replaces.
    pub fn set(&mut self, name: &str, value: RegistryValue) -> Option<RegistryValue> {
        let entry = (name.to_owned(), value);
        self.values.insert(folded(name), entry).map(|(_, old)| old)
    }

    /// Removes a value of this key.
    pub fn remove(&mut self, name: &str) -> Option<RegistryValue> {
        self.values.remove(&folded(name)).map(|(_, old)| old)
    }

    /// Removes a key directly below this one, with all that is in it.
    pub fn remove_key(&mut self, name: &str) -> Option<Self> {
        self.keys.remove(&folded(name)).map(|(_, below)| below)
    }

    /// The REG_DWORD of that name in the key at a path below this one.
    #[must_use]
    pub fn dword(&self, path: &str, name: &str) -> Option<u32> {
        self.open(path)?.value(name)?.as_dword()
    }

    /// The values, by name.
    pub fn values(&self) -> impl Iterator<Item = (&str, &RegistryValue)> {
        self.values
            .values()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The keys directly below this one, by name.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.keys.values().map(|(name, key)| (name.as_str(), key))
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('\\').filter(|part| !part.is_empty())
}

fn folded(name: &str) -> String {
    name.to_uppercase()
}
