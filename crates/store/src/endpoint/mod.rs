//! Endpoints and their groups.

mod lists;

use ringfence_core::{
    endpoint::{
        Endpoint, EndpointFilter, EndpointGroup, EndpointStore, GroupFilter, GroupNumber, GroupOrder, Listed, Window,
        folded,
    },
    ids::{EndpointGroupId, IdentityId, ProjectId},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, after, json, order_key},
    sql::values,
    tx::SqlTx,
};

macro_rules! group_columns {
    () => {
        "endpoint_group.id, endpoint_group.number, endpoint_group.project_id, endpoint_group.account_id, \
         endpoint_group.name, endpoint_group.attributes, endpoint_group.outbound_profile, \
         endpoint_group.disabled_at, endpoint_group.created_at, endpoint_group.updated_at"
    };
}
pub(crate) use group_columns;

macro_rules! endpoint_columns {
    () => {
        concat!(
            "endpoint.identity_id, endpoint.user_name, endpoint.secret, endpoint.name, endpoint.tag, \
             endpoint.expires_at, endpoint.created_at, endpoint.updated_at, ",
            crate::endpoint::group_columns!()
        )
    };
}
pub(crate) use endpoint_columns;

macro_rules! endpoint_tables {
    () => {
        "endpoint JOIN endpoint_group ON endpoint_group.id = endpoint.group_id"
    };
}
use endpoint_tables;

/// An endpoint, unless the row has none.
pub fn opt_endpoint(row: &mut Row) -> StoreResult<Option<Endpoint>> {
    let Some(id) = row.opt_id()? else { return Ok(None) };
    let (user_name, secret) = (row.text()?, Sealed::stored(row.text()?));
    let (name, tag, expires_at) = (row.text()?, row.opt_text()?, row.opt_time()?);
    let (created_at, updated_at) = (row.time()?, row.time()?);
    let group = group(row)?;
    Ok(Some(Endpoint { id, group: group.into(), user_name, secret, name, tag, expires_at, created_at, updated_at }))
}

pub fn group(row: &mut Row) -> StoreResult<EndpointGroup> {
    Ok(EndpointGroup {
        id: row.id()?,
        number: GroupNumber::stored(row.int()?),
        project: row.id()?,
        account: row.id()?,
        name: row.text()?,
        attributes: row.json()?,
        outbound_profile: row.opt_text()?,
        disabled_at: row.opt_time()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

pub fn endpoint(row: &mut Row) -> StoreResult<Endpoint> {
    opt_endpoint(row)?.ok_or_else(|| crate::sql::backend("a row without the endpoint it should have"))
}

impl EndpointStore for SqlTx<'_> {
    fn insert_endpoint_group(&mut self, group: &EndpointGroup) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO endpoint_group (id, number, project_id, account_id, name, name_folded, name_order, attributes,
                 outbound_profile, disabled_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (number) DO NOTHING",
            values![
                group.id,
                group.number.get(),
                group.project,
                group.account,
                &group.name,
                &folded(&group.name),
                &order_key(&folded(&group.name)),
                json(&group.attributes)?,
                group.outbound_profile.as_ref(),
                group.disabled_at,
                group.created_at,
                group.updated_at
            ],
        )
    }

    fn endpoint_group(&mut self, project: ProjectId, number: GroupNumber) -> StoreResult<Option<Endpoint>> {
        self.one(
            concat!(
                "SELECT ",
                endpoint_columns!(),
                " FROM endpoint_group JOIN endpoint ON endpoint.identity_id = endpoint_group.account_id
                  WHERE endpoint_group.number = $1 AND endpoint_group.project_id = $2"
            ),
            values![number.get(), project],
            endpoint,
        )
    }

    fn endpoint_group_to_change(&mut self, project: ProjectId, number: GroupNumber) -> StoreResult<Option<Endpoint>> {
        self.execute(
            "UPDATE endpoint_group SET updated_at = updated_at WHERE number = $1 AND project_id = $2",
            values![number.get(), project],
        )?;
        self.endpoint_group(project, number)
    }

    fn hold_endpoints(&mut self, group: EndpointGroupId) -> StoreResult<()> {
        self.execute(
            "UPDATE identity SET updated_at = updated_at
             WHERE id IN (SELECT identity_id FROM endpoint WHERE group_id = $1)",
            values![group],
        )
        .map(drop)
    }

    fn endpoint_groups(
        &mut self,
        project: ProjectId,
        filter: &GroupFilter,
        order: GroupOrder,
        window: Window,
    ) -> StoreResult<Listed<Endpoint>> {
        lists::groups(self, project, filter, order, window)
    }

    fn update_endpoint_group(&mut self, group: &EndpointGroup) -> StoreResult<()> {
        self.execute(
            "UPDATE endpoint_group SET name = $1, name_folded = $2, name_order = $3, attributes = $4,
                 outbound_profile = $5, disabled_at = $6, updated_at = $7
             WHERE id = $8",
            values![
                &group.name,
                &folded(&group.name),
                &order_key(&folded(&group.name)),
                json(&group.attributes)?,
                group.outbound_profile.as_ref(),
                group.disabled_at,
                group.updated_at,
                group.id
            ],
        )
        .map(drop)
    }

    fn delete_endpoint_group(&mut self, id: EndpointGroupId, at: Timestamp) -> StoreResult<bool> {
        self.execute(
            "UPDATE identity SET erased_at = $1, updated_at = $1
             WHERE id IN (SELECT identity_id FROM endpoint WHERE group_id = $2)",
            values![at, id],
        )?;
        self.execute(
            "DELETE FROM identifier WHERE identity_id IN (SELECT identity_id FROM endpoint WHERE group_id = $1)",
            values![id],
        )?;
        self.execute("DELETE FROM endpoint WHERE group_id = $1", values![id])?;
        self.changed("DELETE FROM endpoint_group WHERE id = $1", values![id])
    }

    fn insert_endpoint(&mut self, endpoint: &Endpoint) -> StoreResult<()> {
        self.execute(
            "INSERT INTO endpoint (identity_id, project_id, group_id, user_name, secret, name, tag, expires_at,
                 created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                endpoint.id,
                endpoint.group.project,
                endpoint.group.id,
                &endpoint.user_name,
                &endpoint.secret,
                &endpoint.name,
                endpoint.tag.as_ref(),
                endpoint.expires_at,
                endpoint.created_at,
                endpoint.updated_at
            ],
        )
        .map(drop)
    }

    fn endpoint(&mut self, id: IdentityId) -> StoreResult<Option<Endpoint>> {
        self.one(
            concat!("SELECT ", endpoint_columns!(), " FROM ", endpoint_tables!(), " WHERE endpoint.identity_id = $1"),
            values![id],
            endpoint,
        )
    }

    fn endpoints(
        &mut self,
        project: ProjectId,
        filter: &EndpointFilter,
        now: Timestamp,
        window: Window,
    ) -> StoreResult<Listed<Endpoint>> {
        lists::endpoints(self, project, filter, now, window)
    }

    fn endpoints_tagged(&mut self, project: ProjectId, tag: &str) -> StoreResult<u64> {
        let count = self.one(
            "SELECT count(*) FROM endpoint WHERE tag = $1 AND project_id = $2",
            values![tag, project],
            Row::count,
        )?;
        Ok(count.unwrap_or(0))
    }

    fn update_endpoint(&mut self, endpoint: &Endpoint) -> StoreResult<()> {
        self.execute(
            "UPDATE endpoint SET group_id = $1, user_name = $2, secret = $3, name = $4, tag = $5, expires_at = $6,
                 updated_at = $7
             WHERE identity_id = $8",
            values![
                endpoint.group.id,
                &endpoint.user_name,
                &endpoint.secret,
                &endpoint.name,
                endpoint.tag.as_ref(),
                endpoint.expires_at,
                endpoint.updated_at,
                endpoint.id
            ],
        )
        .map(drop)
    }

    fn delete_endpoint(&mut self, id: IdentityId) -> StoreResult<bool> {
        self.changed(
            "DELETE FROM endpoint WHERE identity_id = $1
             AND NOT EXISTS (SELECT 1 FROM endpoint_group WHERE account_id = $1)",
            values![id],
        )
    }

    fn all_endpoints(&mut self, after_id: Option<IdentityId>, limit: u32) -> StoreResult<Vec<Endpoint>> {
        self.all(
            concat!(
                "SELECT ",
                endpoint_columns!(),
                " FROM ",
                endpoint_tables!(),
                " WHERE endpoint.identity_id > $1 ORDER BY endpoint.identity_id LIMIT $2"
            ),
            values![after(after_id), limit],
            endpoint,
        )
    }

    fn rewrap_endpoint(&mut self, id: IdentityId, secret: &Sealed) -> StoreResult<()> {
        self.execute("UPDATE endpoint SET secret = $1 WHERE identity_id = $2", values![secret, id]).map(drop)
    }
}
