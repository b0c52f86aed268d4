//! Groups of endpoints: made, changed, switched off, deleted. What ends a group ends everything below it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Authority, Log,
    endpoints::{account_of, account_to_change, check_user_name, hold_user_name, put_endpoint, record},
    passwords::rebind,
    projects::check_name,
};
use crate::{
    audit::Audit,
    caller::Permit,
    context::Ctx,
    endpoint::{Endpoint, EndpointGroup, GroupFilter, GroupNumber, GroupOrder, Listed, Window},
    error::{AuthError, Noun},
    event::SecurityEvent,
    identity::Identifier,
    ids::EndpointGroupId,
    secret::Password,
    session::SessionsOf,
    store::Tx,
    time::Timestamp,
};

/// What a group is to be.
#[derive(Debug)]
pub struct GroupRequest {
    /// What people call it.
    pub name: String,
    /// What its account signs in as.
    pub user_name: String,
    /// What its account signs in with; made by us when absent.
    pub password: Option<Password>,
    /// What only one dialect knows, under its name.
    pub attributes: Map<String, Value>,
    /// The profile that its outbound calls follow.
    pub outbound_profile: Option<String>,
    /// Whether it begins switched off.
    pub disabled: bool,
}

/// What is to change of a group: `None` leaves as is.
#[derive(Debug, Default)]
pub struct GroupChange {
    /// What people call it.
    pub name: Option<String>,
    /// What its account signs in as.
    pub user_name: Option<String>,
    /// What its account signs in with.
    pub password: Option<Password>,
    /// A merge patch (RFC 7396) of the attributes.
    pub attributes: Map<String, Value>,
    /// The profile that its outbound calls follow; `Some(None)` takes it away.
    pub outbound_profile: Option<Option<String>>,
    /// Whether it is switched off.
    pub disabled: Option<bool>,
}

impl Authority {
    /// Makes a group with its account.
    pub async fn create_endpoint_group(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: GroupRequest,
    ) -> Result<Endpoint, AuthError> {
        check_name(&wanted.name)?;
        check_user_name(&wanted.user_name)?;
        self.check_chosen(permit, wanted.password.as_ref(), &wanted.user_name).await?;
        let (permit, now) = (permit.clone(), ctx.now);
        let identity = self.fresh_endpoint_identity(ctx, permit.project());
        let group = EndpointGroup {
            id: EndpointGroupId::mint(now, self.entropy.as_ref()),
            number: GroupNumber::mint(now, self.entropy.as_ref()),
            project: permit.project(),
            account: identity.id,
            name: wanted.name,
            attributes: wanted.attributes,
            outbound_profile: wanted.outbound_profile,
            disabled_at: wanted.disabled.then_some(now),
            created_at: now,
            updated_at: now,
        };
        let account = Endpoint {
            id: identity.id,
            name: group.name.clone(),
            group: group.into(),
            user_name: wanted.user_name,
            secret: self.fresh_secret(identity.id, wanted.password.as_ref()),
            tag: None,
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        self.commit(ctx, move |tx, log| {
            put_endpoint(tx, &identity, &account)?;
            record_group(log, &permit, "endpoint_group.created", account.group.id);
            Ok(account)
        })
        .await
    }

    /// The account of a group of the permit's project, with the group.
    pub async fn endpoint_group(&self, permit: &Permit, number: GroupNumber) -> Result<Endpoint, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| account_of(tx, project, number)).await
    }

    /// The accounts of groups of the permit's project, with the groups.
    pub async fn endpoint_groups(
        &self,
        permit: &Permit,
        filter: GroupFilter,
        order: GroupOrder,
        window: Window,
    ) -> Result<Listed<Endpoint>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.endpoint_groups(project, &filter, order, window)?)).await
    }

    /// Changes a group. Switching it off ends the sessions of all its endpoints; a new user name or password those of its
    /// account.
    pub async fn change_endpoint_group(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        number: GroupNumber,
        change: GroupChange,
    ) -> Result<Endpoint, AuthError> {
        change.name.as_deref().map_or(Ok(()), check_name)?;
        change.user_name.as_deref().map_or(Ok(()), check_user_name)?;
        let present = self.endpoint_group(permit, number).await?;
        let user_name = change.user_name.as_deref().unwrap_or(&present.user_name);
        self.check_chosen(permit, change.password.as_ref(), user_name).await?;
        let secret = change.password.as_ref().map(|password| self.fresh_secret(present.id, Some(password)));
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut account = account_to_change(tx, permit.project(), number)?;
            let renamed = change.user_name.filter(|name| *name != account.user_name);
            if renamed.is_some() || secret.is_some() {
                rearm(tx, log, &permit, &account, renamed.as_deref(), now)?;
            }
            account.user_name = renamed.unwrap_or(account.user_name);
            account.secret = secret.unwrap_or(account.secret);
            account.updated_at = now;
            let group = Arc::make_mut(&mut account.group);
            group.name = change.name.unwrap_or_else(|| group.name.clone());
            merge_patch(&mut group.attributes, change.attributes);
            group.outbound_profile = change.outbound_profile.unwrap_or_else(|| group.outbound_profile.clone());
            if let Some(disabled) = change.disabled.filter(|disabled| *disabled != group.disabled_at.is_some()) {
                group.disabled_at = disabled.then_some(now);
                if disabled {
                    tx.hold_endpoints(group.id)?;
                    log.announce_revoked(tx.revoke_sessions(SessionsOf::EndpointGroup(group.id), now)?);
                }
            }
            group.updated_at = now;
            tx.update_endpoint_group(group)?;
            tx.update_endpoint(&account)?;
            record_group(log, &permit, "endpoint_group.changed", account.group.id);
            log.announce(SecurityEvent::EndpointGroupChanged(account.group.id));
            Ok(account)
        })
        .await
    }

    /// Deletes a group and its endpoints: all their sessions end, their names are free again, no id is ever used again.
    pub async fn delete_endpoint_group(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        number: GroupNumber,
    ) -> Result<Endpoint, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let account = account_to_change(tx, permit.project(), number)?;
            let id = account.group.id;
            tx.hold_endpoints(id)?;
            log.announce_revoked(tx.revoke_sessions(SessionsOf::EndpointGroup(id), now)?);
            tx.delete_endpoint_group(id, now)?;
            record_group(log, &permit, "endpoint_group.deleted", id);
            log.announce(SecurityEvent::EndpointGroupChanged(id));
            Ok(account)
        })
        .await
    }

    /// Applies the project's rules to a password that a person chose. It is kept readable, so only its guessing is guarded.
    async fn check_chosen(&self, permit: &Permit, chosen: Option<&Password>, user_name: &str) -> Result<(), AuthError> {
        let Some(password) = chosen else { return Ok(()) };
        let project = self.project(permit).await?;
        project.policy.password.check(password, &[user_name, &project.name]).map(drop)
    }
}

/// Gives a group's account a new way to prove itself: what the old one opened ends, and failures are forgotten.
fn rearm(
    tx: &mut dyn Tx,
    log: &mut Log,
    permit: &Permit,
    account: &Endpoint,
    renamed: Option<&str>,
    now: Timestamp,
) -> Result<(), AuthError> {
    let identity = tx.identity_to_change(account.id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
    let identity = rebind(tx, identity, now)?;
    if let Some(name) = renamed {
        hold_user_name(tx, &identity, name)?;
        tx.release_identifier(account.id, &Identifier::of(Identifier::SIP, account.user_name.as_str()))?;
    }
    log.end_sessions_of(tx, account.id, now)?;
    record(log, permit, "endpoint.rearmed", account.id);
    log.announce_password(account.id);
    Ok(())
}

fn record_group(log: &mut Log, permit: &Permit, action: &'static str, id: EndpointGroupId) {
    log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("endpoint_group:{id}")));
}

/// Applies a JSON merge patch (RFC 7396): members replace, null removes, objects are merged.
pub(super) fn merge_patch(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(&name)),
            Value::Object(members) => {
                let inner = target.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Map::new());
                }
                if let Value::Object(inner) = inner {
                    merge_patch(inner, members);
                }
            }
            other => drop(target.insert(name, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_does_what_rfc_7396_shows() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let (Value::Object(mut target), Value::Object(patch)) = (target, patch) else { unreachable!() };
            merge_patch(&mut target, patch);
            assert_eq!(Value::Object(target), result);
        }
    }
}
