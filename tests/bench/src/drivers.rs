//! The drivers, and the app that uses them.

use std::{path::PathBuf, rc::Rc, sync::Arc};

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    registers::{Causes, offset},
};
use kmdf_host::{
    BootError, Driver, File, Operation, Session,
    device::{PciFunction, Width},
    explore::{Explored, Runs, Scenario, Stage, Target, Wrong, explore},
};
use kmdf_teeth::{found, scenarios};

/// `FILE_READ_DATA | FILE_WRITE_DATA`
const READ_WRITE: u32 = 3;
/// `GUID_TWIN` of twin/driver.c, as its bytes lie in memory.
const TWIN_CLASS: [u8; 16] = [
    0x1E, 0x6C, 0x0F, 0x2F, 0x8B, 0x6D, 0x57, 0x4B, 0x9A, 0x39, 0x55, 0xC1, 0xD1, 0xA3, 0xE7, 0xB4,
];
/// What is computed: 5! = 120.
pub(crate) const OPERAND: u32 = 5;
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

/// All three.
#[must_use]
pub fn all() -> [Subject; 3] {
    [rust(), twin(), floor()]
}

/// The Rust driver.
#[must_use]
pub fn rust() -> Subject {
    Subject {
        name: "edu_kmdf.sys (Rust)",
        driver: files(
            "EDU_KMDF_SYS",
            "target/cross/x86_64/edu_kmdf.sys",
            "inf/edu_kmdf.inx",
        ),
        class: DEVICE_INTERFACE.to_bytes(),
        code: ioctl::FACTORIAL,
    }
}

/// `tests/bench/twin/`: its way of a factorial and of an interrupt, translated to C.
#[must_use]
pub fn twin() -> Subject {
    Subject {
        name: "twin.sys (C)",
        driver: files(
            "EDU_TWIN_SYS",
            "target/cross/c/twin.sys",
            "tests/bench/twin/twin.inx",
        ),
        class: TWIN_CLASS,
        code: ioctl::FACTORIAL,
    }
}

/// `tests/teeth/` without a defect: a driver in C that does with the device what must be done, and no more.
#[must_use]
pub fn floor() -> Subject {
    Subject {
        name: "teeth.sys (C)",
        driver: files(found::VARIABLE, found::IMAGE, found::INF),
        class: scenarios::CLASS,
        code: scenarios::FACTORIAL,
    }
}

/// The image that a variable names, or the one at its place below the root of the repository.
fn files(variable: &str, image: &str, inf: &str) -> Driver {
    let root = found::root();
    Driver {
        image: std::env::var_os(variable).map_or_else(|| root.join(image), PathBuf::from),
        symbols: None,
        inf: root.join(inf),
    }
}

impl Subject {
    /// The driver, read for many runs on two processors.
    ///
    /// # Errors
    /// Its files cannot be used; the message says which.
    pub fn target(&self) -> Result<Target, BootError> {
        Target::read(self.driver.clone(), 2, Vec::new())
    }

    /// Opens its device.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self, session: &Session) -> Result<Rc<File>, Wrong> {
        let opened = session.open(self.class, READ_WRITE);
        opened.map_err(|status| Wrong::Unexpected(format!("opening the device: {status}")))
    }

    /// Has it compute a factorial.
    ///
    /// # Errors
    /// The run stopped, or the result is wrong.
    pub fn request(&self, session: &Session, file: &File) -> Result<(), Wrong> {
        let outcome = session.request(file, factorial(self.code))?;
        if outcome.output == RESULT.to_le_bytes() {
            return Ok(());
        }
        let status = outcome.status;
        Err(Wrong::Unexpected(format!("the factorial: {status}")))
    }

    /// That many factorials, one after the other.
    #[must_use]
    pub fn requests(&self, requests: u32) -> Arc<dyn Scenario> {
        self.scenario(requests, 0, Causes::empty())
    }

    /// That many interrupts, one after the other, for the lowest of these causes.
    #[must_use]
    pub fn interrupts(&self, interrupts: u32, causes: Causes) -> Arc<dyn Scenario> {
        let bits = causes.bits();
        let lowest = Causes::from_bits_retain(bits & bits.wrapping_neg());
        self.scenario(0, interrupts, lowest)
    }

    fn scenario(&self, requests: u32, interrupts: u32, cause: Causes) -> Arc<dyn Scenario> {
        Arc::new(Factorials {
            class: self.class,
            code: self.code,
            requests,
            interrupts,
            cause,
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

/// A request for a factorial.
fn factorial(code: u32) -> Operation {
    Operation::Control {
        code,
        input: OPERAND.to_le_bytes().to_vec(),
        output_length: size_of::<u32>(),
    }
}

struct Factorials {
    class: [u8; 16],
    code: u32,
    requests: u32,
    interrupts: u32,
    /// What each of the interrupts is raised for.
    cause: Causes,
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
            let raise = offset::INTERRUPT_RAISE as u64;
            let cause = self.cause.bits().into();
            stage.host().poke(0, 0, raise, Width::Dword, cause);
            stage.run_for(2)?;
        }
        let file = stage.open(self.class, 0, READ_WRITE)?;
        for _ in 0..self.requests {
            let irp = stage.submit(&file, factorial(self.code));
            let outcome = stage.wait(&irp)?;
            stage.expect("the factorial", &outcome, &RESULT.to_le_bytes(), &[])?;
        }
        Ok(())
    }
}
