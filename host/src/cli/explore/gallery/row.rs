//! A driver of a gallery: what is seen of it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kmdf_bus::PciFunction;
use kmdf_explore::{Finding, Runs, Scenario, Target, explore};
use kmdf_framework::needs::Needs;
use kmdf_machine::Parts;
use kmdf_session::{BootError, Session};

use super::{
    super::{
        super::{Devices, Exit, machine::make_device, quoted},
        common::Common,
        progress::Bar,
        scripts::Scripts,
    },
    list::Entry,
    steps::{EXPLORED, STEPS, Step},
};

/// A row of the table.
pub(super) struct Row {
    pub(super) name: String,
    /// The KMDF version, and how many of its functions are played of how many; or why the image is refused.
    pub(super) image: Result<(String, usize, usize), String>,
    /// What it needs that is not played.
    pub(super) missing: Vec<String>,
    /// How many notes there are about its INF; `None` without an INF.
    pub(super) installed: Result<Option<usize>, String>,
    pub(super) notes: Vec<String>,
    /// For each step the numbers of the findings; `None` where there is nothing to do.
    pub(super) steps: Vec<Option<Vec<usize>>>,
    /// The same for schedules and for failing calls, with how many of them there were.
    pub(super) schedules: Option<(u64, Vec<usize>)>,
    pub(super) failing: Option<(u64, Vec<usize>)>,
    pub(super) findings: Vec<Found>,
}

/// A fault, once for a driver.
pub(super) struct Found {
    key: String,
    /// What went wrong, as a run reports it.
    pub(super) text: String,
    pub(super) replay: String,
    pub(super) exit: Exit,
}

/// What all drivers of a list share.
pub(super) struct Plan<'a> {
    pub(super) program: &'a str,
    pub(super) devices: &'static dyn Devices,
    /// Where scripts are written.
    pub(super) directory: &'a Path,
    pub(super) seeds: u64,
    pub(super) threads: usize,
}

impl Row {
    fn new(name: String) -> Self {
        Self {
            name,
            image: Err(String::new()),
            missing: Vec::new(),
            installed: Ok(None),
            notes: Vec::new(),
            steps: vec![None; STEPS.len()],
            schedules: None,
            failing: None,
            findings: Vec::new(),
        }
    }

    /// The numbers, from 1 on, of these findings among those of the driver.
    fn number(&mut self, findings: &[Finding], plan: &Plan<'_>, common: &Common) -> Vec<usize> {
        let mut numbers = Vec::new();
        for finding in findings {
            let key = finding.key();
            let known = self.findings.iter().position(|found| found.key == key);
            let index = known.unwrap_or_else(|| {
                self.findings.push(Found {
                    key,
                    text: finding.wrong.to_string(),
                    replay: common.replay_command(plan.program, finding),
                    exit: Exit::of_wrong(&finding.wrong),
                });
                self.findings.len() - 1
            });
            if !numbers.contains(&(index + 1)) {
                numbers.push(index + 1);
            }
        }
        numbers
    }
}

/// Makes the row of a driver: an error is none of the driver's.
pub(super) fn make(entry: &Entry, plan: &Plan<'_>, bar: &Bar) -> Result<Row, String> {
    let common = &entry.common;
    let name = common.driver.file_stem().unwrap_or_default();
    let mut row = Row::new(name.to_string_lossy().into_owned());
    let target = match common.target() {
        Ok(target) => target,
        Err(error) => {
            row.image = Err(error.to_string().trim_end().to_owned());
            return Ok(row);
        }
    };
    let image = &target.files().image;
    let needs = Needs::of(image);
    let all = needs.imports.len() + needs.framework.len();
    row.missing = needs
        .missing()
        .map(|need| format!("{}!{}", need.library, need.name))
        .collect();
    let version = image
        .bind_info()
        .map_or_else(String::new, |info| format!("{}.{}", info.major, info.minor));
    row.image = Ok((version, all - row.missing.len(), all));
    if common.inf.is_some() {
        install(&mut row, &target, common, plan)?;
        if row.installed.is_err() {
            return Ok(row);
        }
    }
    let script = common.scripts.script.first();
    let has_device = !common.scripts.device.is_empty();
    for (index, step) in STEPS.iter().enumerate() {
        if step.applies(has_device, script.is_some()) {
            let common = of_step(common, step, &row.name, plan)?;
            let found = run(&target, &common, plan, &Runs::default(), bar)?;
            row.steps[index] = Some(row.number(&found.findings, plan, &common));
        }
    }
    let explored = if script.is_some() { EXPLORED } else { 0 };
    let common = of_step(common, &STEPS[explored], &row.name, plan)?;
    let seeds = Runs {
        seeds: 0..plan.seeds,
        ..Runs::default()
    };
    let found = run(&target, &common, plan, &seeds, bar)?;
    row.schedules = Some((found.schedules, row.number(&found.findings, plan, &common)));
    let failing = Runs {
        fail_calls: true,
        ..Runs::default()
    };
    let found = run(&target, &common, plan, &failing, bar)?;
    row.failing = Some((
        found.failed_calls,
        row.number(&found.findings, plan, &common),
    ));
    Ok(row)
}

/// Looks at what the INF says, for the driver's devices.
fn install(row: &mut Row, target: &Target, common: &Common, plan: &Plan<'_>) -> Result<(), String> {
    let mut functions: Vec<Box<dyn PciFunction>> = Vec::new();
    for spec in &common.scripts.device {
        let made = make_device(spec, plan.devices);
        functions.push(made.map_err(|error| format!("{}: {error}", row.name))?);
    }
    let machine = Parts {
        functions,
        ..Parts::default()
    };
    match Session::install(target.files(), machine, common.scripts.interrupts.into()) {
        Ok(session) => {
            for device in session.installed() {
                for finding in &device.installation.not_isolated {
                    let line = finding
                        .line
                        .map_or_else(String::new, |line| format!("line {line}: "));
                    row.notes
                        .push(format!("{line}{} {}", finding.rule, finding.text));
                }
            }
            row.installed = Ok(Some(row.notes.len()));
        }
        Err(BootError::NoDevice) => {
            row.installed = Err("the list names no device for its INF".to_owned());
        }
        Err(error) => row.installed = Err(error.to_string().trim_end().to_owned()),
    }
    Ok(())
}

/// The options of `replay` for a step.
fn of_step(common: &Common, step: &Step, driver: &str, plan: &Plan<'_>) -> Result<Common, String> {
    let script = common.scripts.script.first().map(PathBuf::as_path);
    let written = step
        .write(plan.directory, driver, script)
        .map_err(|error| format!("{}: {error}", quoted(&plan.directory.to_string_lossy())))?;
    Ok(Common {
        driver: common.driver.clone(),
        inf: common.inf.clone(),
        pdb: common.pdb.clone(),
        processors: common.processors,
        registry: common.registry.clone(),
        scripts: Scripts {
            script: vec![written],
            device: common.scripts.device.clone(),
            interrupts: common.scripts.interrupts,
            shared_line: common.scripts.shared_line,
            user: common.scripts.user,
        },
        json: false,
    })
}

/// Makes runs of a step.
fn run(
    target: &Target,
    common: &Common,
    plan: &Plan<'_>,
    runs: &Runs,
    bar: &Bar,
) -> Result<kmdf_explore::Explored, String> {
    let scenarios: Vec<Arc<dyn Scenario>> = common.select(plan.devices, &[])?;
    let runs = Runs {
        each_once: true,
        threads: plan.threads,
        ..runs.clone()
    };
    Ok(explore(
        target,
        &scenarios,
        &runs,
        &mut |name, what, done, of| {
            bar.show(name, what, done, of);
        },
    ))
}
