//! Lists of endpoints and of groups: one statement for the rows, one for how many there are.

use ringfence_core::{
    endpoint::{Endpoint, EndpointFilter, GroupFilter, GroupKey, GroupNumber, GroupOrder, Listed, Window, folded},
    ids::ProjectId,
    store::StoreResult,
    time::Timestamp,
};

use super::{endpoint, endpoint_columns, endpoint_tables};
use crate::{
    row::Row,
    sql::{Value, values},
    tx::SqlTx,
};

/// `OFFSET` and `LIMIT` of a window.
fn bounds(window: Window) -> (Value<'static>, Value<'static>) {
    (window.limit.into(), i64::try_from(window.offset).unwrap_or(i64::MAX).into())
}

/// What both statements of a list of groups look for; SIP domains are for lists of their own. `''` is no filter, for no name contains less.
macro_rules! groups_where {
    () => {
        "endpoint_group.project_id = $1
         AND NOT EXISTS (SELECT 1 FROM sip_domain WHERE sip_domain.group_id = endpoint_group.id)
         AND ($2 = '' OR replace(endpoint_group.name_folded, $2, '') <> endpoint_group.name_folded)
         AND ($3 = '' OR endpoint_group.outbound_profile = $3)"
    };
}

macro_rules! groups_in_order {
    ($order:literal) => {
        concat!(
            "SELECT ",
            endpoint_columns!(),
            " FROM endpoint_group JOIN endpoint ON endpoint.identity_id = endpoint_group.account_id WHERE ",
            groups_where!(),
            " ORDER BY ",
            $order,
            " LIMIT $4 OFFSET $5"
        )
    };
}

/// Each list begins from the index that leaves the least; `$1` is its value.
macro_rules! endpoints_by {
    ($head:expr, $column:literal, $tail:literal) => {
        concat!(
            "SELECT ",
            $head,
            " FROM ",
            endpoint_tables!(),
            " WHERE ",
            $column,
            " = $1 AND endpoint.project_id = $2 AND endpoint.identity_id <> endpoint_group.account_id
              AND NOT EXISTS (SELECT 1 FROM sip_user WHERE sip_user.identity_id = endpoint.identity_id)
              AND (CAST($3 AS BIGINT) = 0 OR endpoint_group.number = $3) AND ($4 = '' OR endpoint.user_name = $4)
              AND ($5 = '' OR endpoint.name = $5) AND ($6 = '' OR endpoint.tag = $6)
              AND ($7 = '' OR ($7 = 'expired' AND endpoint.expires_at <= $8)
                  OR ($7 = 'active' AND (endpoint.expires_at IS NULL OR endpoint.expires_at > $8)))",
            $tail
        )
    };
}

/// A statement for whichever column is asked for.
macro_rules! endpoints_of {
    ($filter:expr, $head:expr, $tail:literal) => {
        match $filter {
            EndpointFilter { user_name: Some(_), .. } => endpoints_by!($head, "endpoint.user_name", $tail),
            EndpointFilter { tag: Some(_), .. } => endpoints_by!($head, "endpoint.tag", $tail),
            EndpointFilter { group: Some(_), .. } => endpoints_by!($head, "endpoint_group.number", $tail),
            EndpointFilter { .. } => endpoints_by!($head, "endpoint.project_id", $tail),
        }
    };
}

/// A text to look for; `''` looks for everything.
fn given(text: Option<&String>) -> Value<'_> {
    text.map_or("", String::as_str).into()
}

/// The values of `$1` to `$8`.
fn filtered(project: ProjectId, filter: &EndpointFilter, now: Timestamp) -> Vec<Value<'_>> {
    // No group has the number 0.
    let group = Value::Int(filter.group.map_or(0, GroupNumber::get));
    let first = match filter {
        EndpointFilter { user_name: Some(_), .. } => given(filter.user_name.as_ref()),
        EndpointFilter { tag: Some(_), .. } => given(filter.tag.as_ref()),
        EndpointFilter { group: Some(_), .. } => group.clone(),
        EndpointFilter { .. } => project.into(),
    };
    let standing = match filter.expired {
        None => "",
        Some(true) => "expired",
        Some(false) => "active",
    };
    vec![
        first,
        project.into(),
        group,
        given(filter.user_name.as_ref()),
        given(filter.name.as_ref()),
        given(filter.tag.as_ref()),
        standing.into(),
        now.into(),
    ]
}

/// Accounts of groups, with the groups.
pub fn groups(
    tx: &mut SqlTx<'_>,
    project: ProjectId,
    filter: &GroupFilter,
    order: GroupOrder,
    window: Window,
) -> StoreResult<Listed<Endpoint>> {
    let name = folded(filter.name_contains.as_deref().unwrap_or_default());
    let profile = filter.outbound_profile.as_deref().unwrap_or_default();
    let total = tx.one(
        concat!("SELECT count(*) FROM endpoint_group WHERE ", groups_where!()),
        values![project, &name, profile],
        Row::count,
    )?;
    let sql = match (order.by, order.descending) {
        (GroupKey::Age, false) => groups_in_order!("endpoint_group.id"),
        (GroupKey::Age, true) => groups_in_order!("endpoint_group.id DESC"),
        (GroupKey::Name, false) => groups_in_order!("endpoint_group.name_order, endpoint_group.id"),
        (GroupKey::Name, true) => groups_in_order!("endpoint_group.name_order DESC, endpoint_group.id DESC"),
        (GroupKey::Active, false) => {
            groups_in_order!("CASE WHEN endpoint_group.disabled_at IS NULL THEN 1 ELSE 0 END, endpoint_group.id")
        }
        (GroupKey::Active, true) => {
            groups_in_order!("CASE WHEN endpoint_group.disabled_at IS NULL THEN 0 ELSE 1 END, endpoint_group.id DESC")
        }
    };
    let (limit, offset) = bounds(window);
    let items = tx.all(sql, values![project, &name, profile, limit, offset], endpoint)?;
    Ok(Listed { items, total: total.unwrap_or(0) })
}

/// Endpoints that are not accounts of groups, newest first.
pub fn endpoints(
    tx: &mut SqlTx<'_>,
    project: ProjectId,
    filter: &EndpointFilter,
    now: Timestamp,
    window: Window,
) -> StoreResult<Listed<Endpoint>> {
    let mut values = filtered(project, filter, now);
    let total = tx.one(endpoints_of!(filter, "count(*)", ""), &values, Row::count)?;
    let (limit, offset) = bounds(window);
    values.extend([limit, offset]);
    let sql = endpoints_of!(filter, endpoint_columns!(), " ORDER BY endpoint.identity_id DESC LIMIT $9 OFFSET $10");
    Ok(Listed { items: tx.all(sql, &values, endpoint)?, total: total.unwrap_or(0) })
}
