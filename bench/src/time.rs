//! What takes how long, on this machine, now.

use std::time::{Duration, Instant};

use kmdf_host::{
    Package,
    explore::{Cause, Runs, Way, Wrong},
};

use crate::drivers::{Subject, explore_alone};

/// How often what is short is measured.
const TIMES: usize = 50;
/// Seeds that are tried.
const SEEDS: u64 = 300;

/// The middle one of many measurements, and the shortest.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: Duration,
    /// The minimum.
    pub minimum: Duration,
}

fn spread(mut measure: impl FnMut() -> Result<(), Wrong>) -> Result<Spread, Wrong> {
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        measure()?;
        taken.push(start.elapsed());
    }
    taken.sort();
    Ok(Spread {
        median: taken[TIMES / 2],
        minimum: taken[0],
    })
}

/// What was measured of one driver.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Reading image, symbols and INF.
    pub read: Spread,
    /// A whole run with one request: install, load, start, request, unload. The files are read.
    pub one: Spread,
    /// The same with eleven requests.
    pub eleven: Spread,
    /// Runs a second with a schedule of a seed each.
    pub schedules: f64,
    /// Runs a second with an interrupt at one instruction boundary each.
    pub boundaries: f64,
}

impl Times {
    /// Requests a second, without starting and ending the driver.
    #[must_use]
    pub fn requests(&self) -> f64 {
        let more = self.eleven.median.saturating_sub(self.one.median);
        10.0 / more.as_secs_f64()
    }

    /// Runs a second in the simplest order: what the two explorations are compared with.
    #[must_use]
    pub fn runs(&self) -> f64 {
        1.0 / self.one.median.as_secs_f64()
    }
}

/// Measures one driver, on one thread.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn measure(subject: &Subject) -> Result<Times, Wrong> {
    let target = subject.target()?;
    let (one, eleven) = (subject.requests(1), subject.requests(11));
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
    let a_second = |count: u64, time: Duration| {
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64()
    };
    Ok(Times {
        read: spread(|| Ok(Package::read(&subject.driver).map(drop)?))?,
        one: spread(|| target.replay(&one, Way::default(), None).result)?,
        eleven: spread(|| target.replay(&eleven, Way::default(), None).result)?,
        schedules: a_second(schedules.schedules, schedules.schedule_time),
        boundaries: a_second(boundaries.boundary_runs, boundaries.boundary_time),
    })
}
