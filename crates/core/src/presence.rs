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
    Closed(ConnectionId, IdentityId),
}

impl PresenceChange {
    /// The connection.
    pub const fn connection(&self) -> ConnectionId {
        match self {
            Self::Opened(presence) => presence.connection,
            Self::Closed(connection, _) => *connection,
        }
    }

    /// Whose it is.
    pub const fn identity(&self) -> IdentityId {
        match self {
            Self::Opened(presence) => presence.identity,
            Self::Closed(_, identity) => *identity,
        }
    }
}

/// What other nodes have beside a connection: others of the same identity and face, of nodes whose lease runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// One that signed in later.
    pub newer: bool,
    /// One that signed in earlier.
    pub older: bool,
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

    /// Whether a connection that would be reached on its own node is, beside what other nodes have.
    pub const fn reaches(self, beside: Elsewhere) -> bool {
        match self {
            // With `Refuse`, one that came later was let in when this one did not count any more, or in its place.
            Self::Newest | Self::Refuse => !beside.newer,
            Self::Oldest => !beside.older,
            Self::All => true,
        }
    }

    /// Whether a connection is told that another one took its place, when a newer one is found on another node.
    pub const fn yields(self, beside: Elsewhere) -> bool {
        matches!(self, Self::Newest | Self::Refuse) && beside.newer
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
    /// Adds a connection unless another node that is alive has one of the same identity, `instead_of` left out. Of two that
    /// come at once one is added.
    fn claim_presence(&mut self, presence: &Presence, instead_of: Option<ConnectionId>) -> StoreResult<bool>;
    /// Adds a connection.
    fn open_presence(&mut self, presence: &Presence) -> StoreResult<()>;
    /// Extends the lease of all connections of a node and reports how many.
    fn renew_presence(&mut self, node: &str, lease_until: Timestamp) -> StoreResult<u64>;
    /// Removes a connection; `false` when it is gone already.
    fn close_presence(&mut self, connection: ConnectionId) -> StoreResult<bool>;
    /// Connections of an identity whose lease runs, oldest first.
    fn presence_of(&mut self, identity: IdentityId, now: Timestamp) -> StoreResult<Vec<Presence>>;
    /// Whether another node than this one is alive.
    fn has_company(&mut self, node: &str, now: Timestamp) -> StoreResult<bool>;
    /// What live nodes have beside the connections of this one, of one identity or of all; connections without are left out.
    fn presence_beside(
        &mut self,
        node: &str,
        identity: Option<IdentityId>,
        now: Timestamp,
    ) -> StoreResult<Vec<(IdentityId, ConnectionId, Elsewhere)>>;
    /// The newest connection of an endpoint of a group whose lease runs.
    fn presence_in_group(&mut self, group: EndpointGroupId, now: Timestamp) -> StoreResult<Option<Presence>>;
    /// Removes up to `limit` connections whose lease ended before `before`, and reports how many.
    fn sweep_presence(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n58_what_another_node_has_counts_like_what_this_one_has() {
        let [none, newer, older] = [(false, false), (true, false), (false, true)];
        let table = [
            (InboundPolicy::Newest, none, true, false),
            (InboundPolicy::Newest, newer, false, true),
            (InboundPolicy::Newest, older, true, false),
            (InboundPolicy::Oldest, newer, true, false),
            (InboundPolicy::Oldest, older, false, false),
            (InboundPolicy::All, newer, true, false),
            (InboundPolicy::Refuse, older, true, false),
            (InboundPolicy::Refuse, newer, false, true),
        ];
        for (policy, (newer, older), reaches, yields) in table {
            let beside = Elsewhere { newer, older };
            assert_eq!((policy.reaches(beside), policy.yields(beside)), (reaches, yields), "{policy:?} {beside:?}");
        }
    }

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
