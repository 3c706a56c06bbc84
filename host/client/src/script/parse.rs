//! Lines to steps.

use std::{collections::BTreeSet, time::Duration};

use super::{Action, DeviceEvent, Operation, ScriptError, Step};
use crate::protocol::{Access, InterfaceId, NtStatus};

/// The most bytes that a script may write out as `zero:N`.
const MOST_ZEROS: u64 = crate::protocol::MAX_TRANSFER_BYTES as u64;

/// Reads a script line by line.
#[derive(Debug, Default)]
pub struct Parser {
    lines: usize,
    names: Names,
}

impl Parser {
    /// The step that the next line is; `None` for one without a step.
    ///
    /// # Errors
    /// The line is no step, or names a file or request which no line before it made.
    pub fn line(&mut self, text: &str) -> Result<Option<Step>, ScriptError> {
        self.lines += 1;
        let line = self.lines;
        self.action(text)
            .map(|action| action.map(|action| Step { line, action }))
            .map_err(|problem| ScriptError { line, problem })
    }

    fn action(&mut self, text: &str) -> Result<Option<Action>, String> {
        let words = words(text)?;
        let Some((first, rest)) = words.split_first() else {
            return Ok(None);
        };
        let mut words = Words { words: rest };
        let action = action(first, &mut words)?;
        words.end()?;
        self.names.check(&action)?;
        Ok(Some(action))
    }
}

/// The words of a line, without its comment. What stands in quotes is part of a word.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '#' if !quoted => break,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                quoted ^= c == '"';
                word.push(c);
            }
        }
    }
    if quoted {
        return Err("a text has no closing quote".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// The words that a step has left.
struct Words<'a> {
    words: &'a [String],
}

impl<'a> Words<'a> {
    /// The next word, which must be there.
    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.maybe().ok_or_else(|| format!("{what} is missing"))
    }

    fn maybe(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// Whether the next word is this one, which is then taken.
    fn takes(&mut self, word: &str) -> bool {
        let next = self.words.first().is_some_and(|next| next == word);
        if next {
            self.words = &self.words[1..];
        }
        next
    }

    fn end(&self) -> Result<(), String> {
        match self.words.first() {
            Some(word) => Err(format!("`{word}` is one word too many")),
            None => Ok(()),
        }
    }
}

fn action(first: &str, words: &mut Words<'_>) -> Result<Action, String> {
    Ok(match first {
        "open" => open(words)?,
        "close" => Action::Close {
            file: words.next("the file's name")?.to_owned(),
        },
        "start" => {
            let name = words.next("the request's name")?.to_owned();
            let kind = words.next("`control`, `read` or `write`")?;
            send(Some(name), kind, words)?
        }
        "control" | "read" | "write" => send(None, first, words)?,
        "wait" => Action::Wait {
            name: words.next("the request's name")?.to_owned(),
        },
        "cancel" => Action::Cancel {
            name: words.next("the request's name")?.to_owned(),
        },
        "expect" => Action::Expect {
            statuses: words
                .next("a status")?
                .split('|')
                .map(status)
                .collect::<Result<_, _>>()?,
            output: words.maybe().map(bytes).transpose()?,
        },
        "sleep" => Action::Sleep(time(words.next("how long")?)?),
        "device" => Action::Device {
            event: device_event(words.next("what happens to the device")?)?,
            slot: match words.maybe() {
                Some(slot) => narrow(slot)? as usize,
                None => 0,
            },
        },
        other => {
            return Err(format!(
                "`{other}` is no step: open, close, control, read, write, start, wait, cancel, expect, \
                 sleep or device begins one"
            ));
        }
    })
}

fn open(words: &mut Words<'_>) -> Result<Action, String> {
    let file = words.next("a name for the file")?.to_owned();
    let interface = interface(words.next("the device interface's GUID")?)?;
    let mut instance = 0;
    let mut access = Access(Access::GENERIC_READ.0 | Access::GENERIC_WRITE.0);
    while let Some(word) = words.maybe() {
        match word {
            "read" => access = Access::GENERIC_READ,
            "write" => access = Access::GENERIC_WRITE,
            "read-write" => {}
            "none" => access = Access(0),
            number => instance = narrow(number)?,
        }
    }
    Ok(Action::Open {
        file,
        interface,
        instance,
        access,
    })
}

fn send(name: Option<String>, kind: &str, words: &mut Words<'_>) -> Result<Action, String> {
    let file = words.next("the file's name")?.to_owned();
    let operation = match kind {
        "control" => {
            let code = narrow(words.next("the control code")?)?;
            let input = if words.takes("in") {
                bytes(words.next("the input's bytes")?)?
            } else {
                Vec::new()
            };
            let output_length = if words.takes("out") {
                narrow(words.next("the output's length")?)?
            } else {
                0
            };
            Operation::Control {
                code,
                input,
                output_length,
            }
        }
        "read" => Operation::Read {
            length: narrow(words.next("how many bytes")?)?,
            offset: offset(words)?,
        },
        "write" => Operation::Write {
            data: bytes(words.next("the bytes")?)?,
            offset: offset(words)?,
        },
        other => {
            return Err(format!(
                "`{other}` is no request: control, read or write is"
            ));
        }
    };
    Ok(Action::Send {
        name,
        file,
        operation,
    })
}

fn offset(words: &mut Words<'_>) -> Result<u64, String> {
    if words.takes("at") {
        number(words.next("the offset")?)
    } else {
        Ok(0)
    }
}

fn device_event(word: &str) -> Result<DeviceEvent, String> {
    Ok(match word {
        "stop" => DeviceEvent::Stop,
        "start" => DeviceEvent::Start,
        "sleep" => DeviceEvent::Sleep,
        "wake" => DeviceEvent::Wake,
        "remove" => DeviceEvent::Remove,
        "surprise-remove" => DeviceEvent::SurpriseRemove,
        other => {
            return Err(format!(
                "`{other}` happens to no device: stop, start, sleep, wake, remove or surprise-remove does"
            ));
        }
    })
}

fn number(word: &str) -> Result<u64, String> {
    let parsed = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => word.parse(),
    };
    parsed.map_err(|error| format!("`{word}` is no number: {error}"))
}

fn narrow(word: &str) -> Result<u32, String> {
    u32::try_from(number(word)?).map_err(|_| format!("`{word}` has more than 32 bits"))
}

fn status(word: &str) -> Result<NtStatus, String> {
    if word == "success" {
        return Ok(NtStatus::SUCCESS);
    }
    narrow(word).map(NtStatus)
}

fn time(word: &str) -> Result<Duration, String> {
    for (unit, micros) in [("us", 1), ("ms", 1000), ("s", 1_000_000)] {
        if let Some(digits) = word.strip_suffix(unit) {
            return Ok(Duration::from_micros(
                number(digits)?.saturating_mul(micros),
            ));
        }
    }
    Err(format!("`{word}` is no time: write 10us, 5ms or 1s"))
}

/// A GUID as it is written, with or without its braces.
#[expect(
    clippy::cast_possible_truncation,
    reason = "each part of a GUID is some of its bits"
)]
fn interface(word: &str) -> Result<InterfaceId, String> {
    let problem = || format!("`{word}` is no GUID: write {{01234567-89AB-CDEF-0123-456789ABCDEF}}");
    let text = word.trim_start_matches('{').trim_end_matches('}');
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !parts.concat().bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(problem());
    }
    let value = u128::from_str_radix(&parts.concat(), 16).map_err(|_| problem())?;
    let (data1, data2, data3) = (
        (value >> 96) as u32,
        (value >> 80) as u16,
        (value >> 64) as u16,
    );
    let tail = (value as u64).to_be_bytes();
    Ok(InterfaceId::new(data1, data2, data3, tail))
}

fn bytes(word: &str) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let mut rest = word;
    loop {
        let end = match rest.strip_prefix('"') {
            Some(text) => 2 + text.find('"').ok_or("a text has no closing quote")?,
            None => rest.find('+').unwrap_or(rest.len()),
        };
        all.extend(piece(&rest[..end])?);
        rest = &rest[end..];
        match rest.strip_prefix('+') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(all),
            None => return Err(format!("`{rest}` is joined to what is before it by a `+`")),
        }
    }
}

/// One piece of bytes.
fn piece(text: &str) -> Result<Vec<u8>, String> {
    if let Some(text) = text.strip_prefix('"') {
        return Ok(text.trim_end_matches('"').as_bytes().to_vec());
    }
    if let Some(count) = text.strip_prefix("zero:") {
        let count = number(count)?;
        if count > MOST_ZEROS {
            return Err(format!("a request takes {MOST_ZEROS} bytes at most"));
        }
        return Ok(vec![0; usize::try_from(count).unwrap_or_default()]);
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().ok_or_else(|| {
        format!("`{text}` is no bytes: write hexadecimal pairs (01020304), \"text\" or zero:16")
    })
}

/// What the steps so far have made.
#[derive(Debug, Default)]
struct Names {
    files: BTreeSet<String>,
    requests: BTreeSet<String>,
}

impl Names {
    /// Whether a step names what there is.
    fn check(&mut self, action: &Action) -> Result<(), String> {
        let known = |names: &BTreeSet<String>, name: &str, what, makes| {
            if names.contains(name) {
                Ok(())
            } else {
                Err(format!(
                    "there is no {what} `{name}`: `{makes} {name} …` makes one"
                ))
            }
        };
        match action {
            Action::Open { file, .. } => {
                self.files.insert(file.clone());
            }
            Action::Close { file } => known(&self.files, file, "file", "open")?,
            Action::Send { name, file, .. } => {
                known(&self.files, file, "file", "open")?;
                self.requests.extend(name.clone());
            }
            Action::Wait { name } | Action::Cancel { name } => {
                known(&self.requests, name, "request", "start")?;
            }
            Action::Expect { .. } | Action::Sleep(_) | Action::Device { .. } => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Script, *};

    const GUID: &str = "{01234567-89AB-CDEF-0123-456789ABCDEF}";

    #[test]
    fn a_script_is_its_steps() {
        let text = format!(
            "# a comment\nopen f {GUID} 1 read\n\nstart r control f 0x222000 in 0102+\"a b\" out 8 # more\n\
             cancel r\nwait r\nexpect 0xC0000120\nsleep 5ms\ndevice surprise-remove\n"
        );
        let script = Script::parse(&text).expect("a script");
        let lines: Vec<_> = script.steps.iter().map(|step| step.line).collect();
        assert_eq!(lines, [2, 4, 5, 6, 7, 8, 9]);
        assert_eq!(
            script.steps[0].action,
            Action::Open {
                file: "f".into(),
                interface: InterfaceId::new(
                    0x0123_4567,
                    0x89AB,
                    0xCDEF,
                    [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF]
                ),
                instance: 1,
                access: Access::GENERIC_READ,
            }
        );
        assert_eq!(
            script.steps[1].action,
            Action::Send {
                name: Some("r".into()),
                file: "f".into(),
                operation: Operation::Control {
                    code: 0x22_2000,
                    input: vec![1, 2, b'a', b' ', b'b'],
                    output_length: 8,
                },
            }
        );
        assert_eq!(
            script.steps[5].action,
            Action::Sleep(Duration::from_millis(5))
        );
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_with_its_number() {
        let of = |text: &str| Script::parse(text).expect_err("refused").to_string();
        assert_eq!(
            of("\nread f 4"),
            "line 2: there is no file `f`: `open f …` makes one"
        );
        assert!(of("jump").contains("`jump` is no step"));
        assert!(of("open f 1234").contains("no GUID"));
        let with = |line: &str| of(&format!("open f {GUID}\n{line}"));
        assert!(with("write f 012").contains("hexadecimal pairs"));
        assert!(with("write f \"abc").contains("no closing quote"));
        assert!(with("read f").contains("how many bytes is missing"));
        assert!(with("read f 4 5").contains("one word too many"));
        assert!(with("wait r").contains("no request `r`"));
        assert!(with("sleep 5").contains("no time"));
        assert!(with("write f zero:99999999999").contains("at most"));
    }
}
