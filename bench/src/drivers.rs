//! The drivers, and the app that uses them.

use std::{path::PathBuf, sync::Arc};

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::{interface::DEVICE_INTERFACE, ioctl, registers};
use kmdf_host::{
    BootError, Driver, Operation,
    device::{PciFunction, Width},
    explore::{Scenario, Stage, Target, Wrong},
};
use kmdf_teeth::{found, scenarios};

/// `FILE_READ_DATA | FILE_WRITE_DATA`
const READ_WRITE: u32 = 3;
/// What is computed: 5! = 120.
const OPERAND: u32 = 5;
const RESULT: u32 = 120;
/// A cause that only software raises.
const CAUSE: u64 = 0x8;

/// A driver for edu that computes factorials.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name in a table.
    pub name: &'static str,
    /// Its files.
    pub driver: Driver,
    /// The class of its interface.
    pub class: [u8; 16],
    /// Its control code for a factorial.
    pub code: u32,
}

/// The two drivers: the one in Rust, and the one in C.
#[must_use]
pub fn all() -> [Subject; 2] {
    let root = found::root();
    let file = |variable: &str, otherwise: &str| {
        std::env::var_os(variable).map_or_else(|| root.join(otherwise), PathBuf::from)
    };
    let mut class = [0; 16];
    class[..4].copy_from_slice(&DEVICE_INTERFACE.data1.to_le_bytes());
    class[4..6].copy_from_slice(&DEVICE_INTERFACE.data2.to_le_bytes());
    class[6..8].copy_from_slice(&DEVICE_INTERFACE.data3.to_le_bytes());
    class[8..].copy_from_slice(&DEVICE_INTERFACE.data4);
    [
        Subject {
            name: "edu_kmdf.sys (Rust)",
            driver: Driver {
                image: file("EDU_KMDF_SYS", "target/cross/x86_64/edu_kmdf.sys"),
                symbols: None,
                inf: root.join("inf/edu_kmdf.inx"),
            },
            class,
            code: ioctl::FACTORIAL,
        },
        Subject {
            name: "teeth.sys (C)",
            driver: Driver {
                image: file(found::VARIABLE, found::IMAGE),
                symbols: None,
                inf: root.join(found::INF),
            },
            class: scenarios::CLASS,
            code: scenarios::FACTORIAL,
        },
    ]
}

impl Subject {
    /// The driver, read for many runs on two processors.
    ///
    /// # Errors
    /// Its files cannot be used; the message says which.
    pub fn target(&self) -> Result<Target, BootError> {
        Target::read(self.driver.clone(), 2, Vec::new())
    }

    /// That many factorials, one after the other.
    #[must_use]
    pub fn requests(&self, requests: u32) -> Arc<dyn Scenario> {
        self.scenario(requests, 0)
    }

    /// That many interrupts for a cause that only software raises, one after the other.
    #[must_use]
    pub fn interrupts(&self, interrupts: u32) -> Arc<dyn Scenario> {
        self.scenario(0, interrupts)
    }

    fn scenario(&self, requests: u32, interrupts: u32) -> Arc<dyn Scenario> {
        Arc::new(Factorials {
            class: self.class,
            code: self.code,
            requests,
            interrupts,
        })
    }
}

struct Factorials {
    class: [u8; 16],
    code: u32,
    requests: u32,
    interrupts: u32,
}

impl Scenario for Factorials {
    fn name(&self) -> &'static str {
        "factorials"
    }

    fn about(&self) -> &'static str {
        "factorials, one after the other"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        vec![Box::new(EduModel::new(Config::default()))]
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        for _ in 0..self.interrupts {
            let offset = registers::offset::INTERRUPT_RAISE as u64;
            stage.host().poke(0, 0, offset, Width::Dword, CAUSE);
            stage.run_for(2)?;
        }
        let file = stage.open(self.class, 0, READ_WRITE)?;
        for _ in 0..self.requests {
            let irp = stage.submit(
                &file,
                Operation::Control {
                    code: self.code,
                    input: OPERAND.to_le_bytes().to_vec(),
                    output_length: size_of::<u32>(),
                },
            );
            let outcome = stage.wait(&irp)?;
            stage.expect("the factorial", &outcome, &RESULT.to_le_bytes(), &[])?;
        }
        Ok(())
    }
}
