//! Groups of endpoints, and the endpoints in them.

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::{Authority, EndpointChange, EndpointRequest, GroupChange, GroupRequest},
    caller::Permit,
    context::Ctx,
    endpoint::{Endpoint, EndpointFilter, GroupFilter, GroupOrder, Window},
    secret::RawToken,
    time::Timestamp,
};
use serde_json::Map;

use super::{
    Action,
    file::{EndpointEntry, EndpointGroupEntry},
    parts::generated_password,
    plan::Made,
    walk::{PAGE, Place, Walk},
};
use crate::exit::{Refused, explain};

/// The accounts of all groups of a project, newest first.
pub async fn endpoint_groups(authority: &Authority, permit: &Permit) -> Result<Vec<Endpoint>> {
    let mut all = Vec::new();
    loop {
        let window = Window { offset: all.len() as u64, limit: PAGE };
        let listed = authority.endpoint_groups(permit, GroupFilter::default(), GroupOrder::NEWEST_FIRST, window).await;
        let listed = listed.map_err(explain)?;
        all.extend(listed.items);
        if all.len() as u64 >= listed.total {
            return Ok(all);
        }
    }
}

/// The endpoint with this user name that is not the account of a group.
pub async fn endpoint_named(
    authority: &Authority,
    ctx: &Ctx,
    permit: &Permit,
    user_name: &str,
) -> Result<Option<Endpoint>> {
    let filter = EndpointFilter { user_name: Some(user_name.to_owned()), ..EndpointFilter::default() };
    let listed = authority.endpoints(ctx, permit, filter, Window { offset: 0, limit: 1 }).await;
    Ok(listed.map_err(explain)?.items.into_iter().next())
}

impl Walk<'_> {
    /// Settles groups, which are known by the user names of their accounts.
    pub(super) async fn endpoint_groups(&mut self, place: &Place<'_>) -> Result<()> {
        if place.entry.endpoint_group.is_empty() {
            return Ok(());
        }
        let present = match &place.permit {
            Some(permit) => endpoint_groups(self.authority, permit).await?,
            None => Vec::new(),
        };
        for wanted in &place.entry.endpoint_group {
            let what = place.name("endpoint_group", &wanted.user_name);
            let known = present.iter().find(|account| account.user_name == wanted.user_name);
            let group = match (&place.permit, known) {
                (Some(permit), Some(known)) => Some(self.settle_group(permit, wanted, known, &what).await?),
                (permit, _) => self.create_group(permit.as_ref(), wanted, &what).await?,
            };
            for endpoint in &wanted.endpoint {
                let what = place.name("endpoint", &endpoint.user_name);
                self.endpoint(place, endpoint, group.as_ref(), &what).await.with_context(|| what.clone())?;
            }
        }
        Ok(())
    }

    async fn create_group(
        &mut self,
        permit: Option<&Permit>,
        wanted: &EndpointGroupEntry,
        what: &str,
    ) -> Result<Option<Endpoint>> {
        self.plan.say(Action::Create, what, None);
        let Some(permit) = permit.filter(|_| self.acts()) else { return Ok(None) };
        let made = || generated_password(self.authority.entropy().as_ref());
        let password = wanted.password.clone().unwrap_or_else(made);
        let request = GroupRequest {
            name: wanted.name().to_owned(),
            user_name: wanted.user_name.clone(),
            password: Some(password.clone()),
            attributes: Map::new(),
            outbound_profile: None,
            disabled: false,
        };
        let account = self.authority.create_endpoint_group(&self.ctx, permit, request).await;
        let account = account.map_err(explain).with_context(|| what.to_owned())?;
        if wanted.password.is_none() {
            self.plan.made.push(Made { what: format!("{what} password"), value: RawToken::new(password.expose()) });
        }
        Ok(Some(account))
    }

    async fn settle_group(
        &mut self,
        permit: &Permit,
        wanted: &EndpointGroupEntry,
        present: &Endpoint,
        what: &str,
    ) -> Result<Endpoint> {
        let name = wanted.name.clone().filter(|name| *name != present.group.name);
        // A password that was changed elsewhere stays.
        let kept = wanted.password.as_ref().map(|_| "password as it is");
        let off = present.group.disabled_at.map(|_| "disabled");
        let note: Vec<_> = off.into_iter().chain(kept).collect();
        let action = if name.is_some() { Action::Change } else { Action::Leave };
        self.plan.say(action, what, (!note.is_empty()).then(|| note.join(", ")));
        if name.is_none() || !self.acts() {
            return Ok(present.clone());
        }
        let change = GroupChange { name, ..GroupChange::default() };
        let changed = self.authority.change_endpoint_group(&self.ctx, permit, present.group.number, change).await;
        changed.map_err(explain).with_context(|| what.to_owned())
    }

    async fn endpoint(
        &mut self,
        place: &Place<'_>,
        wanted: &EndpointEntry,
        group: Option<&Endpoint>,
        what: &str,
    ) -> Result<()> {
        let expires_at = wanted.expires_at()?;
        let present = match &place.permit {
            Some(permit) => endpoint_named(self.authority, &self.ctx, permit, &wanted.user_name).await?,
            None => None,
        };
        let (Some(permit), Some(group)) = (&place.permit, group) else {
            self.plan.say(if present.is_some() { Action::Change } else { Action::Create }, what, None);
            return Ok(());
        };
        if let Some(present) = present {
            return self.settle_endpoint(permit, wanted, group, &present, what).await;
        }
        self.plan.say(Action::Create, what, None);
        if !self.acts() {
            return Ok(());
        }
        let request = EndpointRequest {
            group: group.group.number,
            user_name: wanted.user_name.clone(),
            name: wanted.name.clone().unwrap_or_else(|| wanted.user_name.clone()),
            tag: wanted.tag.clone(),
            expires_at,
        };
        let made = self.authority.create_endpoint(&self.ctx, permit, request).await.map_err(explain)?;
        let secret = self.authority.endpoint_secret(permit, &made).map_err(explain)?;
        self.plan.made.push(Made { what: format!("{what} secret"), value: RawToken::new(secret.expose()) });
        Ok(())
    }

    async fn settle_endpoint(
        &mut self,
        permit: &Permit,
        wanted: &EndpointEntry,
        group: &Endpoint,
        present: &Endpoint,
        what: &str,
    ) -> Result<()> {
        let expires_at = wanted.expires_at()?;
        let change = EndpointChange {
            group: Some(group.group.number).filter(|number| *number != present.group.number),
            name: wanted.name.clone().filter(|name| *name != present.name),
            tag: wanted.tag.clone().map(Some).filter(|tag| *tag != present.tag),
            expires_at: expires_at.filter(|_| expires_at != present.expires_at),
        };
        if present.has_expired(self.ctx.now) {
            // Its end is final, whatever the file says.
            self.plan.say(Action::Leave, what, Some("expired".to_owned()));
            return Ok(());
        }
        let same =
            change.group.is_none() && change.name.is_none() && change.tag.is_none() && change.expires_at.is_none();
        self.plan.say(if same { Action::Leave } else { Action::Change }, what, None);
        if !same && self.acts() {
            self.authority.change_endpoint(&self.ctx, permit, present.id, change).await.map_err(explain)?;
        }
        Ok(())
    }
}

impl EndpointGroupEntry {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.user_name)
    }
}

impl EndpointEntry {
    fn expires_at(&self) -> Result<Option<Timestamp>> {
        let Some(text) = &self.expires_at else { return Ok(None) };
        let moment = Timestamp::parse_rfc3339(text);
        let malformed = || Refused::because("expires_at is no moment such as 2030-01-31T00:00:00Z");
        moment.map(Some).ok_or_else(malformed)
    }
}
