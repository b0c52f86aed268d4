//! Access tokens that passed a moment ago. Their form, signature and claims do not change, and cost most to check.
//!
//! A token is known by the SHA-256 of the whole of it: keyed by less, a forged one would pass for the one it resembles. What was
//! checked counts as long as the very key that checked it is known, so at most as long as a key is held without asking the
//! store. Time is asked again at each use, and so is the session, by whoever asks here.
//!
//! Each open connection leaves one behind, so it is small: 144 bytes, and nothing that others have too.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use super::{keys::VerifyingEntry, tokens::TokenClaims};
use crate::{
    error::AuthError,
    ids::SessionId,
    jose::{Times, Validity},
    secret::{Fingerprint, RawToken},
    time::Timestamp,
};

const SHARDS: usize = 16;
const PER_SHARD: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");

/// A token whose signature is its key's, and whose shape is that of its session's face.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) session: SessionId,
    pub(super) audience: Arc<str>,
    pub(super) times: Times,
    pub(super) key: Arc<VerifyingEntry>,
}

impl Checked {
    /// Refuses what no longer counts by itself.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), AuthError> {
        self.times.check(&Validity::at(now))?;
        self.key.admit(now)
    }
}

/// Tokens by what they are known by.
type Shard = Mutex<LruCache<Fingerprint, Checked>>;

/// Bounded memory of tokens.
pub(super) struct Verified {
    shards: [Shard; SHARDS],
    /// One copy of each audience: there are few.
    audiences: Mutex<HashSet<Arc<str>>>,
}

impl Default for Verified {
    fn default() -> Self {
        // Unbounded in form, so that an idle server does not pay for the capacity; `remember` keeps the bound.
        Self { shards: std::array::from_fn(|_| Mutex::new(LruCache::unbounded())), audiences: Mutex::default() }
    }
}

impl Verified {
    const TIDY_ABOVE: usize = 1024;

    fn shard(&self, token: &Fingerprint) -> &Shard {
        &self.shards[usize::from(token[0]) % SHARDS]
    }

    pub(super) fn recall(&self, token: &RawToken) -> Option<Checked> {
        let name = token.fingerprint();
        self.shard(name).lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn remember(&self, token: &RawToken, passed: TokenClaims) {
        let TokenClaims { session, audience, times, key, .. } = passed;
        let audience = self.audience(audience.unwrap_or_default());
        let name = token.fingerprint();
        let mut shard = self.shard(name).lock().unwrap_or_else(PoisonError::into_inner);
        shard.put(*name, Checked { session, audience, times, key });
        if shard.len() > PER_SHARD.get() {
            shard.pop_lru();
        }
    }

    fn audience(&self, name: String) -> Arc<str> {
        let mut known = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.get(name.as_str()) {
            return Arc::clone(same);
        }
        if known.len() >= Self::TIDY_ABOVE {
            known.retain(|other| Arc::strong_count(other) > 1);
        }
        let name: Arc<str> = name.into();
        known.insert(Arc::clone(&name));
        name
    }
}
