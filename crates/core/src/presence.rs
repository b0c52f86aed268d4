//! Presence: which connections are open, on which node, for how long that node vouches for them.

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

/// Storage of presence.
pub trait PresenceStore {
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
