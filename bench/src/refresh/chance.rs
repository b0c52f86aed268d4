//! Chance that begins where it is told, so that a run can be repeated.

/// A sequence of numbers (xorshift64*).
pub(super) struct Chance(u64);

impl Chance {
    /// The sequence of one of several who share a seed.
    pub(super) fn of(seed: u64, number: usize) -> Self {
        let number = u64::try_from(number).unwrap_or_default();
        // Zero would stay zero.
        Self((seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1)
    }

    /// Below 100.
    pub(super) fn percent(&mut self) -> u64 {
        self.below(100)
    }

    /// Below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}
