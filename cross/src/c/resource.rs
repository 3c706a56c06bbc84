//! `.rc` files: the version resource of a driver, from the script after preprocessing.

use version_resource::VersionInfo;

/// What a script says about the version.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Version {
    number: [u16; 4],
    debug: bool,
    strings: Vec<(String, String)>,
}

impl Version {
    /// Reads a script.
    ///
    /// # Errors
    /// What is wrong with it, or what it has beside a version.
    pub fn parse(script: &str) -> Result<Self, String> {
        let tokens = tokens(script)?;
        let mut reader = Reader { tokens: &tokens };
        let mut version = None;
        while let Some(token) = reader.next() {
            match token {
                Token::Word(word) if word == "LANGUAGE" => {
                    reader.numbers()?;
                }
                Token::Number(_) | Token::Word(_) => match reader.next() {
                    Some(Token::Word(kind)) if kind == "VERSIONINFO" => {
                        if version.replace(reader.version()?).is_some() {
                            return Err("there are two version resources".to_owned());
                        }
                    }
                    other => {
                        return Err(format!(
                            "a resource {} that is no VERSIONINFO: only versions are read",
                            shown(other)
                        ));
                    }
                },
                other => return Err(format!("{} begins no resource", shown(Some(other)))),
            }
        }
        version.ok_or_else(|| "there is no VERSIONINFO in it".to_owned())
    }

    /// The `.res` file.
    #[must_use]
    pub fn to_res(&self) -> Vec<u8> {
        let strings: Vec<_> = self
            .strings
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        VersionInfo {
            version: self.number,
            debug: self.debug,
            strings: &strings,
        }
        .to_res()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Number(u32),
    Text(String),
    /// `,`, `|`, `{` or `}`.
    Sign(char),
}

fn shown(token: Option<&Token>) -> String {
    match token {
        None => "the end of the script".to_owned(),
        Some(Token::Word(word)) => word.clone(),
        Some(Token::Number(number)) => number.to_string(),
        Some(Token::Text(text)) => format!("{text:?}"),
        Some(Token::Sign(sign)) => sign.to_string(),
    }
}

fn tokens(script: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = script.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_text = first == '"' || rest.starts_with("L\"");
        let length = if is_text {
            let (text, length) = text(rest)?;
            // Texts side by side are one.
            match tokens.last_mut() {
                Some(Token::Text(before)) => before.push_str(&text),
                _ => tokens.push(Token::Text(text)),
            }
            length
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            let length = rest.find(is_end).unwrap_or(rest.len());
            tokens.push(word(&rest[..length])?);
            length
        } else if first == '#' {
            // A pragma or a line's mark.
            rest.find('\n').unwrap_or(rest.len())
        } else if ",|{}".contains(first) {
            tokens.push(Token::Sign(first));
            1
        } else {
            return Err(format!("{first:?} is not expected in a script"));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The text at the beginning of `rest`, and how long it is with its quotes. A quote in it is doubled.
fn text(rest: &str) -> Result<(String, usize), String> {
    let start = rest.find('"').unwrap_or_default() + 1;
    let mut text = String::new();
    let mut chars = rest[start..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (c, chars.peek()) {
            ('"', Some((_, '"'))) => {
                chars.next();
                text.push('"');
            }
            ('"', _) => return Ok((text, start + at + 1)),
            ('\\', Some((_, '0'))) => {
                chars.next();
            }
            ('\\', Some(&(_, escaped))) => {
                chars.next();
                text.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            ('\n', _) => break,
            (c, _) => text.push(c),
        }
    }
    Err("a text does not end on its line".to_owned())
}

fn word(word: &str) -> Result<Token, String> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(Token::Word(word.to_owned()));
    }
    let digits = word.trim_end_matches(['L', 'l', 'U', 'u']);
    let number = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => digits.parse(),
    };
    number
        .map(Token::Number)
        .map_err(|_| format!("{word} is no number"))
}

struct Reader<'a> {
    tokens: &'a [Token],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Numbers between commas; those that `|` joins are one.
    fn numbers(&mut self) -> Result<Vec<u32>, String> {
        let mut numbers: Vec<u32> = Vec::new();
        let mut joins = false;
        loop {
            let number = match self.next() {
                Some(Token::Number(number)) => *number,
                other => return Err(format!("a number is expected, not {}", shown(other))),
            };
            match numbers.last_mut() {
                Some(last) if joins => *last |= number,
                _ => numbers.push(number),
            }
            match self.tokens.first() {
                Some(Token::Sign(sign @ (',' | '|'))) => {
                    joins = *sign == '|';
                    self.next();
                }
                _ => return Ok(numbers),
            }
        }
    }

    /// What follows VERSIONINFO.
    fn version(&mut self) -> Result<Version, String> {
        const DEBUG: u32 = 1;
        const DRIVER: u32 = 3;
        let mut version = Version::default();
        loop {
            match self.next() {
                Some(Token::Word(word)) if word == "BEGIN" => break,
                Some(Token::Sign('{')) => break,
                Some(Token::Word(word)) => {
                    let numbers = self.numbers()?;
                    match word.as_str() {
                        "FILEVERSION" => {
                            for (slot, number) in version.number.iter_mut().zip(numbers) {
                                *slot = u16::try_from(number).map_err(|_| {
                                    format!("{number} is no part of a version: at most 65535")
                                })?;
                            }
                        }
                        "FILEFLAGS" => {
                            version.debug = numbers.first().is_some_and(|n| n & DEBUG != 0);
                        }
                        "FILETYPE" if numbers != [DRIVER] => {
                            return Err("its FILETYPE is not VFT_DRV".to_owned());
                        }
                        _ => {}
                    }
                }
                other => return Err(format!("{} in a VERSIONINFO", shown(other))),
            }
        }
        self.block(&mut version, 0)?;
        Ok(version)
    }

    /// What is between BEGIN and END.
    fn block(&mut self, version: &mut Version, depth: u32) -> Result<(), String> {
        const DEEPEST: u32 = 4;
        if depth > DEEPEST {
            return Err("its blocks are nested too deep".to_owned());
        }
        loop {
            match self.next() {
                Some(Token::Sign('}')) => return Ok(()),
                Some(Token::Word(word)) if word == "END" => return Ok(()),
                Some(Token::Word(word)) if word == "BLOCK" => {
                    self.next();
                    match self.next() {
                        Some(Token::Sign('{')) => {}
                        Some(Token::Word(word)) if word == "BEGIN" => {}
                        other => return Err(format!("BEGIN is expected, not {}", shown(other))),
                    }
                    self.block(version, depth + 1)?;
                }
                Some(Token::Word(word)) if word == "VALUE" => self.value(version)?,
                other => return Err(format!("{} in a block of a VERSIONINFO", shown(other))),
            }
        }
    }

    /// What follows VALUE: a text of that name, or the translations.
    fn value(&mut self, version: &mut Version) -> Result<(), String> {
        let (Some(Token::Text(name)), Some(Token::Sign(','))) = (self.next(), self.next()) else {
            return Err("a VALUE has a name and, behind a comma, a text".to_owned());
        };
        if let Some(Token::Text(text)) = self.tokens.first() {
            self.next();
            version.strings.push((name.clone(), text.clone()));
            return Ok(());
        }
        self.numbers().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "LANGUAGE 9, 1\n1 VERSIONINFO FILEVERSION 1,2,3,4 PRODUCTVERSION 1,0,0,0\n\
        FILEFLAGS 0x1L|0x2L FILETYPE 3 FILESUBTYPE 0x7\nBEGIN BLOCK \"StringFileInfo\" {\n\
        BLOCK \"040904B0\" BEGIN VALUE \"FileDescription\", \"A \" \"\"\"driver\"\"\"\n\
        VALUE \"InternalName\", L\"a.sys\\0\" END }\n\
        BLOCK \"VarFileInfo\" BEGIN VALUE \"Translation\", 0x0409, 0x04B0 END END";

    #[test]
    fn a_version_is_read_with_its_texts() {
        let version = Version::parse(SCRIPT).expect("a version");
        assert_eq!(version.number, [1, 2, 3, 4]);
        assert!(version.debug);
        let strings = [
            ("FileDescription".into(), "A \"driver\"".into()),
            ("InternalName".into(), "a.sys".into()),
        ];
        assert_eq!(version.strings, strings);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let problem = |script: &str| Version::parse(script).expect_err("refused");
        assert!(problem("").contains("no VERSIONINFO"));
        assert!(problem("1 ICON \"a.ico\"").contains("ICON that is no VERSIONINFO"));
        assert!(problem(&SCRIPT.replace("FILETYPE 3", "FILETYPE 1")).contains("VFT_DRV"));
        assert!(problem(&SCRIPT.replace("1,2,3,4", "1,2,3,70000")).contains("70000"));
        assert!(problem(&SCRIPT.replace("END END", "END")).contains("the end of the script"));
        assert!(problem("1 VERSIONINFO FILEVERSION MAJOR BEGIN END").contains("MAJOR"));
        assert!(problem("1 VERSIONINFO \"open").contains("does not end"));
        assert!(problem(&format!("{SCRIPT} {SCRIPT}")).contains("two version"));
    }
}
