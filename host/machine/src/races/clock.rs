//! Vector clocks: what has happened before what.

use std::{cell::RefCell, rc::Rc};

/// How far each strand has been seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock(Vec<u32>);

impl Clock {
    /// How far a strand has been seen; 0 if it has not.
    pub(super) fn of(&self, strand: u32) -> u32 {
        self.0.get(strand as usize).copied().unwrap_or(0)
    }

    /// Goes one further in a strand.
    pub(super) fn advance(&mut self, strand: u32) {
        let index = strand as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        self.0[index] += 1;
    }

    /// Sees all that the other has seen.
    pub(super) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }
}

/// Something that orders what is done after it behind what was done before it: a lock, a DPC between its
/// queueing and its run, the connection of an interrupt. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Edge(Rc<RefCell<Clock>>);

impl Edge {
    pub(super) fn add(&self, clock: &Clock) {
        self.0.borrow_mut().join(clock);
    }

    pub(super) fn give(&self, clock: &mut Clock) {
        clock.join(&self.0.borrow());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_gives_what_was_added_to_it() {
        let (mut first, mut second) = (Clock::default(), Clock::default());
        first.advance(3);
        first.advance(3);
        second.advance(5);
        let edge = Edge::default();
        edge.add(&first);
        edge.clone().give(&mut second);
        assert_eq!((second.of(3), second.of(5), second.of(9)), (2, 1, 0));
        assert_eq!(first.of(5), 0, "nothing goes back");
    }
}
