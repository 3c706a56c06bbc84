//! Who accessed which memory last.

use std::{collections::HashMap, rc::Rc};

use super::clock::Clock;

/// Bytes of a cell.
const CELL: u64 = 8;

/// How an instruction accesses memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The first byte.
    pub address: u64,
    /// How many.
    pub bytes: u64,
    /// Whether it writes them; it may read them, too.
    pub writes: bool,
    /// Whether the language says that it races with no other such access.
    pub atomic: bool,
}

/// An access that has been made, of one cell.
struct Made<W> {
    strand: u32,
    /// How far the strand was.
    at: u32,
    /// Which bytes of the cell.
    mask: u8,
    writes: bool,
    atomic: bool,
    who: Rc<W>,
}

impl<W> Made<W> {
    fn conflicts(&self, mask: u8, access: &Access) -> bool {
        self.mask & mask != 0 && (self.writes || access.writes) && !(self.atomic && access.atomic)
    }

    /// Whether a later access that races with this one races with that one, too.
    fn is_covered(&self, mask: u8, access: &Access) -> bool {
        self.mask & !mask == 0 && (access.writes || !self.writes) && (self.atomic || !access.atomic)
    }
}

/// Remembers for each byte the accesses that a later one could race with. `W` says who made them.
pub(super) struct Shadow<W> {
    cells: HashMap<u64, Vec<Made<W>>>,
}

impl<W> Default for Shadow<W> {
    fn default() -> Self {
        Self {
            cells: HashMap::new(),
        }
    }
}

impl<W> Shadow<W> {
    /// Takes an access of a strand down, whose clock is given. Who made one that is not ordered before it
    /// and conflicts with it is returned, with whether that one writes.
    pub(super) fn access(
        &mut self,
        access: &Access,
        strand: u32,
        clock: &Clock,
        who: &Rc<W>,
    ) -> Option<(Rc<W>, bool)> {
        let (first, end) = (access.address, access.address + access.bytes);
        let mut race = None;
        let mut cell = first / CELL * CELL;
        while cell < end {
            let mask = (0..CELL)
                .filter(|byte| (first..end).contains(&(cell + byte)))
                .fold(0, |mask, byte| mask | 1 << byte);
            let made = self.cells.entry(cell).or_default();
            let before =
                |other: &Made<W>| other.strand == strand || clock.of(other.strand) >= other.at;
            let other = made
                .iter()
                .find(|other| other.conflicts(mask, access) && !before(other));
            race = race.or_else(|| other.map(|other| (Rc::clone(&other.who), other.writes)));
            made.retain(|other| !(before(other) && other.is_covered(mask, access)));
            made.push(Made {
                strand,
                at: clock.of(strand),
                mask,
                writes: access.writes,
                atomic: access.atomic,
                who: Rc::clone(who),
            });
            cell += CELL;
        }
        race
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Access = Access {
        address: 0x1004,
        bytes: 4,
        writes: false,
        atomic: false,
    };
    const WRITE: Access = Access {
        writes: true,
        ..READ
    };

    /// Two strands that have begun.
    fn two() -> [Clock; 2] {
        let mut clocks = [Clock::default(), Clock::default()];
        for (strand, clock) in (0..).zip(&mut clocks) {
            clock.advance(strand);
        }
        clocks
    }

    fn races(first: Access, second: Access) -> bool {
        let mut shadow = Shadow::default();
        let clocks = two();
        let none = shadow.access(&first, 0, &clocks[0], &Rc::new(0));
        assert!(none.is_none());
        let race = shadow.access(&second, 1, &clocks[1], &Rc::new(1));
        race.is_some()
    }

    #[test]
    fn two_accesses_race_if_one_writes() {
        assert!(races(WRITE, WRITE));
        assert!(races(WRITE, READ));
        assert!(races(READ, WRITE));
        assert!(!races(READ, READ));
    }

    #[test]
    fn accesses_of_other_bytes_do_not_race() {
        let beside = Access {
            address: 0x1000,
            ..WRITE
        };
        assert!(!races(WRITE, beside));
        let across = Access { bytes: 5, ..beside };
        assert!(races(WRITE, across));
        let over_two_cells = Access {
            address: 0x1006,
            bytes: 8,
            ..WRITE
        };
        assert!(races(WRITE, over_two_cells));
    }

    #[test]
    fn atomic_accesses_race_with_plain_ones_only() {
        let atomic = Access {
            atomic: true,
            ..WRITE
        };
        assert!(!races(atomic, atomic));
        assert!(races(atomic, READ));
        assert!(races(WRITE, atomic));
    }

    #[test]
    fn what_is_ordered_does_not_race() {
        let mut shadow = Shadow::default();
        let mut clocks = two();
        assert!(shadow.access(&WRITE, 0, &clocks[0], &Rc::new(0)).is_none());
        let first = clocks[0].clone();
        clocks[1].join(&first);
        assert!(shadow.access(&READ, 1, &clocks[1], &Rc::new(1)).is_none());
        // The second has not released anything: the first may not write again.
        let race = shadow.access(&WRITE, 0, &clocks[0], &Rc::new(2));
        assert_eq!(race.map(|(who, writes)| (*who, writes)), Some((1, false)));
    }

    #[test]
    fn an_atomic_write_does_not_hide_a_plain_one() {
        let mut shadow = Shadow::default();
        let mut clocks = two();
        let atomic = Access {
            atomic: true,
            ..WRITE
        };
        assert!(shadow.access(&WRITE, 0, &clocks[0], &Rc::new(0)).is_none());
        assert!(shadow.access(&atomic, 0, &clocks[0], &Rc::new(1)).is_none());
        clocks[0].advance(0);
        let race = shadow.access(&atomic, 1, &clocks[1], &Rc::new(2));
        assert_eq!(race.map(|(who, _)| *who), Some(0));
    }
}
