//! A recorded guest: what a guest says, and what the host must have said before.
//!
//! A recording is a text; each line begins with a mark:
//!
//! | mark | what |
//! | --- | --- |
//! | `#` | a comment |
//! | `=` | a stage begins: its name |
//! | `>` | the host must say this line |
//! | `<` | the guest says this line |
//! | `!` | the guest says no more, but its port stays open |

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{Error, machine::Machine, stage::Stage};

/// A guest of Windows that was never there: written after the protocol's definition.
pub const WRITTEN: &str = include_str!("../recorded/guest.txt");

/// The lines of a stage in a recording.
#[must_use]
pub fn of_stage(recording: &str, stage: Stage) -> Vec<String> {
    let begin = format!("= {stage}");
    recording
        .lines()
        .skip_while(|line| *line != begin)
        .skip(1)
        .take_while(|line| !line.starts_with('='))
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(Into::into)
        .collect()
}

/// Plays the guest's part on one end of a connection. The thread ends with what the host said wrong, if
/// anything.
#[must_use]
pub fn play(lines: Vec<String>, port: UnixStream) -> JoinHandle<Option<String>> {
    thread::spawn(move || {
        let mut port = BufReader::new(port);
        for line in lines {
            let (mark, text) = line.split_at(1);
            let text = text.strip_prefix(' ').unwrap_or(text);
            match mark {
                ">" => {
                    let mut said = String::new();
                    // A host that has ended says the rest elsewhere.
                    port.read_line(&mut said).ok().filter(|count| *count > 0)?;
                    if said.trim_end() != text {
                        return Some(format!("{:?} instead of {text:?}", said.trim_end()));
                    }
                }
                "!" => {
                    let mut rest = Vec::new();
                    let _ = port.read_to_end(&mut rest);
                }
                _ => {
                    let line = format!("{text}\r\n");
                    port.get_mut().write_all(line.as_bytes()).ok()?;
                }
            }
        }
        None
    })
}

/// A machine that does nothing, and notes what is asked of it.
#[derive(Debug, Default)]
pub struct Nothing {
    /// What was asked of it.
    pub asked: Vec<&'static str>,
}

impl Machine for Nothing {
    /// Windows lets the device go the first time, when no app is on it.
    fn device_del(&mut self, _: Duration) -> Result<bool, Error> {
        let first = !self.asked.contains(&"device_del");
        self.asked.push("device_del");
        Ok(first)
    }

    fn pull(&mut self) -> Result<(), Error> {
        self.asked.push("pull");
        Ok(())
    }

    fn plug(&mut self) -> Result<(), Error> {
        self.asked.push("plug");
        Ok(())
    }

    fn wait_for_end(&mut self, _: Duration) -> Result<(), Error> {
        self.asked.push("end");
        Ok(())
    }

    fn pause(&mut self, _: Duration) {}
}
