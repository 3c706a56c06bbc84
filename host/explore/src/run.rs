//! One run of a scenario: how it is made, and what came of it.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use kmdf_framework::Host;
use kmdf_machine::{Checks, Counts, Observer, Parts, Stop, Watcher, strategy};
use kmdf_session::{BootError, Session};
use rand_chacha::rand_core::RngCore;

use super::{
    coverage::Covered,
    draw::Stream,
    failing::{Call, FailurePlan},
    hooks::Explorer,
    scenario::{Scenario, Wrong},
    stage::Stage,
    target::Target,
    visit::{Called, Disturbs, Found, Visit},
    way::{Fails, Way, When},
};

/// How many events a report of an exploration looks back on.
const EVENT_LIMIT: usize = 64;
/// One call in this many fails where a seed draws which.
const ONE_IN: u32 = 12;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) result: Result<(), Wrong>,
    pub(crate) digest: u64,
    pub(crate) counts: Counts,
    pub(crate) covered: Covered,
    /// Boundaries stopped at.
    pub(crate) visited: u64,
    /// Moments passed.
    pub(crate) moments: u32,
    /// Boundaries found, if they were looked for.
    pub(crate) points: Vec<Found>,
    /// Calls into the driver, if their instructions were looked for.
    pub(crate) called: Vec<Called>,
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
    /// Where the driver called the kernel or the framework: RVAs behind the calls, in order.
    pub sites: Vec<u32>,
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
    /// For where it comes: it is stopped at every boundary, and nothing happens there.
    Coverage,
    /// For what it executes.
    Instructions,
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
        let shaped = way
            .seed
            .and_then(|seed| scenario.with_input(&drawn_input(seed)));
        let scenario = shaped.as_ref().unwrap_or(scenario);
        let functions = scenario.devices();
        let machine = Parts {
            processors: self.processors,
            shared_lines: Parts::lines(functions.len(), scenario.shared_line()),
            functions,
            strategy: strategy(way.seed, way.schedule),
            event_limit: EVENT_LIMIT,
            observer,
            checks: Checks::All,
            free_memory_from: 0,
        };
        let installed = self
            .package(scenario.inf())
            .and_then(|package| Session::install(&package, machine, scenario.interrupts()));
        let mut session = match installed {
            Ok(session) => session,
            Err(error) => return Ran::without_session(error),
        };
        for (name, value) in scenario.registry() {
            session.set_registry_value(name, &value);
        }
        let explorer = Rc::new(self.explorer(scenario, way, look));
        if way.races {
            session.host().look_for_races();
        }
        session
            .host()
            .watch(Rc::clone(&explorer) as Rc<dyn Watcher>);
        let result = play(&mut session, &explorer, scenario.as_ref(), way);
        let host = session.host();
        let visited = explorer.stepping.visited();
        let (mut points, mut called) = (Vec::new(), Vec::new());
        match explorer.stepping.take_visit() {
            Visit::Find { points: found } => points = found,
            Visit::Trace { calls } => called = calls,
            _ => {}
        }
        let calls = match explorer.failing.take() {
            FailurePlan::Find(calls) => calls,
            _ => Vec::new(),
        };
        Ran {
            result,
            digest: host.digest(),
            counts: host.counts(),
            covered: explorer.coverage.take(),
            visited,
            moments: explorer.moments.passed(),
            points,
            called,
            calls,
        }
    }

    /// Runs a scenario once in the simplest order, stopping at each instruction of the driver.
    /// Returns the calls into the driver in the order they began, each with what it executed.
    ///
    /// # Errors
    /// What went wrong in the run.
    pub fn trace(&self, scenario: &Arc<dyn Scenario>) -> Result<Vec<Called>, Wrong> {
        let ran = self.run(scenario, Way::default(), Look::Instructions, None);
        ran.result.map(|()| ran.called)
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
            sites: ran.covered.sites.into_keys().collect(),
        }
    }

    /// What follows a run of that way.
    fn explorer(&self, scenario: &Arc<dyn Scenario>, way: Way, look: Look) -> Explorer {
        let explorer = Explorer::default();
        let visit = match (look, way.visit) {
            (Look::Boundaries, _) => Visit::Find { points: Vec::new() },
            (_, Some((cause, When::Boundary(at)))) => Visit::One { at, cause },
            (_, Some((cause, When::EveryBoundary))) => Visit::Every {
                cause,
                times: BTreeMap::new(),
            },
            _ if way.instructions => Visit::Schedule,
            (Look::Coverage, _) => Visit::Coverage,
            _ if way.races => Visit::Coverage,
            (Look::Instructions, _) => Visit::Trace { calls: Vec::new() },
            _ => Visit::None,
        };
        if let Some((cause, When::Moment(moment))) = way.visit {
            explorer.moments.plan(moment, cause);
        }
        if way.races {
            explorer.stepping.tell_accesses(Rc::clone(&self.accesses));
        }
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
        explorer
    }
}

impl Ran {
    pub(super) fn without_session(error: BootError) -> Self {
        Self {
            result: Err(error.into()),
            digest: 0,
            counts: Counts::default(),
            covered: Covered::default(),
            visited: 0,
            moments: 0,
            points: Vec::new(),
            called: Vec::new(),
            calls: Vec::new(),
        }
    }
}

/// The bytes that a seed draws for a scenario that bytes shape.
fn drawn_input(seed: u64) -> Vec<u8> {
    const SHORTEST: u32 = 16;
    const LONGEST: u32 = 800;
    let mut random = Stream::Input.of(seed);
    let length = SHORTEST + random.next_u32() % (LONGEST - SHORTEST);
    let mut input = vec![0; length as usize];
    random.fill_bytes(&mut input);
    input
}

/// Boots, plays, takes down, and looks at what is left.
fn play(
    session: &mut Session,
    explorer: &Rc<Explorer>,
    scenario: &dyn Scenario,
    way: Way,
) -> Result<(), Wrong> {
    let failing = way.failing != Fails::None;
    let disturbs = way
        .visit
        .map_or_else(Disturbs::default, |(cause, _)| cause.disturbs());
    match session.start() {
        Ok(()) => {
            let stage = Stage {
                session,
                explorer,
                failing,
                disturbs,
            };
            match scenario.run(&stage) {
                Err(Wrong::Removed) => {}
                // Where calls fail, so may anything that a scenario asks for: what must hold then
                // is checked below.
                Err(Wrong::Unexpected(_)) if failing => {}
                other => other?,
            }
        }
        Err(BootError::Refused { .. }) if failing || disturbs.device || scenario.is_hostile() => {}
        Err(error) => return Err(error.into()),
    }
    explorer.finish_requests(session.host())?;
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

impl Explorer {
    /// Cancels what the scenario has left pending: an app that ends.
    fn finish_requests(&self, host: &Host) -> Result<(), Stop> {
        let pending = self.pending.take();
        self.files.take();
        for irp in pending.iter().filter(|irp| !irp.is_finished()) {
            host.cancel(irp);
        }
        host.run_until(|_| pending.iter().all(|irp| irp.is_finished()))
    }
}
