//! What the guest answers, as far as it is looked at.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// A program that ran.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Run {
    /// Its exit code; nothing where it did not end in time.
    pub exit: Option<i64>,
    /// How long it took.
    pub seconds: f64,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub errors: String,
}

impl Run {
    /// Its lines of JSON.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        self.output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The end of what it said, in one line.
    #[must_use]
    pub fn last_words(&self) -> String {
        let said: Vec<_> = self.output.lines().chain(self.errors.lines()).collect();
        let said = said
            .iter()
            .map(|line| line.trim())
            .filter(|line| !line.is_empty());
        let mut last: Vec<_> = said.rev().take(4).collect();
        last.reverse();
        last.join(" / ").chars().take(600).collect()
    }
}

/// A device as Windows has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// Its instance id.
    pub instance: String,
    /// OK, Error, …
    pub status: String,
    /// The problem code, if there is one.
    pub problem: Option<u32>,
    /// The service that drives it.
    pub service: Option<String>,
    /// The version of the driver package.
    pub version: Option<String>,
}

impl Device {
    /// Whether our driver runs it.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.status == "OK"
            && self.problem.unwrap_or(0) == 0
            && self.service.as_deref() == Some("edu_kmdf")
    }
}

/// Bug checks of this installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Crashes {
    /// Memory dumps.
    pub dumps: Vec<String>,
    /// What Windows logged of each.
    pub events: Vec<String>,
}

impl Crashes {
    /// Whether there were any.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.dumps.is_empty() || !self.events.is_empty()
    }
}

/// The answer in its form.
///
/// # Errors
/// It has another.
pub fn read<T: for<'a> Deserialize<'a>>(value: Value) -> Result<T, Error> {
    let text = value.to_string();
    serde_json::from_value(value).map_err(|error| Error::Protocol(format!("{error}: {text:.200}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_runs_only_without_a_problem_and_with_our_driver() {
        let device = |status: &str, problem, service: Option<&str>| Device {
            instance: "PCI".into(),
            status: status.into(),
            problem,
            service: service.map(Into::into),
            version: None,
        };
        assert!(device("OK", Some(0), Some("edu_kmdf")).runs());
        assert!(device("OK", None, Some("edu_kmdf")).runs());
        assert!(!device("Error", Some(10), Some("edu_kmdf")).runs());
        assert!(!device("OK", Some(10), Some("edu_kmdf")).runs());
        assert!(!device("OK", None, Some("other")).runs());
        assert!(!device("OK", None, None).runs());
    }
}
