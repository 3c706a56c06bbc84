//! The driver that uses what the shipped drivers leave out of `kmdf`: where it is, what it is asked, and what happens to
//! it in explorations.
#![cfg(unix)]

mod scenario;

use std::{env, path::PathBuf};

use edu_lab::EduModel;
use edu_model::{Config, Messages};
use kmdf_host::{Driver, Interrupts, Operation, install::RegistryValue};

pub use scenario::scenarios;

/// The class of the device's interface, in memory order.
pub const INTERFACE: [u8; 16] = [
    0x34, 0x9A, 0x1E, 0x5B, 0x0D, 0x7C, 0x62, 0x4F, 0x8E, 0x57, 0x2D, 0x9C, 0x13, 0xA4, 0xF0, 0xB6,
];
/// `FILE_READ_DATA | FILE_WRITE_DATA`
pub const READ_WRITE: u32 = 3;
/// Two causes that software raises.
pub const SOFTWARE: u32 = 0x8;
/// The second.
pub const OTHER: u32 = 0x40;

/// The driver that `sh scripts/build-driver.sh` makes, or the one that the environment variable `KMDF_LAYER_SYS` names.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn driver() -> Driver {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let image = env::var_os("KMDF_LAYER_SYS").map_or_else(
        || root.join("target/cross/x86_64/kmdf_layer.sys"),
        PathBuf::from,
    );
    assert!(
        image.is_file(),
        "{} is not there; `sh scripts/build-driver.sh --package kmdf_layer` makes it",
        image.display()
    );
    Driver {
        image,
        symbols: None,
        inf: root.join("tests/layer/driver/kmdf_layer.inx"),
    }
}

/// An edu that can send two messages.
#[must_use]
pub fn device() -> EduModel {
    EduModel::new(Config {
        messages: Messages::Two,
        ..Config::default()
    })
}

/// How the driver handles interrupts; its numbers are those of the key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The ISR at DIRQL, the work in a DPC.
    Dirql,
    /// The ISR at DIRQL, the work in a work item.
    DirqlWorkItem,
    /// The ISR at PASSIVE_LEVEL, the work in a work item.
    PassiveWorkItem,
    /// The ISR at PASSIVE_LEVEL, the work in a DPC.
    PassiveDpc,
}

impl Handling {
    /// Whether the ISR runs at PASSIVE_LEVEL.
    #[must_use]
    pub const fn is_passive(self) -> bool {
        matches!(self, Self::PassiveWorkItem | Self::PassiveDpc)
    }

    /// The callback that does the work.
    #[must_use]
    pub const fn deferred(self) -> &'static str {
        match self {
            Self::Dirql | Self::PassiveDpc => "EvtInterruptDpc",
            Self::DirqlWorkItem | Self::PassiveWorkItem => "EvtInterruptWorkItem",
        }
    }
}

/// A way to interrupt.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// How interrupts are handled.
    pub handling: Handling,
    /// Which are granted.
    pub interrupts: Interrupts,
    /// Whether the objects are created in EvtDevicePrepareHardware.
    pub late: bool,
    /// Whether they are only reported to be inactive when the device leaves D0.
    pub soft: bool,
}

impl Way {
    /// All of them: messages are not handled at PASSIVE_LEVEL.
    pub fn all() -> impl Iterator<Item = Self> {
        let handlings = [
            (Handling::Dirql, Interrupts::AsInstalled),
            (Handling::Dirql, Interrupts::OneMessage),
            (Handling::Dirql, Interrupts::Line),
            (Handling::DirqlWorkItem, Interrupts::AsInstalled),
            (Handling::DirqlWorkItem, Interrupts::Line),
            (Handling::PassiveWorkItem, Interrupts::Line),
            (Handling::PassiveDpc, Interrupts::Line),
        ];
        handlings.into_iter().flat_map(|(handling, interrupts)| {
            [(false, false), (true, false), (false, true), (true, true)].map(|(late, soft)| Self {
                handling,
                interrupts,
                late,
                soft,
            })
        })
    }

    /// The values of the hardware key.
    #[must_use]
    pub fn values(self) -> Vec<(&'static str, RegistryValue)> {
        let value = |name, value| (name, RegistryValue::Dword(value));
        vec![
            value("Handling", self.handling as u32),
            value("Late", self.late.into()),
            value("Soft", self.soft.into()),
        ]
    }
}

/// What the driver is asked.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// To raise causes; output: what was serviced.
    Raise(u32),
    /// To say whether interrupts are expected.
    Report(bool),
    /// To end the request in so many milliseconds by timer, DPC and work item; output: how often the last ran.
    Timer(u32),
    /// What it has seen: [`Seen`].
    Seen,
    /// To break a rule: 0, it drops a request; 1, it drops a cancelable one.
    Misuse(u32),
}

impl Ask {
    /// The request.
    #[must_use]
    pub fn request(self) -> Operation {
        const FILE_DEVICE_UNKNOWN: u32 = 0x22;
        let (function, input, output_length) = match self {
            Self::Raise(causes) => (0x800, causes, 4),
            Self::Report(active) => (0x801, active.into(), 0),
            Self::Timer(milliseconds) => (0x802, milliseconds, 4),
            Self::Seen => (0x803, 0, size_of::<Seen>()),
            Self::Misuse(rule) => (0x804, rule, 0),
        };
        Operation::Control {
            code: FILE_DEVICE_UNKNOWN << 16 | function << 2,
            input: input.to_le_bytes().to_vec(),
            output_length,
        }
    }
}

/// `Seen` of the driver: see there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Runs of EvtInterruptDpc or EvtInterruptWorkItem.
    pub deferred: u32,
    /// Runs of the timer, the DPC and the work item.
    pub ran: [u32; 3],
    /// The sum of a list.
    pub squares: u32,
    /// Interrupt resources that can wake the device.
    pub wake: u32,
    /// The messages that came, one bit each, before the device was released last.
    pub messages: u32,
    /// Calls of EvtInterruptEnable and EvtInterruptDisable before that.
    pub enabled: [u32; 2],
    /// How many locks were taken by a proof that was kept too long.
    pub kept: u32,
}

impl Seen {
    /// The output of [`Ask::Seen`].
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn read(output: &[u8]) -> Self {
        let (words, []) = output.as_chunks::<4>() else {
            panic!("{output:?} is no Seen");
        };
        let words: Vec<u32> = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
        let &[
            deferred,
            timer,
            dpc,
            work,
            squares,
            wake,
            messages,
            on,
            off,
            kept,
        ] = &words[..]
        else {
            panic!("{output:?} is no Seen");
        };
        Self {
            deferred,
            ran: [timer, dpc, work],
            squares,
            wake,
            messages,
            enabled: [on, off],
            kept,
        }
    }
}
