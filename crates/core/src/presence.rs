//! Presence: which connections are open, on which node, for how long that node vouches for them, and which of an identity's
//! connections is reached.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ApplicationId, ConnectionId, EndpointGroupId, IdentityId, ProjectId, SessionId},
    store::StoreResult,
    time::Timestamp,
};

/// An open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Its id.
    pub connection: ConnectionId,
    /// Its project.
    pub project: ProjectId,
    /// The application of its session.
    pub application: Option<ApplicationId>,
    /// Its session.
    pub session: SessionId,
    /// Whose it is.
    pub identity: IdentityId,
    /// The face it came through.
    pub dialect: String,
    /// The node that holds it.
    pub node: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when the node vouches for it; a dead node's rows end here.
    pub lease_until: Timestamp,
}

/// A connection that opened or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceChange {
    /// It opened.
    Opened(Presence),
    /// It closed.
    Closed(ConnectionId),
}

impl PresenceChange {
    /// The connection.
    pub const fn connection(&self) -> ConnectionId {
        match self {
            Self::Opened(presence) => presence.connection,
            Self::Closed(connection) => *connection,
        }
    }
}

/// Which connections of one identity are reached from outside when it has several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundPolicy {
    /// The one that signed in last.
    #[default]
    Newest,
    /// The one that signed in first.
    Oldest,
    /// All of them.
    All,
    /// The only one: another may not sign in while it is open.
    Refuse,
}

impl InboundPolicy {
    /// Whether one more connection may sign in beside `others`.
    pub const fn admits(self, others: usize) -> bool {
        match self {
            Self::Newest | Self::Oldest | Self::All => true,
            Self::Refuse => others == 0,
        }
    }

    /// Those of `connections`, in order of sign-in, that are reached.
    pub fn reached<T>(self, connections: &[T]) -> &[T] {
        let count = connections.len();
        match self {
            Self::Newest => &connections[count.saturating_sub(1)..],
            Self::Oldest | Self::Refuse => &connections[..count.min(1)],
            Self::All => connections,
        }
    }

    /// Whether a connection that is not the newest stops being reached when a newer one signs in.
    pub const fn displaces(self) -> bool {
        matches!(self, Self::Newest)
    }
}

/// Which open connections of a project are looked for; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceFilter {
    /// The face they came through.
    pub dialect: Option<String>,
    /// The node that holds them.
    pub node: Option<String>,
    /// Whose they are.
    pub identity: Option<IdentityId>,
}

/// Storage of presence.
pub trait PresenceStore {
    /// Connections of a project whose lease runs, in order of id, after `after`.
    fn presences(
        &mut self,
        project: ProjectId,
        filter: &PresenceFilter,
        now: Timestamp,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> StoreResult<Vec<Presence>>;
    /// Adds a connection.
    fn open_presence(&mut self, presence: &Presence) -> StoreResult<()>;
    /// Extends the lease of all connections of a node and reports how many.
    fn renew_presence(&mut self, node: &str, lease_until: Timestamp) -> StoreResult<u64>;
    /// Removes a connection; `false` when it is gone already.
    fn close_presence(&mut self, connection: ConnectionId) -> StoreResult<bool>;
    /// Connections of an identity whose lease runs, oldest first.
    fn presence_of(&mut self, identity: IdentityId, now: Timestamp) -> StoreResult<Vec<Presence>>;
    /// The newest connection of an endpoint of a group whose lease runs.
    fn presence_in_group(&mut self, group: EndpointGroupId, now: Timestamp) -> StoreResult<Option<Presence>>;
    /// Removes up to `limit` connections whose lease ended before `before`, and reports how many.
    fn sweep_presence(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n58_the_policy_decides_who_is_reached_and_who_may_come_in() {
        let table = [
            (InboundPolicy::Newest, vec![3], true),
            (InboundPolicy::Oldest, vec![1], true),
            (InboundPolicy::All, vec![1, 2, 3], true),
            (InboundPolicy::Refuse, vec![1], false),
        ];
        for (policy, reached, admits) in table {
            assert_eq!(policy.reached(&[1, 2, 3]), reached, "{policy:?}");
            assert!(policy.reached::<u8>(&[]).is_empty());
            assert_eq!((policy.admits(0), policy.admits(1)), (true, admits), "{policy:?}");
        }
    }
}
