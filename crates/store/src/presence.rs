//! Presence: connections, and the leases of the nodes that hold them.
//!
//! A lease is a row of its node, not of each connection, so renewing it costs the same for one connection and for thousands.

use std::collections::HashMap;

use ringfence_core::{
    ids::{ConnectionId, EndpointGroupId, IdentityId, ProjectId},
    presence::{Elsewhere, Presence, PresenceFilter, PresenceStore},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, after},
    sql::{Value, values},
    tx::SqlTx,
};

fn presence(row: &mut Row) -> StoreResult<Presence> {
    Ok(Presence {
        connection: row.id()?,
        project: row.id()?,
        application: row.opt_id()?,
        session: row.id()?,
        identity: row.id()?,
        dialect: row.text()?,
        node: row.text()?,
        since: row.time()?,
        lease_until: row.time()?,
    })
}

/// Connections of a node, each with one of the same identity and face on another node that is alive.
macro_rules! beside {
    ($filter:literal) => {
        concat!(
            "SELECT mine.identity_id, mine.connection_id, mine.opened_at, other.connection_id, other.opened_at
             FROM presence AS mine
                 JOIN presence AS other ON other.identity_id = mine.identity_id AND other.dialect = mine.dialect
                 JOIN presence_node ON presence_node.node = other.node
             WHERE mine.node = $1 AND other.node <> $1 AND presence_node.lease_until > $2",
            $filter
        )
    };
}

/// A connection, whose it is, and whether the other one is newer than it.
fn pair(row: &mut Row) -> StoreResult<(IdentityId, ConnectionId, bool)> {
    let (identity, mine, since): (_, ConnectionId, _) = (row.id()?, row.id()?, row.time()?);
    let other: ConnectionId = row.id()?;
    Ok((identity, mine, (row.time()?, other) > (since, mine)))
}

impl PresenceStore for SqlTx<'_> {
    fn claim_presence(&mut self, presence: &Presence, instead_of: Option<ConnectionId>) -> StoreResult<bool> {
        // Changes nothing, and has others who claim the same wait until this is committed.
        self.execute("UPDATE identity SET updated_at = updated_at WHERE id = $1", values![presence.identity])?;
        let taken = self.one(
            "SELECT count(*) FROM presence JOIN presence_node ON presence_node.node = presence.node
             WHERE presence.identity_id = $1 AND presence.node <> $2 AND presence_node.lease_until > $3
                 AND (CAST($4 AS TEXT) IS NULL OR presence.connection_id <> $4)",
            values![presence.identity, &presence.node, presence.since, instead_of],
            Row::count,
        )?;
        if taken.unwrap_or(0) > 0 {
            return Ok(false);
        }
        self.open_presence(presence).map(|()| true)
    }

    fn open_presence(&mut self, presence: &Presence) -> StoreResult<()> {
        // Only when the node has no running lease: on PostgreSQL its connections would otherwise wait for one another here.
        self.execute(
            "INSERT INTO presence_node (node, lease_until)
             SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT)
             WHERE NOT EXISTS (SELECT 1 FROM presence_node WHERE node = $1 AND lease_until > $3)
             ON CONFLICT (node) DO UPDATE SET lease_until = excluded.lease_until
             WHERE presence_node.lease_until < excluded.lease_until",
            values![&presence.node, presence.lease_until, presence.since],
        )?;
        self.later(
            "INSERT INTO presence (connection_id, project_id, application_id, session_id, identity_id, dialect, node,
                 opened_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![
                presence.connection,
                presence.project,
                presence.application,
                presence.session,
                presence.identity,
                &presence.dialect,
                &presence.node,
                presence.since
            ],
        )
    }

    fn renew_presence(&mut self, node: &str, lease_until: Timestamp) -> StoreResult<u64> {
        self.later(
            "INSERT INTO presence_node (node, lease_until) VALUES ($1, $2)
             ON CONFLICT (node) DO UPDATE SET lease_until = excluded.lease_until
             WHERE presence_node.lease_until < excluded.lease_until",
            values![node, lease_until],
        )?;
        let count = self.one("SELECT count(*) FROM presence WHERE node = $1", values![node], Row::count)?;
        Ok(count.unwrap_or(0))
    }

    fn close_presence(&mut self, connection: ConnectionId) -> StoreResult<bool> {
        self.changed("DELETE FROM presence WHERE connection_id = $1", values![connection])
    }

    fn presences(
        &mut self,
        project: ProjectId,
        filter: &PresenceFilter,
        now: Timestamp,
        after_id: Option<ConnectionId>,
        limit: u32,
    ) -> StoreResult<Vec<Presence>> {
        let given = |text: &'_ Option<String>| Value::Text(text.clone().unwrap_or_default().into());
        self.all(
            "SELECT presence.connection_id, presence.project_id, presence.application_id, presence.session_id,
                 presence.identity_id, presence.dialect, presence.node, presence.opened_at, presence_node.lease_until
             FROM presence JOIN presence_node ON presence_node.node = presence.node
             WHERE presence.project_id = $1 AND presence_node.lease_until > $2 AND presence.connection_id > $3
                 AND ($4 = '' OR presence.dialect = $4) AND ($5 = '' OR presence.node = $5)
                 AND ($6 = '' OR presence.identity_id = $6)
             ORDER BY presence.connection_id LIMIT $7",
            values![
                project,
                now,
                after(after_id),
                given(&filter.dialect),
                given(&filter.node),
                after(filter.identity),
                limit
            ],
            presence,
        )
    }

    fn presence_of(&mut self, identity: IdentityId, now: Timestamp) -> StoreResult<Vec<Presence>> {
        self.all(
            "SELECT presence.connection_id, presence.project_id, presence.application_id, presence.session_id,
                 presence.identity_id, presence.dialect, presence.node, presence.opened_at, presence_node.lease_until
             FROM presence JOIN presence_node ON presence_node.node = presence.node
             WHERE presence.identity_id = $1 AND presence_node.lease_until > $2
             ORDER BY presence.opened_at, presence.connection_id",
            values![identity, now],
            presence,
        )
    }

    fn has_company(&mut self, node: &str, now: Timestamp) -> StoreResult<bool> {
        let others = self.one(
            "SELECT count(*) FROM presence_node WHERE node <> $1 AND lease_until > $2",
            values![node, now],
            Row::count,
        )?;
        Ok(others.unwrap_or(0) > 0)
    }

    fn presence_beside(
        &mut self,
        node: &str,
        identity: Option<IdentityId>,
        now: Timestamp,
    ) -> StoreResult<Vec<(IdentityId, ConnectionId, Elsewhere)>> {
        let pairs = match identity {
            Some(identity) => self.all(beside!(" AND mine.identity_id = $3"), values![node, now, identity], pair)?,
            None => self.all(beside!(""), values![node, now], pair)?,
        };
        let mut found: HashMap<(IdentityId, ConnectionId), Elsewhere> = HashMap::new();
        for (identity, connection, newer) in pairs {
            let beside = found.entry((identity, connection)).or_default();
            beside.newer |= newer;
            beside.older |= !newer;
        }
        Ok(found.into_iter().map(|((identity, connection), beside)| (identity, connection, beside)).collect())
    }

    fn presence_in_group(&mut self, group: EndpointGroupId, now: Timestamp) -> StoreResult<Option<Presence>> {
        self.one(
            "SELECT presence.connection_id, presence.project_id, presence.application_id, presence.session_id,
                 presence.identity_id, presence.dialect, presence.node, presence.opened_at, presence_node.lease_until
             FROM endpoint JOIN presence ON presence.identity_id = endpoint.identity_id
                 JOIN presence_node ON presence_node.node = presence.node
             WHERE endpoint.group_id = $1 AND presence_node.lease_until > $2
             ORDER BY presence.opened_at DESC, presence.connection_id DESC LIMIT 1",
            values![group, now],
            presence,
        )
    }

    fn sweep_presence(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let swept = self.execute(
            "DELETE FROM presence WHERE connection_id IN (
                 SELECT presence.connection_id FROM presence_node JOIN presence ON presence.node = presence_node.node
                 WHERE presence_node.lease_until < $1 LIMIT $2)",
            values![before, limit],
        )?;
        self.later(
            "DELETE FROM presence_node WHERE lease_until < $1
             AND NOT EXISTS (SELECT 1 FROM presence WHERE presence.node = presence_node.node)",
            values![before],
        )?;
        Ok(swept)
    }
}
