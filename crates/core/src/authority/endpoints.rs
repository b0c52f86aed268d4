//! Endpoints: made, changed, deleted; their secrets read back, and tokens issued for them to a back end.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Map;
use subtle::ConstantTimeEq as _;

use super::{
    Authenticated, Authority, IssuedToken, Log,
    authenticate::admit,
    sessions::{start_session, with_session},
};
use crate::{
    audit::Audit,
    caller::{Permit, ScopeSet},
    context::Ctx,
    endpoint::{Endpoint, EndpointFilter, EndpointGroup, GroupNumber, LONGEST_TOKEN, Listed, Window},
    entropy::random,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind, Profile, Standing},
    ids::{IdentityId, ProjectId},
    password::Verdict,
    presence::Presence,
    seal::Sealed,
    secret::{Password, TokenDigest},
    store::Tx,
    time::Timestamp,
};

/// So many endpoints may carry the same tag.
const MOST_PER_TAG: u64 = 1000;

/// What an endpoint is to be.
#[derive(Debug)]
pub struct EndpointRequest {
    /// Its group.
    pub group: GroupNumber,
    /// What it signs in as.
    pub user_name: String,
    /// What people call it.
    pub name: String,
    /// A word that it is listed by.
    pub tag: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What is to change of an endpoint: `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Its group.
    pub group: Option<GroupNumber>,
    /// What people call it.
    pub name: Option<String>,
    /// A word that it is listed by; `Some(None)` takes it away.
    pub tag: Option<Option<String>>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

impl Authority {
    /// Makes an endpoint with a secret of 128 random bits; it works at once.
    pub async fn create_endpoint(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: EndpointRequest,
    ) -> Result<Endpoint, AuthError> {
        check_user_name(&wanted.user_name)?;
        let identity = self.fresh_endpoint_identity(ctx, permit.project());
        let secret = self.fresh_secret(identity.id, None);
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let group = group_of(tx, permit.project(), wanted.group)?;
            check_tag(tx, permit.project(), wanted.tag.as_deref())?;
            let endpoint = Endpoint {
                id: identity.id,
                group,
                user_name: wanted.user_name,
                secret,
                name: wanted.name,
                tag: wanted.tag,
                expires_at: wanted.expires_at,
                created_at: now,
                updated_at: now,
            };
            put_endpoint(tx, &identity, &endpoint)?;
            record(log, &permit, "endpoint.created", endpoint.id);
            Ok(endpoint)
        })
        .await
    }

    /// An endpoint of the permit's project that is not the account of a group.
    pub async fn endpoint(&self, permit: &Permit, id: IdentityId) -> Result<Endpoint, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| member(tx, project, id)).await
    }

    /// Endpoints of the permit's project, newest first; of no group when `filter` names one that is not there.
    pub async fn endpoints(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        filter: EndpointFilter,
        window: Window,
    ) -> Result<Listed<Endpoint>, AuthError> {
        let (project, now) = (permit.project(), ctx.now);
        self.store.read(move |tx| Ok(tx.endpoints(project, &filter, now, window)?)).await
    }

    /// Changes an endpoint. One that has expired stays as it is; a nearer end also ends its sessions nearer.
    pub async fn change_endpoint(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        change: EndpointChange,
    ) -> Result<Endpoint, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            // Groups are held before identities, by everybody.
            let group = change.group.map(|number| group_of(tx, permit.project(), number)).transpose()?;
            tx.identity_to_change(id)?;
            let mut endpoint = member(tx, permit.project(), id)?;
            if endpoint.has_expired(now) {
                return Err(AuthError::IdentitySuspended);
            }
            endpoint.group = group.unwrap_or(endpoint.group);
            if let Some(tag) = change.tag.filter(|tag| *tag != endpoint.tag) {
                check_tag(tx, permit.project(), tag.as_deref())?;
                endpoint.tag = tag;
            }
            endpoint.name = change.name.unwrap_or(endpoint.name);
            if let Some(end) = change.expires_at {
                endpoint.expires_at = Some(end);
            }
            if endpoint.group.disabled_at.is_some() || endpoint.has_expired(now) {
                log.end_sessions_of(tx, id, now)?;
            } else if let Some(end) = change.expires_at {
                tx.curtail_sessions(id, end)?;
            }
            endpoint.updated_at = now;
            tx.update_endpoint(&endpoint)?;
            record(log, &permit, "endpoint.changed", id);
            log.announce(SecurityEvent::IdentityChanged(id));
            Ok(endpoint)
        })
        .await
    }

    /// Deletes an endpoint: its sessions end, its name is free again, its id is never used again.
    pub async fn delete_endpoint(&self, ctx: &Ctx, permit: &Permit, id: IdentityId) -> Result<Endpoint, AuthError> {
        let project = permit.project();
        let endpoint = self.store.read(move |tx| member(tx, project, id)).await?;
        self.erase_identity(ctx, permit, id).await?;
        Ok(endpoint)
    }

    /// The secret of an endpoint, for whoever configures its device.
    pub fn endpoint_secret(&self, permit: &Permit, endpoint: &Endpoint) -> Result<Password, AuthError> {
        if endpoint.group.project != permit.project() {
            return Err(AuthError::NotFound(Noun::Identity));
        }
        let secret = self.sealer.open(&endpoint.secret, &Endpoint::seal_context(endpoint.id))?;
        Ok(Password::new(std::str::from_utf8(&secret).map_err(AuthError::internal)?))
    }

    /// Starts a session for an endpoint on behalf of its back end, and mints its token in the shape of the request's face, with
    /// `extra` claims beside ours. It ends after a day, or with the endpoint if that comes first.
    pub async fn issue_endpoint_token<E: Serialize>(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        extra: E,
    ) -> Result<IssuedToken, AuthError> {
        let who = self.start_delegated(ctx, permit, id).await?;
        self.issue_token(ctx, &who, extra).await
    }

    async fn start_delegated(&self, ctx: &Ctx, permit: &Permit, id: IdentityId) -> Result<Authenticated, AuthError> {
        let seed = self.session_seed(ctx, &["delegated"]);
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            // Held, so that switching its group off either comes first or ends this session too.
            let identity = tx.identity_to_change(id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
            let endpoint = member(tx, permit.project(), id)?;
            let project = tx.project(permit.project())?.ok_or(AuthError::NotFound(Noun::Project))?;
            admit(&project, None, Some(&identity), Some(&endpoint), None, now)?;
            let mut session = seed.session_at(&identity, Some(&endpoint), &project, None);
            session.expires_at = session.expires_at.min(now + LONGEST_TOKEN);
            start_session(tx, log, &session, None)?;
            log.record(Audit::new(project.id, permit.actor(), "token.issued", &format_args!("session:{}", session.id)));
            let who = Authenticated {
                identity: identity.into(),
                endpoint: Some(endpoint.into()),
                project: project.into(),
                application: None,
                session: None,
                key: None,
                scopes: ScopeSet::default(),
            };
            Ok(with_session(who, session))
        })
        .await
    }

    /// The newest open connection of an endpoint of a group, its own account included.
    pub async fn group_presence(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        number: GroupNumber,
    ) -> Result<(Endpoint, Option<Presence>), AuthError> {
        let (project, now) = (permit.project(), ctx.now);
        self.store
            .read(move |tx| {
                let account = account_of(tx, project, number)?;
                let Some(presence) = tx.presence_in_group(account.group.id, now)? else { return Ok((account, None)) };
                let present = tx.endpoint(presence.identity)?.unwrap_or(account);
                Ok((present, Some(presence)))
            })
            .await
    }

    pub(super) fn fresh_endpoint_identity(&self, ctx: &Ctx, project: ProjectId) -> Identity {
        Identity {
            id: IdentityId::mint(ctx.now, self.entropy.as_ref()),
            project,
            application: None,
            kind: IdentityKind::Endpoint,
            profile: Profile::default(),
            attributes: Map::new(),
            standing: Standing::default(),
            created_at: ctx.now,
            updated_at: ctx.now,
        }
    }

    /// Compares what somebody knows with the secret of an endpoint, in constant time; nobody's costs as much.
    pub(super) fn verify_secret(&self, endpoint: Option<&Endpoint>, password: &Password) -> Result<Verdict, AuthError> {
        let known = if let Some(endpoint) = endpoint {
            self.sealer.open(&endpoint.secret, &Endpoint::seal_context(endpoint.id))?
        } else {
            drop(self.sealer.seal(&[0; 32], "nobody", self.entropy.as_ref()));
            random::<32>(self.entropy.as_ref()).to_vec().into()
        };
        // Digests, so that not even the length takes its time.
        let [known, shown] = [&known, password.expose().as_bytes()].map(TokenDigest::of);
        let same: bool = known.as_str().as_bytes().ct_eq(shown.as_str().as_bytes()).into();
        Ok(if same { Verdict::Right } else { Verdict::Wrong })
    }

    /// A secret sealed for an endpoint: the chosen one, or 32 hex digits.
    pub(super) fn fresh_secret(&self, id: IdentityId, chosen: Option<&Password>) -> Sealed {
        let made = || Password::new(format!("{:032x}", u128::from_be_bytes(random(self.entropy.as_ref()))));
        let secret = chosen.cloned().unwrap_or_else(made);
        self.sealer.seal(secret.expose().as_bytes(), &Endpoint::seal_context(id), self.entropy.as_ref())
    }
}

/// An endpoint of a project that is not the account of a group; another project's are as good as none (ATTACKS N89), and SIP
/// users are for the operations that know of their digests.
fn member(tx: &mut dyn Tx, project: ProjectId, id: IdentityId) -> Result<Endpoint, AuthError> {
    tx.endpoint(id)?
        .filter(|found| found.group.project == project && !found.is_group_account() && !found.is_sip_user())
        .ok_or(AuthError::NotFound(Noun::Identity))
}

/// The account of a group of a project that is no SIP domain.
pub(super) fn account_of(tx: &mut dyn Tx, project: ProjectId, number: GroupNumber) -> Result<Endpoint, AuthError> {
    tx.endpoint_group(project, number)?
        .filter(|account| !account.is_sip_user())
        .ok_or(AuthError::NotFound(Noun::EndpointGroup))
}

/// The same, and nobody else changes or deletes the group before this transaction ends.
pub(super) fn account_to_change(
    tx: &mut dyn Tx,
    project: ProjectId,
    number: GroupNumber,
) -> Result<Endpoint, AuthError> {
    tx.endpoint_group_to_change(project, number)?
        .filter(|account| !account.is_sip_user())
        .ok_or(AuthError::NotFound(Noun::EndpointGroup))
}

/// The group that an endpoint is to be in, held so that it does not go meanwhile.
fn group_of(tx: &mut dyn Tx, project: ProjectId, number: GroupNumber) -> Result<Arc<EndpointGroup>, AuthError> {
    account_to_change(tx, project, number).map(|account| account.group)
}

/// Stores identity, endpoint and user name, and the group when the endpoint is its account.
pub(super) fn put_endpoint(tx: &mut dyn Tx, identity: &Identity, endpoint: &Endpoint) -> Result<(), AuthError> {
    tx.insert_identity(identity)?;
    if endpoint.is_group_account() && !tx.insert_endpoint_group(&endpoint.group)? {
        // One in four million when two are made in the same millisecond.
        return Err(AuthError::Unavailable { what: "a number for the group", source: "it was just taken".into() });
    }
    tx.insert_endpoint(endpoint)?;
    hold_user_name(tx, identity, &endpoint.user_name)
}

pub(super) fn hold_user_name(tx: &mut dyn Tx, identity: &Identity, user_name: &str) -> Result<(), AuthError> {
    let identifier = Identifier::of(Identifier::SIP, user_name);
    if tx.add_identifier(identity, &HeldIdentifier { identifier, verified_at: None })? {
        Ok(())
    } else {
        Err(AuthError::Conflict(Noun::Identifier))
    }
}

pub(super) fn record(log: &mut Log, permit: &Permit, action: &'static str, id: IdentityId) {
    log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("identity:{id}")));
}

/// The user part of a SIP address, without what would need escaping there.
pub(super) fn check_user_name(name: &str) -> Result<(), AuthError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*+".contains(&byte);
    match name.len() {
        0 => Err(AuthError::invalid("user_name", Rule::Required)),
        1..=64 if name.bytes().all(plain) => Ok(()),
        1..=64 => Err(AuthError::invalid("user_name", Rule::Malformed)),
        _ => Err(AuthError::invalid("user_name", Rule::TooLong(64))),
    }
}

fn check_tag(tx: &mut dyn Tx, project: ProjectId, tag: Option<&str>) -> Result<(), AuthError> {
    match tag {
        Some(tag) if tx.endpoints_tagged(project, tag)? >= MOST_PER_TAG => {
            Err(AuthError::invalid("tag", Rule::TooMany(MOST_PER_TAG)))
        }
        _ => Ok(()),
    }
}
