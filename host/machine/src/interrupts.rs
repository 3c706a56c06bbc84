//! The interrupt controller: vectors, who is connected to them, and their delivery.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_bus::Signal;
use kmdf_rules::rules;

use crate::{cpu::Irql, event::Event, machine::Machine, sched::Choice};

/// How often a level may still be asserted after its handlers ran before it counts as a storm.
const STORM: u32 = 1000;

/// Takes interrupts of a vector, at the vector's IRQL.
pub trait InterruptHandler {
    /// Services the interrupt; whether it was this handler's.
    fn deliver(&self, machine: &Machine) -> bool;

    /// The processors that may take it, a mask.
    fn affinity(&self) -> u64;

    /// Whether it services interrupts in a thread, at PASSIVE_LEVEL.
    fn is_passive(&self) -> bool {
        false
    }

    /// Whether it expects interrupts. A vector is masked while none of its handlers does.
    fn is_active(&self) -> bool {
        true
    }
}

/// What requests a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorKind {
    /// The pins of all functions in these slots, a mask: wired together, level-sensitive.
    Line {
        /// The slots.
        slots: u64,
    },
    /// A message of the function in a slot.
    Message {
        /// The slot.
        slot: usize,
        /// The message.
        number: u32,
    },
}

struct Vector {
    kind: VectorKind,
    irql: Irql,
    handlers: RefCell<Vec<Rc<dyn InterruptHandler>>>,
    in_service: Cell<bool>,
    unrelieved: Cell<u32>,
}

impl Vector {
    /// Whether nobody expects its interrupts.
    fn is_masked(&self) -> bool {
        let handlers = self.handlers.borrow();
        !handlers.iter().any(|handler| handler.is_active())
    }
}

/// The vectors of the machine.
#[derive(Default)]
pub struct InterruptController {
    vectors: RefCell<Vec<Rc<Vector>>>,
}

impl InterruptController {
    /// A new vector. Its number is the return value.
    pub fn add(&self, kind: VectorKind, irql: Irql) -> u32 {
        let mut vectors = self.vectors.borrow_mut();
        vectors.push(Rc::new(Vector {
            kind,
            irql,
            handlers: RefCell::default(),
            in_service: Cell::new(false),
            unrelieved: Cell::new(0),
        }));
        u32::try_from(vectors.len() - 1).expect("a machine has few vectors")
    }

    /// The vector of a line that is wired to these slots.
    pub fn line_or_new(&self, slots: u64, irql: Irql) -> u32 {
        let kind = VectorKind::Line { slots };
        match self.find(|other| other == kind) {
            Some((vector, _)) => vector,
            None => self.add(kind, irql),
        }
    }

    /// The vector that a line is wired to, if it has one.
    pub fn line(&self, slot: usize) -> Option<(u32, Irql)> {
        self.find(|kind| matches!(kind, VectorKind::Line { slots } if slots >> slot & 1 == 1))
    }

    fn message(&self, slot: usize, number: u32) -> Option<(u32, Irql)> {
        self.find(|kind| kind == VectorKind::Message { slot, number })
    }

    fn find(&self, wanted: impl Fn(VectorKind) -> bool) -> Option<(u32, Irql)> {
        let vectors = self.vectors.borrow();
        let number = vectors.iter().rposition(|vector| wanted(vector.kind))?;
        Some((u32::try_from(number).ok()?, vectors[number].irql))
    }

    fn get(&self, number: u32) -> Rc<Vector> {
        Rc::clone(&self.vectors.borrow()[number as usize])
    }
}

impl Machine {
    /// Connects a handler to a vector. A level that is asserted already is delivered.
    pub fn connect_interrupt(&self, number: u32, handler: Rc<dyn InterruptHandler>) {
        let vector = self.interrupts.get(number);
        vector.handlers.borrow_mut().push(handler);
        self.tell_expected(&vector);
        self.request_level(number, &vector);
    }

    /// Disconnects a handler. Nothing is delivered to it from now on.
    pub fn disconnect_interrupt(&self, number: u32, handler: &Rc<dyn InterruptHandler>) {
        let vector = self.interrupts.get(number);
        vector
            .handlers
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, handler));
        self.tell_expected(&vector);
        if vector.is_masked() {
            self.withdraw(number);
        }
    }

    /// Masks or unmasks a vector, for one of its handlers expects interrupts now or does not any more.
    pub fn interrupt_activity_changed(&self, number: u32) {
        let vector = self.interrupts.get(number);
        self.tell_expected(&vector);
        if vector.is_masked() {
            self.withdraw(number);
        } else {
            self.request_level(number, &vector);
        }
    }

    /// What a vector has requested and no processor has taken yet is not taken any more.
    fn withdraw(&self, number: u32) {
        for processor in self.scheduler.processors() {
            processor.withdraw(number);
        }
    }

    /// Takes a signal of the function in a slot.
    pub fn signal(&self, slot: usize, signal: Signal) {
        match signal {
            Signal::Message(message) => self.take_message(slot, message),
            Signal::Line(level) => {
                let function = &self.slots[slot];
                if level && !function.line.get() {
                    function.assertions.set(function.assertions.get() + 1);
                }
                function.line.set(level);
                if let Some((number, _)) = self.interrupts.line(slot) {
                    let vector = self.interrupts.get(number);
                    if level {
                        self.request_level(number, &vector);
                    } else if !self.is_asserted(&vector) {
                        vector.unrelieved.set(0);
                        self.withdraw(number);
                    }
                }
            }
        }
    }

    /// Delivers a message that the function in a slot sends and does not hold back.
    pub(super) fn deliver_message(&self, slot: usize, message: u32) {
        if let Some((number, _)) = self.interrupts.message(slot, message) {
            let vector = self.interrupts.get(number);
            if !vector.is_masked() {
                self.request(number, &vector);
            }
        }
    }

    /// Whether anybody expects a message of the function in a slot.
    pub(super) fn expects_message(&self, slot: usize, message: u32) -> bool {
        let vector = self.interrupts.message(slot, message);
        vector.is_some_and(|(number, _)| !self.interrupts.get(number).is_masked())
    }

    /// Tells the function whether a message of its own is expected now.
    fn tell_expected(&self, vector: &Vector) {
        if let VectorKind::Message { slot, number } = vector.kind {
            self.message_expected(slot, number, !vector.is_masked());
        }
    }

    fn is_asserted(&self, vector: &Vector) -> bool {
        match vector.kind {
            VectorKind::Line { slots } => self
                .slots
                .iter()
                .enumerate()
                .any(|(slot, function)| slots >> slot & 1 == 1 && function.line.get()),
            VectorKind::Message { .. } => false,
        }
    }

    /// Who asserts a line: `, by the function in slot 1`.
    fn asserting(&self, vector: &Vector) -> String {
        let VectorKind::Line { slots } = vector.kind else {
            return String::new();
        };
        let functions = self.slots.iter().enumerate();
        let asserting: Vec<_> = functions
            .filter(|(slot, function)| slots >> slot & 1 == 1 && function.line.get())
            .map(|(slot, function)| {
                if function.in_d0.get() {
                    format!("slot {slot}")
                } else {
                    format!("slot {slot}, which is not in D0")
                }
            })
            .collect();
        let handlers = vector.handlers.borrow().len();
        format!(
            ", by the function in {}; {handlers} ISRs are connected",
            asserting.join(" and ")
        )
    }

    fn request_level(&self, number: u32, vector: &Vector) {
        if !vector.is_masked() && !vector.in_service.get() && self.is_asserted(vector) {
            self.request(number, vector);
        }
    }

    fn request(&self, number: u32, vector: &Vector) {
        let affinity = vector
            .handlers
            .borrow()
            .iter()
            .fold(0, |mask, h| mask | h.affinity());
        let targets: Vec<_> = self
            .scheduler
            .processors()
            .iter()
            .filter(|processor| affinity >> processor.number & 1 == 1)
            .collect();
        if !targets.is_empty() {
            let options: Vec<_> = targets.iter().map(|one| vec![one.number]).collect();
            let chosen = self.scheduler.choose(Choice::InterruptTarget, &options);
            targets[chosen].request(vector.irql, number);
        }
    }

    /// Runs the handlers of a vector on this processor, whose IRQL is the vector's already.
    pub(crate) fn take_interrupt(&self, number: u32) {
        let vector = self.interrupts.get(number);
        let handlers = vector.handlers.borrow().clone();
        self.record(Event::Interrupt { vector: number });
        self.note_interrupt(number);
        vector.in_service.set(true);
        if handlers.iter().any(|handler| handler.is_passive()) {
            // The vector stays masked until a thread has serviced it.
            let name = format!("interrupt thread {number}");
            self.spawn(name, move |machine| {
                let claimed = machine.service(&vector, &handlers);
                machine.serviced(number, &vector, claimed);
            });
            return;
        }
        let claimed = self.strand(|| self.service(&vector, &handlers));
        self.serviced(number, &vector, claimed);
    }

    /// Calls the handlers of a vector; whether one of them claims the interrupt.
    fn service(&self, vector: &Vector, handlers: &[Rc<dyn InterruptHandler>]) -> bool {
        let level = matches!(vector.kind, VectorKind::Line { .. });
        let mut claimed = false;
        for handler in handlers {
            claimed |= if handler.is_passive() || self.irql() >= vector.irql {
                handler.deliver(self)
            } else {
                let before = self.raise_irql(vector.irql);
                let claimed = handler.deliver(self);
                self.lower_irql(before);
                claimed
            };
            if claimed && level {
                break;
            }
        }
        claimed
    }

    /// Unmasks a vector whose handlers have run.
    fn serviced(&self, number: u32, vector: &Vector, claimed: bool) {
        vector.in_service.set(false);
        if !self.is_asserted(vector) {
            vector.unrelieved.set(0);
            return;
        }
        vector.unrelieved.set(vector.unrelieved.get() + 1);
        if vector.unrelieved.get() >= STORM {
            let by = self.asserting(vector);
            if claimed {
                self.violation(
                    &rules::ISR_UNACKED,
                    format!(
                        "vector {number}: its handlers returned TRUE {STORM} times and the line \
                         is still asserted{by}"
                    ),
                );
            }
            self.violation(
                &rules::INTERRUPT_STORM,
                format!("vector {number}: no handler claims the line, and it stays asserted{by}"),
            );
        }
        self.request_level(number, vector);
    }
}
