//! Decisions, taken from bytes.

/// Bytes that decide, used up one after the other. When there are no more, all decide for 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    rest: std::collections::VecDeque<u8>,
}

impl Bytes {
    pub(super) fn new(bytes: impl Iterator<Item = u8>) -> Self {
        Self {
            rest: bytes.collect(),
        }
    }

    /// As many hands as are asked for, dealt by turns: a short input shapes each of them.
    pub(super) fn deal<const HANDS: usize>(&self) -> [Self; HANDS] {
        std::array::from_fn(|hand| Self::new(self.rest.iter().skip(hand).step_by(HANDS).copied()))
    }

    /// Whether there are no more.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.rest.pop_front().unwrap_or(0)
    }

    /// A number below `limit`, which is at most 256.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.byte()))
    }

    pub(super) fn wide(&mut self) -> u64 {
        u64::from(self.word()) << 32 | u64::from(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dealt_bytes_go_by_turns() {
        let hands = Bytes::new(1..=5).deal::<2>();
        let rest = hands.map(|hand| Vec::from(hand.rest));
        assert_eq!(rest, [vec![1, 3, 5], vec![2, 4]]);
    }

    #[test]
    fn bytes_that_are_used_up_decide_for_nothing() {
        let mut bytes = Bytes::new([7, 1].into_iter());
        assert_eq!(bytes.below(4), 3);
        assert_eq!(bytes.word(), 1);
        assert!(bytes.is_empty());
        assert_eq!((bytes.byte(), bytes.wide()), (0, 0));
    }
}
