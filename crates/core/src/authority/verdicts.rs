//! What identity providers said of tokens a moment ago, so that a token shown with each request does not mean a question to the
//! provider with each request.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;

use crate::{secret::TokenDigest, time::Timestamp};

/// A provider may take a token back at any moment and tells nobody: after this it is asked again.
const KEPT: Duration = Duration::from_mins(1);
const MOST: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// Bounded memory of tokens that their provider stood for; a refusal is never kept.
pub(super) struct Verdicts(Mutex<LruCache<TokenDigest, Verdict>>);

#[derive(Clone, Copy)]
struct Verdict {
    since: Timestamp,
    until: Timestamp,
}

impl Default for Verdicts {
    fn default() -> Self {
        // Unbounded in form, so that an idle server does not pay for the capacity; `remember` keeps the bound.
        Self(Mutex::new(LruCache::unbounded()))
    }
}

impl Verdicts {
    /// Whether the provider stood for it so short a time ago that it need not be asked.
    pub(super) fn stands(&self, token: &TokenDigest, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(token).is_some_and(|verdict| verdict.since <= now && now < verdict.until)
    }

    /// Remembers that the provider stands for it now, and until `ends` at most.
    pub(super) fn remember(&self, token: TokenDigest, now: Timestamp, ends: Option<Timestamp>) {
        let kept = now + KEPT;
        let until = ends.map_or(kept, |ends| ends.min(kept));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(token, Verdict { since: now, until });
        if known.len() > MOST.get() {
            known.pop_lru();
        }
    }
}
