//! Connections that nobody has signed in on yet, counted by address: opening many and saying nothing costs the one who does.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use super::client_of;

/// How many connections wait per client address.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<IpAddr, u32>>);

impl Waiting {
    /// Many people may share an address; each of them waits for a moment only.
    const MOST: u32 = 200;

    /// Counts one more; `false` when there are too many.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> bool {
        let Some(client) = address.map(client_of) else { return true };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        let admitted = *count < Self::MOST;
        *count += u32::from(admitted);
        admitted
    }

    /// Counts one less: it has signed in or gone.
    pub(super) fn leave(&self, address: Option<IpAddr>) {
        let Some(client) = address.map(client_of) else { return };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_so_many_waiting_and_no_more() {
        let (waiting, ann, bob) = (Waiting::default(), "2001:db8::1".parse().ok(), "2001:db8:0:1::1".parse().ok());
        assert!((0..Waiting::MOST).all(|_| waiting.enter(ann)));
        let neighbour = "2001:db8::2".parse().ok();
        assert_eq!([ann, neighbour, bob].map(|address| waiting.enter(address)), [false, false, true]);
        waiting.leave(ann);
        assert!(waiting.enter(neighbour));
    }
}
