//! Access tokens that were checked a moment ago. Their form, signature and claims do not change, and cost most to check.
//!
//! A token is known by the SHA-256 of the whole of it: keyed by less, a forged one would pass for the one it resembles. What was
//! checked counts as long as the very key that checked it is known, so at most as long as a key is held without asking the
//! store. Time is asked again at each use, and so is the session, by whoever asks here.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lru::LruCache;

use super::{keys::VerifyingEntry, tokens::TokenClaims};
use crate::{
    jose::Times,
    secret::{Fingerprint, RawToken},
};

const SHARDS: usize = 16;
const PER_SHARD: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");

/// A token whose signature is its key's.
pub(super) struct Checked {
    pub(super) claims: TokenClaims,
    pub(super) times: Times,
    pub(super) kid: String,
    pub(super) key: Arc<VerifyingEntry>,
    /// Whether it has the shape of the face that its session was started through: neither ever changes.
    fits: AtomicBool,
}

impl Checked {
    pub(super) fn new(claims: TokenClaims, times: Times, kid: String, key: Arc<VerifyingEntry>) -> Self {
        Self { claims, times, kid, key, fits: AtomicBool::new(false) }
    }

    pub(super) fn fits(&self) -> bool {
        self.fits.load(Ordering::Relaxed)
    }

    pub(super) fn set_fits(&self) {
        self.fits.store(true, Ordering::Relaxed);
    }
}

/// Bounded memory of tokens by what they are known by.
pub(super) struct Verified([Mutex<LruCache<Fingerprint, Arc<Checked>>>; SHARDS]);

impl Default for Verified {
    fn default() -> Self {
        // Unbounded in form, so that an idle server does not pay for the capacity; `remember` keeps the bound.
        Self(std::array::from_fn(|_| Mutex::new(LruCache::unbounded())))
    }
}

impl Verified {
    fn shard(&self, token: &Fingerprint) -> &Mutex<LruCache<Fingerprint, Arc<Checked>>> {
        &self.0[usize::from(token[0]) % SHARDS]
    }

    pub(super) fn recall(&self, token: &RawToken) -> Option<Arc<Checked>> {
        let name = token.fingerprint();
        self.shard(name).lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn remember(&self, token: &RawToken, checked: &Arc<Checked>) {
        let name = token.fingerprint();
        let mut shard = self.shard(name).lock().unwrap_or_else(PoisonError::into_inner);
        shard.put(*name, Arc::clone(checked));
        if shard.len() > PER_SHARD.get() {
            shard.pop_lru();
        }
    }
}
