//! What takes how long, on this machine, now. Nothing asserts it.

use std::time::{Duration, Instant};

use edu_lab::EduModel;
use edu_model::Config;
use kmdf_host::{
    Checks, File, Interrupts, Machine, Package, Session,
    device::PciFunction,
    explore::{Cause, Runs, Wrong},
};

use crate::drivers::{Subject, explore_alone};

/// How often what is short is measured.
const TIMES: usize = 100;
/// Seeds that are tried.
const SEEDS: u64 = 300;
/// Requests whose rate is measured in one run.
const REQUESTS: u32 = 200;

/// The middle one of many measurements, and the shortest.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: Duration,
    /// The minimum.
    pub minimum: Duration,
}

impl Spread {
    /// Of these measurements, one at least.
    #[must_use]
    pub fn of(mut taken: Vec<Duration>) -> Self {
        taken.sort();
        Self {
            median: taken[taken.len() / 2],
            minimum: taken[0],
        }
    }
}

/// What was measured of one driver.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Reading image, symbols and INF.
    pub read: Spread,
    /// Runs with the host's checks.
    pub checked: Run,
    /// The same without them, taken in turns with those.
    pub unchecked: Run,
    /// Runs a second with a schedule of a seed each.
    pub schedules: f64,
    /// Runs a second with an interrupt at one instruction boundary each.
    pub boundaries: f64,
    /// Boundaries visited a second, with an interrupt raised at each, in runs that visit all.
    pub raised: f64,
}

/// What a run takes on the model; the files are read.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// From nothing to the first completed request: a machine, install, load, start, open, request.
    pub first: Spread,
    /// One request of many that follow.
    pub request: Spread,
    /// Close, removal, unload.
    pub end: Spread,
}

impl Run {
    /// Runs a second of one request each: what the explorations are to be compared with.
    #[must_use]
    pub fn runs(&self) -> f64 {
        1.0 / (self.first.median + self.end.median).as_secs_f64()
    }
}

/// The times of many runs.
#[derive(Default)]
struct Taken {
    first: Vec<Duration>,
    request: Vec<Duration>,
    end: Vec<Duration>,
}

impl From<Taken> for Run {
    fn from(taken: Taken) -> Self {
        Self {
            first: Spread::of(taken.first),
            request: Spread::of(taken.request),
            end: Spread::of(taken.end),
        }
    }
}

/// Measures one driver, on one thread.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn measure(subject: &Subject) -> Result<Times, Wrong> {
    let target = subject.target()?;
    let one = subject.requests(1);
    let explored = |runs| explore_alone(&target, &one, runs);
    let schedules = explored(Runs {
        seeds: 0..SEEDS,
        ..Runs::default()
    })?;
    let boundaries = explored(Runs {
        causes: vec![Cause::Raise],
        every_boundary: true,
        ..Runs::default()
    })?;
    let mut read = Vec::new();
    let (mut checked, mut unchecked) = (Taken::default(), Taken::default());
    for _ in 0..TIMES {
        let begin = Instant::now();
        let package = Package::read(&subject.driver)?;
        read.push(begin.elapsed());
        run(subject, &package, Checks::All, &mut checked)?;
        run(subject, &package, Checks::Fewest, &mut unchecked)?;
    }
    let a_second = |count: u64, time: Duration| {
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64()
    };
    Ok(Times {
        read: Spread::of(read),
        checked: checked.into(),
        unchecked: unchecked.into(),
        schedules: a_second(schedules.schedules, schedules.schedule_time),
        boundaries: a_second(boundaries.boundary_runs, boundaries.boundary_time),
        raised: a_second(boundaries.raised, boundaries.raised_time),
    })
}

/// One run on the model.
fn run(
    subject: &Subject,
    package: &Package,
    checks: Checks,
    taken: &mut Taken,
) -> Result<(), Wrong> {
    let begin = Instant::now();
    let function = EduModel::new(Config::default());
    let (session, file) = first_request(subject, package, checks, Box::new(function))?;
    taken.first.push(begin.elapsed());
    taken
        .request
        .push(requests(subject, &session, &file, REQUESTS)?);
    let begin = Instant::now();
    drop(file);
    session.shut_down()?;
    taken.end.push(begin.elapsed());
    Ok(())
}

/// Boots the driver for a device, and has it compute a first factorial.
///
/// # Errors
/// The run went wrong.
pub fn first_request(
    subject: &Subject,
    package: &Package,
    checks: Checks,
    function: Box<dyn PciFunction>,
) -> Result<(Session, std::rc::Rc<File>), Wrong> {
    let machine = Machine {
        functions: vec![function],
        checks,
        event_limit: 64,
        ..Machine::default()
    };
    let session = Session::boot_package(package, machine, Interrupts::AsInstalled)?;
    let file = subject.open(&session)?;
    subject.request(&session, &file)?;
    Ok((session, file))
}

/// Has the driver compute that many factorials, one after the other. Returns what each took.
///
/// # Errors
/// The run went wrong.
pub fn requests(
    subject: &Subject,
    session: &Session,
    file: &File,
    count: u32,
) -> Result<Duration, Wrong> {
    let begin = Instant::now();
    for _ in 0..count {
        subject.request(session, file)?;
    }
    Ok(begin.elapsed() / count)
}
