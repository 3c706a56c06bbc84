//! The drivers, and the app that uses them.

use std::{path::PathBuf, sync::Arc};

use edu_lab::{EduModel, raise_cause};
use edu_model::Config;
use edu_spec::{interface::DEVICE_INTERFACE, ioctl};
use kmdf_host::{
    BootError, Driver, Operation,
    device::PciFunction,
    explore::{Explored, Runs, Scenario, Stage, Target, Wrong, explore},
};
use kmdf_teeth::{found, scenarios};

/// `FILE_READ_DATA | FILE_WRITE_DATA`
const READ_WRITE: u32 = 3;
/// What is computed: 5! = 120.
const OPERAND: u32 = 5;
const RESULT: u32 = 120;

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
    [
        Subject {
            name: "edu_kmdf.sys (Rust)",
            driver: Driver {
                image: file("EDU_KMDF_SYS", "target/cross/x86_64/edu_kmdf.sys"),
                symbols: None,
                inf: root.join("inf/edu_kmdf.inx"),
            },
            class: DEVICE_INTERFACE.to_bytes(),
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

/// Explores one scenario on one thread.
///
/// # Errors
/// The first finding.
pub fn explore_alone(
    target: &Target,
    scenario: &Arc<dyn Scenario>,
    runs: Runs,
) -> Result<Explored, Wrong> {
    let runs = Runs { threads: 1, ..runs };
    let scenarios = std::slice::from_ref(scenario);
    let mut explored = explore(target, scenarios, &runs, &mut |_, _, _, _| {});
    if explored.findings.is_empty() {
        Ok(explored)
    } else {
        Err(explored.findings.swap_remove(0).wrong)
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
            raise_cause(stage.host());
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
