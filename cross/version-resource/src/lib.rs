//! Writes a driver's version resource as a `.res` file, which Microsoft's linker and lld accept.
//!
//! Explorer, Device Manager and crash dumps show the version of a `.sys` from this resource. The
//! WDK makes it with `rc.exe`, which only Windows has; existing crates call that program or edit a
//! finished image. The format is simple: `RESOURCEHEADER`, `VS_VERSIONINFO` and
//! their parts are documented in Microsoft's "Menus and Other Resources".

#![forbid(unsafe_code)]

/// `RT_VERSION`.
const TYPE: u16 = 16;
/// `VS_VERSION_INFO`, the name the resource must have.
const NAME: u16 = 1;
/// English (United States), and Unicode: what the strings are in.
const LANGUAGE: u16 = 0x0409;
const UNICODE: u16 = 0x04b0;

/// What the resource says.
#[derive(Debug, Clone, Copy)]
pub struct VersionInfo<'a> {
    /// Major, minor, patch and build number.
    pub version: [u16; 4],
    /// Whether the image was built with debug assertions.
    pub debug: bool,
    /// Pairs of a documented name, such as `FileDescription`, and what to show under it.
    pub strings: &'a [(&'a str, &'a str)],
}

impl VersionInfo<'_> {
    /// The `.res` file.
    ///
    /// # Panics
    ///
    /// If the strings are longer than a resource can be (64 KiB).
    #[must_use]
    pub fn to_res(&self) -> Vec<u8> {
        let data = self.version_info();
        let mut file = Bytes::default();
        // A 32-bit resource file begins with an empty resource.
        file.resource(0, 0, 0, &[]);
        file.resource(TYPE, NAME, LANGUAGE, &data);
        file.0
    }

    fn version_info(&self) -> Vec<u8> {
        let mut strings = Bytes::default();
        for (name, text) in self.strings {
            strings.block(name, Value::Text(text), &[]);
        }
        let mut table = Bytes::default();
        table.block(
            &format!("{LANGUAGE:04x}{UNICODE:04x}"),
            Value::None,
            &strings.0,
        );
        let mut translation = Bytes::default();
        let language: Vec<u8> = [LANGUAGE, UNICODE]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        translation.block("Translation", Value::Binary(&language), &[]);
        let mut children = Bytes::default();
        children.block("StringFileInfo", Value::None, &table.0);
        children.block("VarFileInfo", Value::None, &translation.0);
        let mut info = Bytes::default();
        info.block("VS_VERSION_INFO", Value::Binary(&self.fixed()), &children.0);
        info.0
    }

    /// `VS_FIXEDFILEINFO`.
    fn fixed(&self) -> Vec<u8> {
        let [major, minor, patch, build] = self.version.map(u32::from);
        let version = [major << 16 | minor, patch << 16 | build];
        [
            0xFEEF_04BD,
            0x0001_0000,
            version[0],
            version[1],
            version[0],
            version[1],
            0x3f,
            u32::from(self.debug),
            // VOS_NT_WINDOWS32, VFT_DRV, VFT2_DRV_SYSTEM; no date.
            0x0004_0004,
            3,
            7,
            0,
            0,
        ]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect()
    }
}

/// A block's value.
#[derive(Clone, Copy)]
enum Value<'a> {
    None,
    Binary(&'a [u8]),
    Text(&'a str),
}

/// Little-endian fields, one after the other, each block padded to a multiple of four bytes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        for unit in text.encode_utf16().chain([0]) {
            self.u16(unit);
        }
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// `VS_VERSIONINFO`, `StringFileInfo`, `StringTable`, `String`, `VarFileInfo` and `Var` all
    /// are blocks: their length, the value's length (of text: in characters), whether the value
    /// is text, the key, the value, and the blocks inside. The last padding does not count.
    fn block(&mut self, key: &str, value: Value<'_>, children: &[u8]) {
        self.pad();
        let mut block = Bytes::default();
        let (length, is_text) = match value {
            Value::None => (0, 1),
            Value::Binary(bytes) => (bytes.len(), 0),
            Value::Text(text) => (text.encode_utf16().count() + 1, 1),
        };
        block.u16(0);
        block.u16(u16::try_from(length).expect("a version string is shorter than 64 KiB"));
        block.u16(is_text);
        block.text(key);
        block.pad();
        match value {
            Value::None => {}
            Value::Binary(bytes) => block.0.extend(bytes),
            Value::Text(text) => block.text(text),
        }
        if !children.is_empty() {
            block.pad();
            block.0.extend(children);
        }
        let length =
            u16::try_from(block.0.len()).expect("a version resource is shorter than 64 KiB");
        block.0[..2].copy_from_slice(&length.to_le_bytes());
        self.0.extend(block.0);
    }

    /// `RESOURCEHEADER` and the resource's data. Type and name are numbers, marked by `0xffff`.
    fn resource(&mut self, kind: u16, name: u16, language: u16, data: &[u8]) {
        const HEADER_SIZE: u32 = 32;
        // MOVEABLE | PURE, which rc.exe writes and nothing has looked at since 16-bit Windows.
        let memory_flags = if kind == 0 { 0 } else { 0x30 };
        self.u32(u32::try_from(data.len()).expect("a resource is shorter than 64 KiB"));
        self.u32(HEADER_SIZE);
        for number in [kind, name] {
            self.u16(0xffff);
            self.u16(number);
        }
        self.u32(0);
        self.u16(memory_flags);
        self.u16(language);
        self.u32(0);
        self.u32(0);
        self.0.extend(data);
        self.pad();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: VersionInfo<'_> = VersionInfo {
        version: [1, 2, 3, 4],
        debug: false,
        strings: &[("FileDescription", "A driver"), ("ProductName", "Ä")],
    };

    fn u16_at(bytes: &[u8], at: usize) -> usize {
        usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    }

    /// The keys of all blocks, depth first, with their text; checks the lengths on the way.
    fn walk(bytes: &[u8], found: &mut Vec<(String, String)>) {
        let mut at = 0;
        while at < bytes.len() {
            let block = &bytes[at..at + u16_at(bytes, at)];
            let (value_length, is_text) = (u16_at(block, 2), u16_at(block, 4) == 1);
            let units: Vec<u16> = block[6..]
                .chunks_exact(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                .collect();
            let key_length = units.iter().position(|unit| *unit == 0).unwrap();
            let key = String::from_utf16(&units[..key_length]).unwrap();
            let value = (6 + (key_length + 1) * 2).next_multiple_of(4);
            let value_bytes = if is_text {
                value_length * 2
            } else {
                value_length
            };
            let text = if is_text && value_length > 0 {
                let start = (value - 6) / 2;
                String::from_utf16(&units[start..start + value_length - 1]).unwrap()
            } else {
                String::new()
            };
            found.push((key, text));
            walk(
                block
                    .get((value + value_bytes).next_multiple_of(4)..)
                    .unwrap_or_default(),
                found,
            );
            at = (at + block.len()).next_multiple_of(4);
        }
    }

    #[test]
    fn the_file_has_an_empty_resource_and_then_the_version() {
        let file = INFO.to_res();
        assert_eq!(
            &file[..32],
            [0, 0, 0, 0, 32, 0, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0]
                .into_iter()
                .chain([0; 16])
                .collect::<Vec<u8>>()
        );
        assert_eq!(u16_at(&file, 32), INFO.version_info().len());
        assert_eq!((u16_at(&file, 42), u16_at(&file, 46)), (16, 1));
        assert_eq!(file.len() % 4, 0);
    }

    #[test]
    fn every_string_is_found_again_under_its_name() {
        let mut found = Vec::new();
        walk(&INFO.version_info(), &mut found);
        let found: Vec<_> = found
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("VS_VERSION_INFO", ""),
                ("StringFileInfo", ""),
                ("040904b0", ""),
                ("FileDescription", "A driver"),
                ("ProductName", "Ä"),
                ("VarFileInfo", ""),
                ("Translation", ""),
            ]
        );
    }

    #[test]
    fn the_fixed_information_has_the_version_twice_and_says_driver() {
        let fixed = VersionInfo {
            debug: true,
            ..INFO
        }
        .fixed();
        let field = |index: usize| u32::from_le_bytes(fixed[index * 4..][..4].try_into().unwrap());
        assert_eq!(
            (field(0), field(2), field(3)),
            (0xFEEF_04BD, 0x0001_0002, 0x0003_0004)
        );
        assert_eq!(
            (field(4), field(5), field(7), field(9)),
            (field(2), field(3), 1, 3)
        );
        assert_eq!(fixed.len(), 52);
    }
}
