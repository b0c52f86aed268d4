//! What was read of the store, remembered for a while (docs/adr/0030-memory.md): bounded, forgotten at once when an event says
//! so, and asked of the store again when it has become old, in case an announcement was missed.

use std::{
    hash::Hash,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lru::LruCache;

use crate::{
    ids::{IdentityId, SessionId},
    secret::Fingerprint,
    time::Timestamp,
};

const SHARDS: usize = 16;

/// What something is remembered under.
pub(super) trait Name: Eq + Hash + Clone {
    /// A byte that spreads names evenly over shards.
    fn spread(&self) -> u8;
}

impl Name for SessionId {
    fn spread(&self) -> u8 {
        (*self).spread()
    }
}

impl Name for IdentityId {
    fn spread(&self) -> u8 {
        (*self).spread()
    }
}

impl Name for Fingerprint {
    fn spread(&self) -> u8 {
        self[0]
    }
}

struct Remembered<V> {
    value: V,
    since: Timestamp,
}

/// A look at the store that has begun: what it finds is remembered only if nothing was forgotten meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Look(u64);

/// Bounded memory of what the store said.
pub(super) struct Memory<K, V> {
    shards: [Mutex<LruCache<K, Remembered<V>>>; SHARDS],
    most_per_shard: usize,
    /// Grows whenever something is forgotten.
    generation: AtomicU64,
}

impl<K: Name, V: Clone> Memory<K, V> {
    /// A memory of so many things.
    pub(super) fn of(most: usize) -> Self {
        Self {
            // Unbounded in form, so that an idle server does not pay for the capacity; `remember` keeps the bound.
            shards: std::array::from_fn(|_| Mutex::new(LruCache::unbounded())),
            most_per_shard: most.div_ceil(SHARDS),
            generation: AtomicU64::new(0),
        }
    }

    fn shard(&self, name: &K) -> MutexGuard<'_, LruCache<K, Remembered<V>>> {
        self.shards[usize::from(name.spread()) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store said no longer than `within` ago.
    pub(super) fn recall(&self, name: &K, now: Timestamp, within: Duration) -> Option<V> {
        let mut shard = self.shard(name);
        let found = shard.get(name)?;
        (found.since <= now && now.since(found.since) < within).then(|| found.value.clone())
    }

    /// Begins a look at the store.
    pub(super) fn look(&self) -> Look {
        Look(self.generation.load(Ordering::SeqCst))
    }

    /// Remembers what a look found, which was begun at `now` at the earliest.
    pub(super) fn remember(&self, name: K, value: V, now: Timestamp, look: Look) {
        let mut shard = self.shard(&name);
        // Checked under the lock that `forget` takes too, after it has raised the generation.
        if self.generation.load(Ordering::SeqCst) != look.0 {
            return;
        }
        shard.put(name, Remembered { value, since: now });
        if shard.len() > self.most_per_shard {
            shard.pop_lru();
        }
    }

    /// Forgets what has not changed.
    pub(super) fn unlearn(&self, name: &K) {
        self.shard(name).pop(name);
    }

    /// Forgets what has changed.
    pub(super) fn forget(&self, name: &K) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.unlearn(name);
    }

    /// Forgets everything that has changed.
    pub(super) fn forget_where(&self, changed: impl Fn(&V) -> bool) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let concerned: Vec<_> =
                shard.iter().filter(|(_, kept)| changed(&kept.value)).map(|(name, _)| name.clone()).collect();
            for name in concerned {
                shard.pop(&name);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const WITHIN: Duration = Duration::from_secs(30);

    fn name(first: u8, last: u8) -> Fingerprint {
        let mut name = [0; 32];
        (name[0], name[31]) = (first, last);
        name
    }

    #[test]
    fn what_was_read_counts_for_a_while_and_never_before_it_was_read() {
        let memory = Memory::of(16);
        memory.remember(name(1, 1), "read", NOW, memory.look());
        assert_eq!(memory.recall(&name(1, 1), NOW, WITHIN), Some("read"));
        assert_eq!(memory.recall(&name(1, 1), NOW + WITHIN, WITHIN), None);
        assert_eq!(memory.recall(&name(1, 1), Timestamp::from_millis(NOW.millis() - 1), WITHIN), None);
    }

    #[test]
    fn a_look_that_began_before_something_was_forgotten_leaves_no_trace() {
        let memory = Memory::of(16);
        let ways: [fn(&Memory<Fingerprint, &'static str>); 3] =
            [|memory| memory.forget(&name(1, 1)), |memory| memory.forget_where(|_| false), |memory| memory.clear()];
        for forget in ways {
            let look = memory.look();
            forget(&memory);
            memory.remember(name(1, 1), "old", NOW, look);
            assert_eq!(memory.recall(&name(1, 1), NOW, WITHIN), None);
        }
        let look = memory.look();
        memory.unlearn(&name(1, 1));
        memory.remember(name(1, 1), "true", NOW, look);
        assert_eq!(memory.recall(&name(1, 1), NOW, WITHIN), Some("true"));
    }

    #[test]
    fn the_longest_unused_goes_first_when_a_shard_is_full() {
        let memory = Memory::of(2 * SHARDS);
        for last in [1, 2] {
            memory.remember(name(1, last), last, NOW, memory.look());
        }
        assert_eq!(memory.recall(&name(1, 1), NOW, WITHIN), Some(1));
        memory.remember(name(1, 3), 3, NOW, memory.look());
        let known = [1, 2, 3].map(|last| memory.recall(&name(1, last), NOW, WITHIN));
        assert_eq!(known, [Some(1), None, Some(3)]);
        memory.forget_where(|value| *value == 3);
        assert_eq!(memory.recall(&name(1, 3), NOW, WITHIN), None);
    }
}
