//! Data races: accesses of the same memory that nothing orders.
//!
//! Code of the driver belongs to *strands*. A strand is what one processor does in order: a callback with the
//! callbacks that it causes in the middle of its calls. An interrupt, a DPC, a work item and a request that
//! is presented are strands of their own, on whatever stack they run. Two strands are ordered by [`Edge`]s
//! only, which locks, queues and PnP give and take; that one ran before the other in this run orders
//! nothing. So one run finds a race although its two accesses are far apart in it.
//!
//! A run that does not look for races has no [`Races`], and all of this costs it a look at that.

mod clock;
mod report;
mod shadow;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use kmdf_rules::rules;

pub use clock::Edge;
pub use shadow::Access;

use self::{
    clock::Clock,
    report::{Call, Who},
    shadow::Shadow,
};
use crate::machine::Machine;

/// What a run that looks for races remembers.
#[derive(Default)]
pub(crate) struct Races {
    state: OnceCell<RefCell<State>>,
}

#[derive(Default)]
struct State {
    /// By flow, the strands that are under way on its stack, the innermost last.
    strands: HashMap<u32, Vec<Strand>>,
    begun: u32,
    shadow: Shadow<Who>,
    /// What a strand begins with.
    birth: Edge,
    /// What is ordered by a place: by atomic accesses, or by an object that is there.
    places: HashMap<u64, Edge>,
}

struct Strand {
    number: u32,
    clock: Clock,
    /// The call that is under way.
    call: Option<Rc<Call>>,
}

impl State {
    fn begin(&mut self, flow: u32) {
        let mut strand = Strand {
            number: self.begun,
            clock: Clock::default(),
            call: None,
        };
        self.birth.give(&mut strand.clock);
        strand.clock.advance(strand.number);
        self.begun += 1;
        self.strands.entry(flow).or_default().push(strand);
    }

    /// The strand that runs on a flow. A flow is one as long as it has no other.
    fn strand(&mut self, flow: u32) -> &mut Strand {
        if self.strands.get(&flow).is_none_or(Vec::is_empty) {
            self.begin(flow);
        }
        let strands = self.strands.entry(flow).or_default();
        strands.last_mut().expect("it has begun")
    }
}

impl Strand {
    fn release(&mut self, edge: &Edge) {
        edge.add(&self.clock);
        self.clock.advance(self.number);
    }
}

impl Machine {
    /// Looks for races from now on. Whoever asks for it has to tell of every instruction: see
    /// [`Self::executes`].
    pub fn look_for_races(&self) {
        let _ = self.races.state.set(RefCell::default());
    }

    /// Whether races are looked for.
    pub fn looks_for_races(&self) -> bool {
        self.races.state.get().is_some()
    }

    /// What was done up to here comes before everything that begins from now on: what a driver does to come
    /// up, before which nobody can call it.
    pub fn releases_to_all(&self) {
        let birth = self
            .races
            .state
            .get()
            .map(|state| state.borrow().birth.clone());
        if let Some(birth) = birth {
            self.releases(&birth);
        }
    }

    /// Does something with the strand that runs, if races are looked for and driver code could run.
    fn with_strand(&self, body: impl FnOnce(&mut Strand)) {
        if let Some(state) = self.races.state.get()
            && let Some((_, flow)) = self.scheduler.current()
        {
            body(state.borrow_mut().strand(flow.id));
        }
    }

    /// What was done up to here comes before what is done behind an [`Self::acquires`] of the edge.
    pub fn releases(&self, edge: &Edge) {
        self.with_strand(|strand| strand.release(edge));
    }

    /// What is done from here on comes after what was done before each [`Self::releases`] of the edge.
    pub fn acquires(&self, edge: &Edge) {
        self.with_strand(|strand| edge.give(&mut strand.clock));
    }

    /// As [`Self::releases`], for the edge of the object at an address.
    pub fn releases_at(&self, place: u64) {
        if let Some(edge) = self.edge_at(place) {
            self.releases(&edge);
        }
    }

    /// As [`Self::acquires`], for the edge of the object at an address.
    pub fn acquires_at(&self, place: u64) {
        if let Some(edge) = self.edge_at(place) {
            self.acquires(&edge);
        }
    }

    fn edge_at(&self, place: u64) -> Option<Edge> {
        let state = self.races.state.get()?;
        let mut state = state.borrow_mut();
        Some(state.places.entry(place).or_default().clone())
    }

    /// Runs `body` as a strand of its own on the flow that runs: one that is not ordered behind what it
    /// interrupts or what happens to run before it.
    pub fn strand<R>(&self, body: impl FnOnce() -> R) -> R {
        let Some((state, (_, flow))) = self.races.state.get().zip(self.scheduler.current()) else {
            return body();
        };
        state.borrow_mut().begin(flow.id);
        let result = body();
        if let Some(strands) = state.borrow_mut().strands.get_mut(&flow.id) {
            strands.pop();
        }
        result
    }

    /// Runs `body` as a strand of its own, unless the flow holds locks of the driver's: code that runs
    /// under them belongs to who has taken them.
    pub fn strand_unless_locked<R>(&self, body: impl FnOnce() -> R) -> R {
        let locked = self
            .scheduler
            .current()
            .is_some_and(|(_, flow)| !flow.locks.borrow().is_empty());
        if locked { body() } else { self.strand(body) }
    }

    /// A callback of the driver begins: what calls it goes on when it returns.
    pub(crate) fn race_call(&self, callback: &'static str) {
        self.with_strand(|strand| {
            let caller = strand.call.take();
            strand.call = Some(Call::of_callback(callback, caller));
        });
    }

    /// The callback has returned.
    pub(crate) fn race_return(&self) {
        self.with_strand(|strand| {
            strand.call = Call::behind_callback(strand.call.take());
        });
    }

    /// The driver is about to call a function of its own, at an RVA.
    pub fn calls_function(&self, site: u32) {
        self.with_strand(|strand| {
            let caller = strand.call.take();
            strand.call = Some(Call::of_function(site, caller));
        });
    }

    /// A function of the driver's is about to return.
    pub fn returns_from_function(&self) {
        self.with_strand(|strand| {
            let call = strand.call.take();
            strand.call = Call::behind_function(call);
        });
    }

    /// The driver is about to execute the instruction at an RVA, which accesses shared memory so.
    pub fn executes(&self, rva: u32, access: Access) {
        let (Some(state), Some((processor, flow))) =
            (self.races.state.get(), self.scheduler.current())
        else {
            return;
        };
        let mut state = state.borrow_mut();
        let edge = access.atomic.then(|| {
            let places = &mut state.places;
            places.entry(access.address).or_default().clone()
        });
        let strand = state.strand(flow.id);
        if let Some(edge) = &edge {
            edge.give(&mut strand.clock);
        }
        let locks = flow.locks.borrow();
        let who = Rc::new(Who {
            call: strand.call.clone(),
            rva,
            processor: processor.number,
            irql: processor.irql.get(),
            locks: locks.iter().map(|lock| lock.name).collect(),
        });
        drop(locks);
        let (number, clock) = (strand.number, strand.clock.clone());
        let race = state.shadow.access(&access, number, &clock, &who);
        if let Some(edge) = edge.filter(|_| access.writes) {
            state.strand(flow.id).release(&edge);
        }
        drop(state);
        if let Some((other, other_writes)) = race {
            let text = self.describe_race(&access, &who, &other, other_writes);
            self.violation(&rules::DATA_RACE, text);
        }
    }

    /// Whether an address is one that strands can share: of the image's data or of memory that was
    /// allocated, not of a stack.
    pub fn is_shared(&self, address: u64) -> bool {
        let section = self.image.get().and_then(|image| image.section_of(address));
        match section {
            Some(section) => section.write,
            None => self.memory.is_pool(address),
        }
    }
}
