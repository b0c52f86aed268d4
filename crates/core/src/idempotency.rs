//! Answers remembered so that a request sent twice is done once (`Idempotency-Key`).

use std::time::Duration;

use crate::{seal::Sealed, secret::TokenDigest, store::StoreResult, time::Timestamp};

/// For so long a repetition gets the first answer.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// A request that was begun, and its answer once there is one.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The digest of who asked, for what, and of the key they gave.
    pub name: TokenDigest,
    /// The digest of what they sent.
    pub request: TokenDigest,
    /// What they were answered, sealed: it may hold tokens.
    pub answer: Option<Sealed>,
    /// When they asked.
    pub created_at: Timestamp,
}

/// Storage of remembered answers.
pub trait IdempotencyStore {
    /// Remembers a request; `false` when one of this name is remembered already. One from before `forgotten` is not.
    fn remember_request(&mut self, new: &Remembered, forgotten: Timestamp) -> StoreResult<bool>;
    /// What is remembered under a name.
    fn remembered(&mut self, name: &TokenDigest) -> StoreResult<Option<Remembered>>;
    /// Remembers the answer as well.
    fn remember_answer(&mut self, name: &TokenDigest, answer: &Sealed) -> StoreResult<()>;
    /// Forgets a request.
    fn forget_request(&mut self, name: &TokenDigest) -> StoreResult<()>;
    /// Forgets up to `limit` requests from before `before`, and reports how many.
    fn sweep_remembered(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
