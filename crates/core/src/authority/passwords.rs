//! Passwords: judged, changed, set. Failures are counted in the store before anybody hears of them.

use std::sync::Arc;

use super::{
    Authenticated, Authority, Log,
    authenticate::{admit, allow_way, resolve},
    sessions::{start_session, with_session},
};
use crate::{
    application::{Application, WayIn},
    audit::Audit,
    caller::{Actor, Permit, ScopeSet},
    context::Ctx,
    endpoint::Endpoint,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::{Identifier, Identity, IdentityKind},
    ids::{CredentialId, IdentityId, ProjectId},
    mail::Message,
    password::{PasswordHash, Verdict},
    project::{Project, ProjectRef},
    seal::Sealed,
    secret::Password,
    store::Tx,
    throttle::{MAX_CONSECUTIVE_FAILURES, ThrottleKey},
    time::Timestamp,
    verification::Purpose,
};

/// The wait of a locked identifier: as good as for ever, ended by a password reset or an administrator.
const UNTIL_REBOUND: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// Whoever an identifier names, if anybody, and what a password is compared with.
struct Candidate {
    project: Project,
    application: Option<Application>,
    identity: Option<Identity>,
    endpoint: Option<Endpoint>,
    hash: Option<PasswordHash>,
    keys: Vec<ThrottleKey>,
}

impl Authority {
    pub(super) async fn by_password(
        &self,
        ctx: &Ctx,
        project: ProjectRef,
        identifier: Identifier,
        password: Password,
        start: bool,
    ) -> Result<Authenticated, AuthError> {
        let is_endpoint = identifier.scheme() == Identifier::SIP;
        let candidate = self.candidate(ctx, project, identifier).await?;
        let verdict = if is_endpoint {
            self.verify_secret(candidate.endpoint.as_ref(), &password)?
        } else {
            self.hasher.verify(password.clone(), candidate.hash.clone()).await?
        };
        match verdict {
            Verdict::Wrong => Err(self.count_failures(ctx, candidate).await?),
            Verdict::Right => self.accept(ctx, candidate, None, start).await,
            Verdict::RightNeedsRehash => {
                let renewed = self.hasher.rehash(&password).await?;
                self.accept(ctx, candidate, Some(renewed), start).await
            }
        }
    }

    /// Reads what is needed to compare, unless too many failures say that nothing is compared now.
    async fn candidate(&self, ctx: &Ctx, project: ProjectRef, identifier: Identifier) -> Result<Candidate, AuthError> {
        let (now, address) = (ctx.now, ctx.address);
        self.store
            .read(move |tx| {
                let (project, application) = resolve(tx, &project)?;
                // Before anything is compared: where passwords do not count, they are not told right from wrong.
                admit(&project, application.as_ref(), None, None, None, now)?;
                allow_way(application.as_ref(), WayIn::Password)?;
                let mut keys = vec![ThrottleKey::identifier(project.id, &identifier)];
                keys.extend(address.map(ThrottleKey::address));
                refuse_blocked(tx, &keys, now)?;
                let identity = tx.identity_by_identifier(project.id, &identifier)?.map(|(identity, _)| identity);
                if identity.as_ref().is_some_and(|identity| identity.standing.locked_at.is_some()) {
                    return Err(AuthError::Throttled { retry_at: UNTIL_REBOUND });
                }
                let (endpoint, hash) = match &identity {
                    Some(identity) => proof_of(tx, identity)?,
                    None => (None, None),
                };
                Ok(Candidate { project, application, identity, endpoint, hash, keys })
            })
            .await
    }

    async fn accept(
        &self,
        ctx: &Ctx,
        candidate: Candidate,
        renewed: Option<PasswordHash>,
        start: bool,
    ) -> Result<Authenticated, AuthError> {
        let seed = self.session_seed(ctx, &["pwd"]);
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            let Candidate { project, application, identity, endpoint: compared, hash, keys } = candidate;
            // Guesses made in parallel may have used up the tries while this one was being hashed.
            refuse_blocked(tx, &keys, now)?;
            let id = identity.ok_or(AuthError::InvalidCredentials)?.id;
            // Held, so that no change of the password comes between this look at it and the session.
            let identity = tx.identity_to_change(id)?.ok_or(AuthError::InvalidCredentials)?;
            let (endpoint, present) = proof_of(tx, &identity)?;
            // Changed meanwhile: what was compared no longer counts.
            if present != hash || endpoint.as_ref().map(secret) != compared.as_ref().map(secret) {
                return Err(AuthError::InvalidCredentials);
            }
            admit(&project, application.as_ref(), Some(&identity), endpoint.as_ref(), None, now)?;
            if let (Some(old), Some(new)) = (&hash, &renewed) {
                tx.rehash_password(id, old, new)?;
            }
            // A success resets its identifier; an address goes on being counted for what it tries on others.
            if tx.throttle(&keys[0])?.is_some() {
                tx.reset_throttle(&keys[0])?;
            }
            let session = seed.session_at(&identity, endpoint.as_ref(), &project, application.as_ref());
            let who = Authenticated {
                identity: Arc::new(identity),
                endpoint: endpoint.map(Arc::new),
                project: Arc::new(project),
                application: application.map(Arc::new),
                session: None,
                key: None,
                scopes: ScopeSet::default(),
            };
            if !start {
                return Ok(who);
            }
            start_session(tx, log, &session, None)?;
            Ok(with_session(who, session))
        })
        .await
    }

    /// Counts a wrong password under the identifier and the address, and returns the refusal to give.
    async fn count_failures(&self, ctx: &Ctx, candidate: Candidate) -> Result<AuthError, AuthError> {
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            // Guesses beyond the limit that were on their way are answered like right ones on theirs, and cost nothing.
            refuse_blocked(tx, &candidate.keys, now)?;
            for key in &candidate.keys {
                let failures = tx.count_failure(key, now, key.forgets_before(now))?;
                // Nobody guesses 128 random bits; a lock would only let strangers switch endpoints off.
                let guessable =
                    candidate.endpoint.as_ref().is_none_or(|found| found.is_group_account() || found.is_sip_user());
                let locks = guessable && *key == candidate.keys[0] && failures >= MAX_CONSECUTIVE_FAILURES;
                if locks {
                    tx.block(key, UNTIL_REBOUND)?;
                    lock(tx, log, candidate.identity.as_ref(), now)?;
                } else if !key.wait_after(failures).is_zero() {
                    tx.block(key, now + key.wait_after(failures))?;
                }
            }
            let subject = candidate
                .identity
                .as_ref()
                .map_or_else(|| "nobody".to_owned(), |found| format!("identity:{}", found.id));
            log.record(Audit::new(candidate.project.id, Actor::Anonymous, "password.refused", &subject));
            Ok(AuthError::InvalidCredentials)
        })
        .await
    }

    /// Whether these are the identity's present words; counted like a sign-in.
    async fn confirm_password(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        password: Password,
    ) -> Result<Candidate, AuthError> {
        let (identity, project, now) = (Arc::clone(&who.identity), Arc::clone(&who.project), ctx.now);
        let candidate = self
            .store
            .read(move |tx| {
                let key = own_throttle_key(&identity);
                refuse_blocked(tx, std::slice::from_ref(&key), now)?;
                Ok(Candidate {
                    hash: tx.password_of(identity.id)?,
                    project: Project::clone(&project),
                    application: None,
                    identity: Some(Identity::clone(&identity)),
                    endpoint: None,
                    keys: vec![key],
                })
            })
            .await?;
        match self.hasher.verify(password, candidate.hash.clone()).await? {
            Verdict::Right | Verdict::RightNeedsRehash => Ok(candidate),
            Verdict::Wrong => Err(self.count_failures(ctx, candidate).await?),
        }
    }

    /// Changes the caller's password after the present one was shown. Every session ends, this one included.
    pub async fn change_password(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        present: Password,
        new: Password,
    ) -> Result<(), AuthError> {
        who.refuse_vouched()?;
        let confirmed = self.confirm_password(ctx, who, present.clone()).await?;
        if present.expose() == new.expose() {
            return Err(AuthError::invalid("password", Rule::Unchanged));
        }
        let hash = self.hash_new(who.project.id, &who.identity, &new).await?;
        let id = CredentialId::mint(ctx.now, self.entropy.as_ref());
        let (project, identity, actor, now) = (who.project.id, who.identity.id, who.actor(), ctx.now);
        self.commit(ctx, move |tx, log| {
            refuse_blocked(tx, &confirmed.keys, now)?;
            // Changed or reset meanwhile: what was shown is no longer the present password.
            if tx.password_of(identity)? != confirmed.hash {
                return Err(AuthError::InvalidCredentials);
            }
            tx.reset_throttle(&confirmed.keys[0])?;
            log.record(Audit::new(project, actor, "password.changed", &format_args!("identity:{identity}")));
            put_password(tx, log, id, project, identity, &hash, now)
        })
        .await?;
        self.tell_owner(ctx, project, identity, Message::PasswordChanged).await;
        Ok(())
    }

    /// Sets somebody's password without asking for the present one.
    pub async fn set_password(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        identity: IdentityId,
        new: Password,
    ) -> Result<(), AuthError> {
        let found = self.identity(permit, identity).await?;
        let hash = self.hash_new(permit.project(), &found, &new).await?;
        self.replace_password(ctx, permit.project(), identity, permit.actor(), hash).await
    }

    /// Takes a password hash of another system (a PHC string or bcrypt); it is replaced at the first sign-in.
    pub async fn import_password(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        identity: IdentityId,
        hash: &str,
    ) -> Result<(), AuthError> {
        self.identity(permit, identity).await?;
        let hash = PasswordHash::import(hash)?;
        self.replace_password(ctx, permit.project(), identity, permit.actor(), hash).await
    }

    /// Checks a new password against the project's rules and hashes it.
    pub(super) async fn hash_new(
        &self,
        project: ProjectId,
        identity: &Identity,
        new: &Password,
    ) -> Result<PasswordHash, AuthError> {
        let id = identity.id;
        let (project, addresses) = self.store.read(move |tx| Ok((tx.project(project)?, tx.identifiers(id)?))).await?;
        let project = project.ok_or(AuthError::NotFound(Noun::Project))?;
        let mut context = vec![project.name.as_str()];
        context.extend(addresses.iter().map(|held| held.identifier.value()));
        context.extend(identity.profile.given_name.as_deref());
        context.extend(identity.profile.family_name.as_deref());
        self.hasher.hash(project.policy.password.check(new, &context)?).await
    }

    async fn replace_password(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        identity: IdentityId,
        actor: Actor,
        hash: PasswordHash,
    ) -> Result<(), AuthError> {
        let id = CredentialId::mint(ctx.now, self.entropy.as_ref());
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            log.record(Audit::new(project, actor, "password.changed", &format_args!("identity:{identity}")));
            put_password(tx, log, id, project, identity, &hash, now)
        })
        .await?;
        self.tell_owner(ctx, project, identity, Message::PasswordChanged).await;
        Ok(())
    }

    /// Forgets failures of an identity and lifts its lock.
    pub async fn unlock_identity(&self, ctx: &Ctx, permit: &Permit, identity: IdentityId) -> Result<(), AuthError> {
        let permit = permit.clone();
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            let found = tx.identity_to_change(identity)?.filter(|found| found.project == permit.project());
            rebind(tx, found.ok_or(AuthError::NotFound(Noun::Identity))?, now)?;
            log.record(Audit::new(
                permit.project(),
                permit.actor(),
                "identity.unlocked",
                &format_args!("identity:{identity}"),
            ));
            log.announce(SecurityEvent::IdentityChanged(identity));
            Ok(())
        })
        .await
    }
}

/// What a password is compared with: the secret of an endpoint, the hash of anybody else.
fn proof_of(tx: &mut dyn Tx, identity: &Identity) -> Result<(Option<Endpoint>, Option<PasswordHash>), AuthError> {
    Ok(match identity.kind {
        IdentityKind::Endpoint => (tx.endpoint(identity.id)?, None),
        _ => (None, tx.password_of(identity.id)?),
    })
}

const fn secret(endpoint: &Endpoint) -> &Sealed {
    &endpoint.secret
}

/// Replaces a password and ends what the old one opened: sessions and reset links.
pub(super) fn put_password(
    tx: &mut dyn Tx,
    log: &mut Log,
    id: CredentialId,
    project: ProjectId,
    identity: IdentityId,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), AuthError> {
    // Held first: a sign-in by the old password is either done, and its session ends below, or sees the new one.
    tx.identity_to_change(identity)?;
    tx.replace_password(id, project, identity, hash, now)?;
    // Whoever asked for another address may be the reason for the new password.
    for purpose in [Purpose::PasswordReset, Purpose::EmailChange] {
        tx.supersede_verifications(identity, purpose, now)?;
    }
    log.end_sessions_of(tx, identity, now)?;
    log.announce_password(identity);
    Ok(())
}

/// Lifts the lock of an identity whose authenticator was bound anew, and forgets its failures. The caller holds the row.
pub(super) fn rebind(tx: &mut dyn Tx, mut identity: Identity, now: Timestamp) -> Result<Identity, AuthError> {
    for held in tx.identifiers(identity.id)? {
        tx.reset_throttle(&ThrottleKey::identifier(identity.project, &held.identifier))?;
    }
    tx.reset_throttle(&own_throttle_key(&identity))?;
    identity.standing.locked_at = None;
    identity.updated_at = now;
    tx.update_identity(&identity)?;
    Ok(identity)
}

/// Where failures of somebody who is signed in are counted: an identifier of no scheme that anybody can present.
fn own_throttle_key(identity: &Identity) -> ThrottleKey {
    ThrottleKey::identifier(identity.project, &Identifier::of("identity", identity.id.to_string()))
}

fn lock(tx: &mut dyn Tx, log: &mut Log, identity: Option<&Identity>, now: Timestamp) -> Result<(), AuthError> {
    let Some(identity) = identity else { return Ok(()) };
    if tx.lock_identity(identity.id, now)? {
        log.record(Audit::new(
            identity.project,
            Actor::System,
            "identity.locked",
            &format_args!("identity:{}", identity.id),
        ));
        log.announce(SecurityEvent::IdentityChanged(identity.id));
        // Its sessions may count again once it is unlocked; other servers want tokens of after that.
        log.tell_ended(identity.id);
    }
    Ok(())
}

pub(super) fn refuse_blocked(tx: &mut dyn Tx, keys: &[ThrottleKey], now: Timestamp) -> Result<(), AuthError> {
    for key in keys {
        if let Some(retry_at) = tx.throttle(key)?.and_then(|counter| counter.blocked_until).filter(|until| *until > now)
        {
            return Err(AuthError::Throttled { retry_at });
        }
    }
    Ok(())
}
