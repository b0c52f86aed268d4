//! Who of an account is online: the sockets of this node by account, told when somebody comes first or goes last.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ringfence_core::ids::{ApplicationId, IdentityId};

use crate::live::{Connection, Directive};

/// The sockets of this node.
#[derive(Clone, Default)]
pub(super) struct Rooms(Arc<Mutex<HashMap<ApplicationId, Vec<Seat>>>>);

/// One of them.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) account: ApplicationId,
    pub(super) user: IdentityId,
    pub(super) connection: Arc<Connection>,
}

impl Rooms {
    fn rooms(&self) -> MutexGuard<'_, HashMap<ApplicationId, Vec<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat, and tells the others if its user has no other.
    pub(super) fn enter(&self, seat: Seat, news: impl FnOnce() -> String) {
        let others = {
            let mut rooms = self.rooms();
            let room = rooms.entry(seat.account).or_default();
            let others = others(room, seat.user);
            room.push(seat);
            others
        };
        tell(others, news);
    }

    /// Gives a seat up, and tells the others if it was the user's last.
    pub(super) fn leave(&self, seat: &Seat, news: impl FnOnce() -> String) {
        let others = {
            let mut rooms = self.rooms();
            let Some(room) = rooms.get_mut(&seat.account) else { return };
            room.retain(|other| other.connection.id() != seat.connection.id());
            let others = others(room, seat.user);
            if room.is_empty() {
                rooms.remove(&seat.account);
            }
            others
        };
        tell(others, news);
    }
}

/// Whoever is to be told about `user`: nobody while they are there themselves.
fn others(room: &[Seat], user: IdentityId) -> Vec<Arc<Connection>> {
    if room.iter().any(|seat| seat.user == user) {
        return Vec::new();
    }
    room.iter().map(|seat| Arc::clone(&seat.connection)).collect()
}

fn tell(others: Vec<Arc<Connection>>, news: impl FnOnce() -> String) {
    if others.is_empty() {
        return;
    }
    let frame = news();
    for other in others {
        other.post(Directive::Deliver(frame.clone()));
    }
}
