//! The one timer of all connections: slots of a second, whose entries are looked at and put back where they are next due.

/// Slots of one second each.
pub(super) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// The last second whose slot was emptied.
    second: u64,
}

impl<T> Wheel<T> {
    /// An entry due later than this is looked at once in between.
    const SECONDS: u64 = 512;

    /// A wheel whose next second follows `second`.
    pub(super) fn new(second: u64) -> Self {
        Self { slots: (0..Self::SECONDS).map(|_| Vec::new()).collect(), second }
    }

    fn slot(second: u64) -> usize {
        usize::try_from(second % Self::SECONDS).expect("less than 512")
    }

    /// Puts an entry where it is looked at when `second` begins: not before the next second, and early if that is far away.
    /// Returns when that will be.
    pub(super) fn put(&mut self, second: u64, entry: T) -> u64 {
        let second = second.clamp(self.second + 1, self.second + Self::SECONDS - 1);
        self.slots[Self::slot(second)].push(entry);
        second
    }

    /// Every entry, left-overs included.
    pub(super) fn entries(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }

    /// Takes out everything that is due when `second` has begun.
    pub(super) fn turn(&mut self, second: u64) -> Vec<T> {
        let mut due = Vec::new();
        let steps = second.saturating_sub(self.second).min(Self::SECONDS);
        for step in 1..=steps {
            let mut slot = std::mem::take(&mut self.slots[Self::slot(self.second + step)]);
            if due.is_empty() { due = slot } else { due.append(&mut slot) }
        }
        self.second = self.second.max(second);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_in_their_second_and_never_before() {
        let mut wheel = Wheel::new(100);
        for second in [100, 101, 102, 102, 105] {
            wheel.put(second, second);
        }
        assert_eq!(wheel.turn(100), [0_u64; 0]);
        assert_eq!(wheel.turn(101), [100, 101]);
        assert_eq!(wheel.turn(104), [102, 102]);
        assert_eq!(wheel.turn(104), [0_u64; 0]);
        assert_eq!(wheel.turn(105), [105]);
    }

    #[test]
    fn what_is_far_away_is_looked_at_in_between() {
        let mut wheel = Wheel::new(0);
        wheel.put(100_000, 'a');
        assert_eq!(wheel.turn(510), ['a'; 0]);
        assert_eq!(wheel.turn(511), ['a']);
    }

    #[test]
    fn n97_a_jump_of_hours_empties_every_slot_once() {
        let mut wheel = Wheel::new(7);
        for second in 8..500 {
            wheel.put(second, ());
        }
        assert_eq!(wheel.turn(90_000).len(), 492);
        wheel.put(90_001, ());
        assert_eq!(wheel.turn(90_001).len(), 1);
    }
}
