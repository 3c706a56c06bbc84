//! One run of a scenario: how it is made, and what came of it.

use std::{collections::BTreeMap, fmt, rc::Rc, sync::Arc};

use super::{
    boundary::Boundaries,
    coverage::Covered,
    failing::{Call, FailurePlan},
    scenario::{Scenario, Stage, Wrong},
    visit::{Cause, Found, Point, Visit},
};
use crate::{
    BootError, Counts, InOrder, Machine, Observer, Package, Seeded, Session, Stop, Strategy,
};

/// How many events a report of an exploration looks back on.
const EVENT_LIMIT: usize = 64;
/// One call in this many fails where a seed draws which.
const ONE_IN: u32 = 12;

/// How one run goes: the same way each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Scheduling decisions drawn from this seed, instead of the simplest order.
    pub seed: Option<u64>,
    /// Whether the seed decides at every instruction, too.
    pub instructions: bool,
    /// What happens at one boundary, or at every one.
    pub visit: Option<(Cause, Option<Point>)>,
    /// Which calls fail.
    pub failing: Fails,
}

/// Which calls of a run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fails {
    /// None.
    #[default]
    None,
    /// The one with this number among those that can.
    Call(u32),
    /// Those that this seed draws.
    Drawn(u64),
}

impl fmt::Display for Way {
    /// The options of the command line that say the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = Vec::new();
        if let Some(seed) = self.seed {
            options.push(format!("--seed {seed}"));
        }
        if self.instructions {
            options.push("--instructions".to_owned());
        }
        if let Some((cause, at)) = self.visit {
            options.push(format!("--cause {}", cause.name()));
            match at {
                Some(at) => options.push(format!(
                    "--boundary {}:{}:{:#x}",
                    at.activation, at.index, at.rva
                )),
                None => options.push("--every-boundary".to_owned()),
            }
        }
        match self.failing {
            Fails::None => {}
            Fails::Call(number) => options.push(format!("--fail-call {number}")),
            Fails::Drawn(seed) => options.push(format!("--fail-seed {seed}")),
        }
        f.write_str(&options.join(" "))
    }
}

/// What the runs of one exploration share.
pub struct Target {
    pub(crate) package: Package,
    pub(crate) code: Rc<Boundaries>,
    pub(crate) processors: u32,
}

impl Target {
    /// A driver, on machines with that many processors.
    #[must_use]
    pub fn new(package: Package, processors: u32) -> Self {
        Self {
            code: Rc::new(Boundaries::of(&package.image)),
            package,
            processors,
        }
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) result: Result<(), Wrong>,
    pub(crate) digest: u64,
    pub(crate) counts: Counts,
    pub(crate) covered: Covered,
    /// Boundaries stopped at.
    pub(crate) visited: u64,
    /// Boundaries found, if they were looked for.
    pub(crate) points: Vec<Found>,
    /// Calls that can fail, if they were looked for.
    pub(crate) calls: Vec<Call>,
}

/// What came of a run that was made again.
#[derive(Debug)]
pub struct Replayed {
    /// Whether all was well.
    pub result: Result<(), Wrong>,
    /// The digest of its events.
    pub digest: u64,
    /// How often what happened.
    pub counts: Counts,
}

/// What a run looks for beside what its [`Way`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// For nothing.
    #[default]
    Nowhere,
    /// For boundaries.
    Boundaries,
    /// For calls that can fail.
    Calls,
}

impl Target {
    /// Runs a scenario once.
    pub(crate) fn run(
        &self,
        scenario: &Arc<dyn Scenario>,
        way: Way,
        look: Look,
        observer: Option<Observer>,
    ) -> Ran {
        let strategy: Box<dyn Strategy> = match way.seed {
            Some(seed) => Box::new(Seeded::new(seed)),
            None => Box::new(InOrder),
        };
        let functions = scenario.devices();
        let slots = (0..functions.len()).collect();
        let machine = Machine {
            processors: self.processors,
            functions,
            shared_lines: if scenario.shared_line() {
                vec![slots]
            } else {
                Vec::new()
            },
            strategy,
            event_limit: EVENT_LIMIT,
            observer,
        };
        let mut session = match Session::install(&self.package, machine, scenario.interrupts()) {
            Ok(session) => session,
            Err(error) => return Ran::without_session(error),
        };
        self.prepare(&session, scenario, way, look);
        let result = play(&mut session, scenario.as_ref(), way);
        let host = session.host();
        let visited = host.explorer.stepping.visited();
        let points = match host.explorer.stepping.take_visit() {
            Visit::Find { points } => points,
            _ => Vec::new(),
        };
        let calls = match host.explorer.failing.take() {
            FailurePlan::Find(calls) => calls,
            _ => Vec::new(),
        };
        Ran {
            result,
            digest: host.digest(),
            counts: host.counts(),
            covered: host.explorer.coverage.take(),
            visited,
            points,
            calls,
        }
    }

    /// Makes one run again, with every event shown to `observer`.
    #[must_use]
    pub fn replay(
        &self,
        scenario: &Arc<dyn Scenario>,
        way: Way,
        observer: Option<Observer>,
    ) -> Replayed {
        let ran = self.run(scenario, way, Look::Nowhere, observer);
        Replayed {
            result: ran.result,
            digest: ran.digest,
            counts: ran.counts,
        }
    }

    fn prepare(&self, session: &Session, scenario: &Arc<dyn Scenario>, way: Way, look: Look) {
        let explorer = &session.host().explorer;
        let visit = match (look, way.visit) {
            (Look::Boundaries, _) => Visit::Find { points: Vec::new() },
            (_, Some((cause, Some(at)))) => Visit::One { at, cause },
            (_, Some((cause, None))) => Visit::Every {
                cause,
                times: BTreeMap::new(),
            },
            (_, None) if way.instructions => Visit::Schedule,
            (_, None) => Visit::None,
        };
        if !matches!(visit, Visit::None) {
            explorer.stepping.prepare(Rc::clone(&self.code), visit);
        }
        explorer.failing.prepare(match (look, way.failing) {
            (Look::Calls, _) => FailurePlan::Find(Vec::new()),
            (_, Fails::None) => FailurePlan::Off,
            (_, Fails::Call(number)) => FailurePlan::One(number),
            (_, Fails::Drawn(seed)) => FailurePlan::drawn(seed, ONE_IN),
        });
        explorer.coverage.begin();
        let scenario = Arc::clone(scenario);
        *explorer.raise.borrow_mut() = Some(Rc::new(move |host| scenario.raise(host)));
    }
}

impl Ran {
    fn without_session(error: BootError) -> Self {
        Self {
            result: Err(error.into()),
            digest: 0,
            counts: Counts::default(),
            covered: Covered::default(),
            visited: 0,
            points: Vec::new(),
            calls: Vec::new(),
        }
    }
}

/// Boots, plays, takes down, and looks at what is left.
fn play(session: &mut Session, scenario: &dyn Scenario, way: Way) -> Result<(), Wrong> {
    let failing = way.failing != Fails::None;
    match session.start() {
        Ok(()) => {
            let stage = Stage {
                session,
                failing,
                cancelling: matches!(way.visit, Some((Cause::Cancel, _))),
            };
            match scenario.run(&stage) {
                // Where calls fail, so may anything that a scenario asks for: what must hold then
                // is checked below.
                Err(Wrong::Unexpected(_)) if failing => {}
                other => other?,
            }
        }
        Err(BootError::Refused { .. }) if failing => {}
        Err(error) => return Err(error.into()),
    }
    session.host().finish_requests()?;
    session.take_down()?;
    let counts = session.host().counts();
    if counts.requests != counts.completions {
        return Err(Wrong::Lost {
            presented: counts.requests,
            completed: counts.completions,
        });
    }
    Ok(())
}

impl crate::Host {
    /// Cancels what the scenario has left pending: an app that ends.
    fn finish_requests(&self) -> Result<(), Stop> {
        let pending = self.explorer.pending.take();
        for irp in pending.iter().filter(|irp| !irp.is_finished()) {
            self.cancel(irp);
        }
        self.run_until(|_| pending.iter().all(|irp| irp.is_finished()))
    }
}
