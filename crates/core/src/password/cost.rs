//! What a password hash costs: the parameters of Argon2 and the memory a thread keeps for it.

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::error::BoxError;

/// The most memory that one hash may ask for, ours or imported: 128 MiB.
pub(super) const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;

/// The cost of an Argon2 hash. The default is OWASP's: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB, up to 128 MiB.
    pub memory_kib: u32,
    /// Passes over the memory, up to 16.
    pub passes: u32,
    /// Lanes, up to 8; they are computed one after the other.
    pub lanes: u32,
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Argon2Params {
    /// The parameters for Argon2 itself, or `None` when they are impossible or above the limits.
    pub(super) fn checked(self) -> Option<Params> {
        let affordable = self.memory_kib <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES;
        affordable.then(|| Params::new(self.memory_kib, self.passes, self.lanes, None).ok())?
    }
}

/// One thread's memory for Argon2. It is allocated by the first hash and used again by the next: that saves an eighth
/// of the time, and a flood of sign-ins holds one block per thread instead of one per request.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
    /// Argon2 computations made with it.
    pub(super) runs: u64,
}

impl Memory {
    /// Computes Argon2 of `password` into `output`.
    pub(super) fn argon2(
        &mut self,
        (algorithm, version, params): (Algorithm, Version, &Params),
        (password, salt): (&[u8], &[u8]),
        output: &mut [u8],
    ) -> Result<(), BoxError> {
        let needed = params.block_count();
        if let Some(missing) = needed.checked_sub(self.blocks.len()) {
            self.blocks.try_reserve_exact(missing)?;
            self.blocks.resize(needed, Block::new());
        }
        self.runs += 1;
        let argon2 = Argon2::new(algorithm, version, params.clone());
        Ok(argon2.hash_password_into_with_memory(password, salt, output, &mut self.blocks[..needed])?)
    }

    /// Gives back what an imported hash needed beyond `usual`.
    pub(super) fn shrink_to(&mut self, usual: &Params) {
        self.blocks.truncate(usual.block_count());
        self.blocks.shrink_to_fit();
    }
}
