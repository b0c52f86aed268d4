//! Who is connected, found by session, identity, application, group of endpoints and project. Sharded by key; members are copied out of a lock.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ringfence_core::ids::{ApplicationId, ConnectionId, EndpointGroupId, IdentityId, ProjectId, SessionId};

use super::connection::Connection;

/// What connections are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The session.
    Session(SessionId),
    /// Whose session it is.
    Identity(IdentityId),
    /// The application it was started through.
    Application(ApplicationId),
    /// The group of endpoints that its owner belongs to.
    EndpointGroup(EndpointGroupId),
    /// Its project.
    Project(ProjectId),
}

const SHARDS: usize = 16;

/// The connections that have signed in.
#[derive(Default)]
pub(super) struct Index {
    shards: [Mutex<HashMap<Key, Members>>; SHARDS],
    hasher: RandomState,
}

/// Most sessions and identities have one connection.
enum Members {
    One(Arc<Connection>),
    Many(HashMap<ConnectionId, Arc<Connection>>),
}

impl Members {
    fn add(&mut self, connection: &Arc<Connection>) {
        match self {
            Self::One(one) if one.id() == connection.id() => {}
            Self::One(one) => {
                let both = [Arc::clone(one), Arc::clone(connection)];
                *self = Self::Many(both.map(|member| (member.id(), member)).into());
            }
            Self::Many(many) => drop(many.insert(connection.id(), Arc::clone(connection))),
        }
    }

    /// Takes one out and says whether none is left.
    fn remove(&mut self, id: ConnectionId) -> bool {
        match self {
            Self::One(one) => one.id() == id,
            Self::Many(many) => {
                many.remove(&id);
                many.is_empty()
            }
        }
    }

    fn others_than(&self, id: ConnectionId) -> usize {
        match self {
            Self::One(one) => usize::from(one.id() != id),
            Self::Many(many) => many.len() - usize::from(many.contains_key(&id)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Connection>> {
        let (one, many) = match self {
            Self::One(one) => (Some(one), None),
            Self::Many(many) => (None, Some(many.values())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }
}

impl Index {
    fn shard(&self, key: Key) -> MutexGuard<'_, HashMap<Key, Members>> {
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).expect("less than 16");
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, key: Key, connection: &Arc<Connection>) {
        self.enter_if(key, connection, |_| true);
    }

    /// Enters the connection if `admits` agrees to the number of others, and says whether it did.
    pub(super) fn enter_if(&self, key: Key, connection: &Arc<Connection>, admits: impl Fn(usize) -> bool) -> bool {
        let mut shard = self.shard(key);
        match shard.entry(key) {
            Entry::Vacant(vacant) => {
                let admitted = admits(0);
                if admitted {
                    vacant.insert(Members::One(Arc::clone(connection)));
                }
                admitted
            }
            Entry::Occupied(mut members) => {
                let admitted = admits(members.get().others_than(connection.id()));
                if admitted {
                    members.get_mut().add(connection);
                }
                admitted
            }
        }
    }

    pub(super) fn leave(&self, key: Key, connection: &Connection) {
        if let Entry::Occupied(mut members) = self.shard(key).entry(key)
            && members.get_mut().remove(connection.id())
        {
            members.remove();
        }
    }

    /// The connections under a key.
    pub(super) fn members(&self, key: Key) -> Vec<Arc<Connection>> {
        self.shard(key).get(&key).map(|members| members.iter().cloned().collect()).unwrap_or_default()
    }

    /// Every session that has a connection.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.collect(|key, _| if let Key::Session(id) = key { Some(*id) } else { None })
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.collect(|key, members| matches!(key, Key::Session(_)).then(|| members.len())).into_iter().sum()
    }

    fn collect<T>(&self, pick: impl Fn(&Key, &Members) -> Option<T>) -> Vec<T> {
        let mut picked = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            picked.extend(shard.iter().filter_map(|(key, members)| pick(key, members)));
        }
        picked
    }
}
