//! What eductl is asked in Windows, and what it must answer.

use serde_json::Value;

use crate::answers::Run;

/// The two packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Message-signaled interrupts, handled at DIRQL.
    Normal,
    /// The line-based interrupt, handled at `PASSIVE_LEVEL`.
    Passive,
}

impl Variant {
    /// Its name in stages, and its directory on the medium.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Passive => "passive",
        }
    }
}

/// A command line of eductl.
pub struct Command {
    /// The arguments.
    pub arguments: &'static str,
    /// How long it may take.
    pub seconds: u64,
    /// The exit code.
    pub exit: i64,
    /// What is wrong with its answer, of each line of JSON, the last one.
    wrong: fn(&Value, Variant) -> Option<String>,
}

/// Every command there is, in an order that has each find what it needs.
pub const COMMANDS: &[Command] = &[
    command("--help", 0, |_, _| None),
    command("info --json", 0, wrong_interrupts),
    command("liveness 0x12345678 --json", 0, |value, _| {
        must(value, "right", &true.into())
    }),
    command("factorial 12 --json", 0, |value, _| {
        must(value, "result", &479_001_600.into())
    }),
    command("raise 0x2 --json", 0, |value, _| {
        must(value, "causes", &2.into())
    }),
    // The event of the command before.
    command("wait --after 0 --timeout 10 --json", 0, |value, _| {
        must(value, "causes", &2.into())
    }),
    command("write 16 --hex c0ffee --json", 0, |value, _| {
        must(value, "bytes", &3.into())
    }),
    command("read 16 3 --json", 0, |value, _| {
        must(value, "data", &"c0ffee".into())
    }),
    command("cancel --json", 0, |value, _| {
        must(value, "usable", &true.into())
    }),
    command("watch --interval 200 --count 2 --json", 0, |value, _| {
        value
            .get("seconds")
            .is_none()
            .then(|| "it counts nothing".into())
    }),
    command("stats --json", 0, |value, _| {
        let interrupts = value.get("interrupts").and_then(Value::as_u64);
        (interrupts.unwrap_or(0) == 0).then(|| format!("interrupts is {interrupts:?}"))
    }),
    // A code that no driver has, and a command line that is wrong.
    command("control 0x80002000 --json", 4, |value, _| {
        value
            .get("error")
            .is_none()
            .then(|| "no error is told".into())
    }),
    command("factorial", 2, |_, _| None),
    Command {
        seconds: 300,
        ..command(
            "stress --count 10000 --depth 16 --threads 2 --json",
            0,
            right_stress,
        )
    },
];

/// What runs while the device is removed.
pub const LOAD: &str = "stress --count 1000000000 --depth 16 --threads 2 --json";

/// eductl's exit code where the device went away.
pub const REMOVED: i64 = 3;

const fn command(
    arguments: &'static str,
    exit: i64,
    wrong: fn(&Value, Variant) -> Option<String>,
) -> Command {
    Command {
        arguments,
        seconds: 60,
        exit,
        wrong,
    }
}

impl Command {
    /// What is wrong with how it ran.
    #[must_use]
    pub fn wrong(&self, run: &Run, variant: Variant) -> Option<String> {
        if let Some(wrong) = wrong_exit(run, self.exit, self.seconds) {
            return Some(wrong);
        }
        let is_json = self.arguments.contains("--json");
        let values = run.json();
        match values.last() {
            Some(value) => (self.wrong)(value, variant),
            None if is_json => Some(format!("it gives no JSON: {}", run.last_words())),
            None => None,
        }
    }
}

/// What is wrong with an exit code.
#[must_use]
pub fn wrong_exit(run: &Run, wanted: i64, seconds: u64) -> Option<String> {
    match run.exit {
        Some(exit) if exit == wanted => None,
        Some(exit) => Some(format!("exit code {exit}: {}", run.last_words())),
        None => Some(format!("not ended after {seconds} s: {}", run.last_words())),
    }
}

fn must(value: &Value, field: &str, wanted: &Value) -> Option<String> {
    let found = value.get(field).unwrap_or(&Value::Null);
    (found != wanted).then(|| format!("{field} is {found}, not {wanted}"))
}

/// The interrupts must be those that the package asks for.
fn wrong_interrupts(value: &Value, variant: Variant) -> Option<String> {
    let interrupts = value.get("interrupts").and_then(Value::as_array);
    let Some(interrupts) = interrupts.filter(|all| !all.is_empty()) else {
        return Some("no interrupt is connected".into());
    };
    interrupts.iter().find_map(|interrupt| {
        let messages = interrupt.get("message_signaled").and_then(Value::as_bool);
        let passive = interrupt.get("irql").and_then(Value::as_u64) == Some(0);
        let right = match variant {
            Variant::Normal => messages == Some(true) && !passive,
            Variant::Passive => messages == Some(false) && passive,
        };
        (!right).then(|| format!("an interrupt of the other package: {interrupt}"))
    })
}

fn right_stress(value: &Value, _: Variant) -> Option<String> {
    must(value, "completed", &10_000.into())
        .or_else(|| must(value, "right", &10_000.into()))
        .or_else(|| must(value, "compared", &true.into()))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn each_command_of_eductl_is_run() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-app/src/commands/mod.rs");
        let text = fs::read_to_string(file).expect("eductl's commands");
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.trim().split_once("=> \"")?.1.strip_suffix("\","))
            .collect();
        assert!(names.len() >= 12, "{names:?}");
        for name in names {
            let runs = |command: &Command| command.arguments.split(' ').next() == Some(name);
            assert!(COMMANDS.iter().any(runs), "eductl {name}");
        }
    }

    fn run(exit: i64, output: &str) -> Run {
        Run {
            exit: Some(exit),
            output: output.into(),
            ..Run::default()
        }
    }

    fn of(arguments: &str) -> &'static Command {
        COMMANDS
            .iter()
            .find(|command| command.arguments.starts_with(arguments))
            .expect("a command")
    }

    #[test]
    fn wrong_answers_are_told_from_right_ones() {
        for (arguments, right, wrong) in [
            ("liveness", r#"{"right":true}"#, r#"{"right":false}"#),
            (
                "factorial 12",
                r#"{"result":479001600}"#,
                r#"{"result":479001601}"#,
            ),
            ("raise", r#"{"causes":2}"#, r#"{"causes":3}"#),
            ("wait", r#"{"causes":2}"#, r#"{"error":{}}"#),
            ("write", r#"{"bytes":3}"#, r#"{"bytes":2}"#),
            ("read", r#"{"data":"c0ffee"}"#, r#"{"data":"000000"}"#),
            ("cancel", r#"{"usable":true}"#, r#"{"usable":false}"#),
            ("watch", r#"{"seconds":0.2}"#, r#"{"error":{}}"#),
            ("stats", r#"{"interrupts":1}"#, r#"{"interrupts":0}"#),
            (
                "stress",
                r#"{"completed":10000,"right":10000,"compared":true}"#,
                r#"{"completed":10000,"right":9999,"compared":true}"#,
            ),
            (
                "info",
                r#"{"interrupts":[{"message_signaled":true,"irql":7}]}"#,
                r#"{"interrupts":[{"message_signaled":false,"irql":7}]}"#,
            ),
        ] {
            let command = of(arguments);
            let judge = |exit, output| command.wrong(&run(exit, output), Variant::Normal);
            assert_eq!(judge(0, right), None, "{arguments}");
            assert!(judge(0, wrong).is_some(), "{arguments}");
            assert!(judge(1, right).is_some(), "{arguments}");
            assert!(judge(0, "").is_some(), "{arguments}");
        }
        let control = of("control");
        let error = run(4, r#"{"error":{}}"#);
        assert_eq!(control.wrong(&error, Variant::Normal), None);
        assert!(control.wrong(&run(0, "{}"), Variant::Normal).is_some());
        let hung = Run::default();
        assert!(control.wrong(&hung, Variant::Normal).is_some());
    }

    #[test]
    fn each_package_must_have_its_own_interrupts() {
        let line = run(0, r#"{"interrupts":[{"message_signaled":false,"irql":0}]}"#);
        let message = run(0, r#"{"interrupts":[{"message_signaled":true,"irql":7}]}"#);
        let none = run(0, r#"{"interrupts":[]}"#);
        let wrong = |run, variant| of("info").wrong(run, variant).is_some();
        assert!(!wrong(&line, Variant::Passive) && wrong(&line, Variant::Normal));
        assert!(wrong(&message, Variant::Passive) && !wrong(&message, Variant::Normal));
        assert!(wrong(&none, Variant::Passive) && wrong(&none, Variant::Normal));
    }
}
