//! One copy of what many sessions have in common: thousands of open connections have their project and their group once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Kept once, as long as anybody has it.
pub(super) struct Shared<K, T>(Mutex<HashMap<K, Weak<T>>>);

impl<K, T> Default for Shared<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, T: PartialEq> Shared<K, T> {
    const TIDY_ABOVE: usize = 1024;

    /// The known copy of what was read just now, if it is still the same.
    pub(super) fn same(&self, key: K, read: Arc<T>) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.get(&key).and_then(Weak::upgrade).filter(|same| *same == read) {
            return same;
        }
        if known.len() >= Self::TIDY_ABOVE {
            known.retain(|_, other| other.strong_count() > 0);
        }
        known.insert(key, Arc::downgrade(&read));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_copies_become_one_and_a_changed_one_replaces_it() {
        let shared = Shared::<u8, String>::default();
        let [first, again, changed] = ["a", "a", "b"].map(|text| shared.same(1, Arc::new(text.to_owned())));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*changed, "b");
        assert!(Arc::ptr_eq(&changed, &shared.same(1, Arc::new("b".to_owned()))));
    }
}
