//! Identities: registered, found, changed, suspended, erased.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Authenticated, Authority, LinkTemplate, Log,
    authenticate::{admit, resolve},
    homes::Place,
    memberships::accept_invitations,
    passwords::rebind,
    roles::remove_places,
    verifications::open,
};
use crate::{
    audit::Audit,
    caller::{Actor, Permit, Scope},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::{HeldIdentifier, Identifier, Identity, IdentityFilter, IdentityKind, Profile, Standing, is_email},
    ids::{CredentialId, IdentityId, MembershipId},
    project::ProjectRef,
    secret::Password,
    store::Tx,
    throttle::ThrottleKey,
    time::Timestamp,
    verification::Purpose,
};

/// What somebody says to get an account.
#[derive(Debug)]
pub struct Registration {
    /// Where.
    pub project: ProjectRef,
    /// The address.
    pub email: String,
    /// The password.
    pub password: Password,
    /// Names and language.
    pub profile: Profile,
    /// What only one dialect knows, under its name.
    pub attributes: Map<String, Value>,
    /// Proof that an administrator vouches for the address.
    pub vouched: Option<Permit>,
    /// Where the link that proves the address leads; no mail without one.
    pub verify: Option<LinkTemplate>,
}

/// Changes somebody makes to their own profile: `None` leaves as is, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// First name.
    pub given_name: Option<Option<String>>,
    /// Last name.
    pub family_name: Option<Option<String>>,
    /// What others see.
    pub nickname: Option<Option<String>>,
    /// Telephone number.
    pub phone_number: Option<Option<String>>,
    /// Language of messages.
    pub locale: Option<Option<String>>,
    /// Members to replace below one dialect's name in the attributes; null removes.
    pub attributes: Option<(&'static str, Map<String, Value>)>,
}

impl Authority {
    /// Makes an account. Invitations of its address become memberships; the address counts as proved only if vouched for.
    ///
    /// Refuses with `Conflict(Identifier)` when the address is taken, after the same work as for a new one.
    pub async fn register(&self, ctx: &Ctx, wanted: Registration) -> Result<Identity, AuthError> {
        self.register_at(ctx, wanted, None).await
    }

    pub(super) async fn register_at(
        &self,
        ctx: &Ctx,
        wanted: Registration,
        place: Option<Place>,
    ) -> Result<Identity, AuthError> {
        if !is_email(wanted.email.trim()) {
            return Err(AuthError::invalid("email", Rule::Malformed));
        }
        let email = Identifier::email(&wanted.email);
        let reference = wanted.project.clone();
        let (project, application) = self.store.read(move |tx| resolve(tx, &reference)).await?;
        admit(&project, application.as_ref(), None, None, None, ctx.now)?;
        let context = [
            Some(project.name.as_str()),
            application.as_ref().map(|application| application.name.as_str()),
            Some(email.value()),
            wanted.profile.given_name.as_deref(),
            wanted.profile.family_name.as_deref(),
        ];
        let context: Vec<_> = context.into_iter().flatten().collect();
        let hash = self.hasher.hash(project.policy.password.check(&wanted.password, &context)?).await?;

        let entropy = Arc::clone(&self.entropy);
        let credential = CredentialId::mint(ctx.now, entropy.as_ref());
        let verified_at = wanted.vouched.as_ref().filter(|permit| permit.project() == project.id).map(|_| ctx.now);
        let identity = Identity {
            id: IdentityId::mint(ctx.now, entropy.as_ref()),
            project: project.id,
            application: None,
            kind: IdentityKind::Member,
            profile: Profile {
                locale: wanted.profile.locale.clone().or_else(|| ctx.language.clone()),
                ..wanted.profile
            },
            attributes: wanted.attributes,
            standing: Standing::default(),
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        let registered = identity.clone();
        let (now, address) = (ctx.now, email.clone());
        let letter = wanted.verify.as_ref().filter(|_| verified_at.is_none());
        let letter = letter.map(|link| self.verification(ctx, &identity, &email, Purpose::EmailVerification, link));
        let opened = letter.as_ref().map(|letter| letter.verification.clone());
        let place = place.map(|place| (place, MembershipId::mint(now, entropy.as_ref())));
        let sent = self.commit(ctx, move |tx, log| {
            if !add_member(tx, log, &registered, &HeldIdentifier { identifier: address.clone(), verified_at })? {
                return Ok(None);
            }
            // Announced to nobody: an identity that nobody knew has no session that could end.
            tx.replace_password(credential, registered.project, registered.id, &hash, now)?;
            // Guesses at an address that nobody held do not count against its new holder.
            tx.reset_throttle(&ThrottleKey::identifier(registered.project, &address))?;
            place.map_or(Ok(()), |(place, id)| place.take(tx, log, &registered, id, now))?;
            accept_invitations(tx, log, &registered, &address, || MembershipId::mint(now, entropy.as_ref()), now)?;
            opened.map_or(Ok(Some(false)), |opened| open(tx, log, &opened).map(Some))
        });
        let sent = sent.await?.ok_or(AuthError::Conflict(Noun::Identifier))?;
        if let Some(letter) = letter {
            self.send(ctx, &project, &identity, letter, sent);
        }
        Ok(identity)
    }

    /// What an identity is found by.
    pub async fn identifiers(&self, identity: IdentityId) -> Result<Vec<HeldIdentifier>, AuthError> {
        self.store.read(move |tx| Ok(tx.identifiers(identity)?)).await
    }

    /// The identity in a project that has a short id; what it says of itself in public, for whoever knows the id.
    pub async fn public_identity(&self, project: ProjectRef, id: IdentityId) -> Result<Identity, AuthError> {
        self.store
            .read(move |tx| {
                let (project, _) = resolve(tx, &project)?;
                tx.identity(id)?
                    .filter(|found| found.project == project.id && found.standing.erased_at.is_none())
                    .ok_or(AuthError::NotFound(Noun::Identity))
            })
            .await
    }

    /// An identity of the project that `permit` is for.
    pub async fn identity(&self, permit: &Permit, id: IdentityId) -> Result<Identity, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                tx.identity(id)?.filter(|found| found.project == project).ok_or(AuthError::NotFound(Noun::Identity))
            })
            .await
    }

    /// The identity of the permit's project that holds an identifier.
    pub async fn identity_by(&self, permit: &Permit, identifier: Identifier) -> Result<Identity, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let found = tx.identity_by_identifier(project, &identifier)?;
                found.map(|(identity, _)| identity).ok_or(AuthError::NotFound(Noun::Identity))
            })
            .await
    }

    /// Identities of the permit's project in order of id, after `after`.
    pub async fn identities(
        &self,
        permit: &Permit,
        filter: IdentityFilter,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<Identity>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.identities(project, filter, after, limit)?)).await
    }

    /// Changes the caller's own profile.
    pub async fn change_profile(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        change: ProfileChange,
    ) -> Result<Identity, AuthError> {
        who.refuse_vouched()?;
        let permit = Permit::earned(who.project.id, who.actor());
        self.change_identity(ctx, &permit, who.identity.id, change).await
    }

    /// Changes the profile of an identity of the permit's project.
    pub async fn change_identity(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        change: ProfileChange,
    ) -> Result<Identity, AuthError> {
        self.change_identity_if(ctx, permit, id, change, None).await
    }

    /// The same, unless it was changed since `seen`, which is what whoever decided has looked at.
    pub async fn change_seen_identity(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        change: ProfileChange,
        seen: Timestamp,
    ) -> Result<Identity, AuthError> {
        self.change_identity_if(ctx, permit, id, change, Some(seen)).await
    }

    async fn change_identity_if(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        change: ProfileChange,
        seen: Option<Timestamp>,
    ) -> Result<Identity, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.identity_to_change(id)?.filter(|found| found.project == permit.project());
            let mut identity = found.ok_or(AuthError::NotFound(Noun::Identity))?;
            if seen.is_some_and(|seen| seen != identity.updated_at) {
                return Err(AuthError::Conflict(Noun::Identity));
            }
            change.apply(&mut identity);
            identity.updated_at = now;
            tx.update_identity(&identity)?;
            log.record(Audit::new(identity.project, permit.actor(), "profile.changed", &format_args!("identity:{id}")));
            log.announce(SecurityEvent::IdentityChanged(id));
            Ok(identity)
        })
        .await
    }

    /// Forbids an identity to sign in and ends its sessions, or allows it again.
    pub async fn suspend_identity(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: IdentityId,
        suspended: bool,
    ) -> Result<Identity, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.identity_to_change(id)?.filter(|found| found.project == permit.project());
            let mut identity = found.ok_or(AuthError::NotFound(Noun::Identity))?;
            refuse_keeper(&permit, &identity)?;
            identity.standing.suspended_at = suspended.then_some(now);
            identity.updated_at = now;
            if suspended {
                tx.update_identity(&identity)?;
                log.end_sessions_of(tx, id, now)?;
            } else {
                identity = rebind(tx, identity, now)?;
            }
            let action = if suspended { "identity.suspended" } else { "identity.restored" };
            log.record(Audit::new(identity.project, permit.actor(), action, &format_args!("identity:{id}")));
            log.announce(SecurityEvent::IdentityChanged(id));
            Ok(identity)
        })
        .await
    }

    /// Erases the caller: nothing personal remains, the address is free again, the id is never used again.
    ///
    /// An API key has no account to erase: it is revoked by whoever manages keys, and not by a slip of the program that has it.
    pub async fn erase_self(&self, ctx: &Ctx, who: &Authenticated) -> Result<Identity, AuthError> {
        who.refuse_vouched()?;
        if who.identity.kind == IdentityKind::Service {
            return Err(AuthError::Forbidden { needs: Scope::CredentialsWrite });
        }
        who.refuse_key()?;
        let permit = Permit::earned(who.project.id, who.actor());
        self.erase_identity(ctx, &permit, who.identity.id).await
    }

    /// Erases an identity: nothing personal remains, its addresses are free again, the id is never used again.
    pub async fn erase_identity(&self, ctx: &Ctx, permit: &Permit, id: IdentityId) -> Result<Identity, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.identity_to_change(id)?.filter(|found| found.project == permit.project());
            let mut identity = found.ok_or(AuthError::NotFound(Noun::Identity))?;
            refuse_keeper(&permit, &identity)?;
            log.record(Audit::new(identity.project, permit.actor(), "identity.erased", &format_args!("identity:{id}")));
            erase(tx, log, &mut identity, now)?;
            Ok(identity)
        })
        .await
    }
}

/// Whoever ends a service ends its API keys, and so needs the right to those, too.
fn refuse_keeper(permit: &Permit, identity: &Identity) -> Result<(), AuthError> {
    if identity.kind == IdentityKind::Service { permit.must_hold(Scope::CredentialsWrite) } else { Ok(()) }
}

/// Leaves nothing personal of an identity. The caller holds the row.
pub(super) fn erase(tx: &mut dyn Tx, log: &mut Log, identity: &mut Identity, now: Timestamp) -> Result<(), AuthError> {
    let id = identity.id;
    log.end_sessions_of(tx, id, now)?;
    tx.delete_picture(id)?;
    for purpose in Purpose::ALL {
        tx.supersede_verifications(id, purpose, now)?;
    }
    tx.revoke_credentials_of(id, now)?;
    remove_places(tx, log, id)?;
    tx.release_identifiers(id)?;
    tx.delete_endpoint(id)?;
    identity.profile = Profile::default();
    identity.attributes = Map::new();
    identity.standing.erased_at = Some(now);
    identity.updated_at = now;
    tx.update_identity(identity)?;
    log.announce(SecurityEvent::IdentityChanged(id));
    Ok(())
}

/// Adds a member with an address; `false` when somebody has it, with a trace as durable as an account, so that both take the
/// same time (N75).
fn add_member(tx: &mut dyn Tx, log: &mut Log, new: &Identity, address: &HeldIdentifier) -> Result<bool, AuthError> {
    if tx.identity_by_identifier(new.project, &address.identifier)?.is_some() {
        log.record(Audit::new(new.project, Actor::Anonymous, "registration.refused", &"nobody"));
        return Ok(false);
    }
    tx.insert_identity(new)?;
    if !tx.add_identifier(new, address)? {
        // Somebody was faster, and what was added goes again.
        return Err(AuthError::Conflict(Noun::Identifier));
    }
    let subject = format_args!("identity:{}", new.id);
    log.record(Audit::new(new.project, Actor::Identity(new.id), "identity.registered", &subject));
    Ok(true)
}

impl ProfileChange {
    pub(super) fn apply(self, identity: &mut Identity) {
        let profile = &mut identity.profile;
        let fields = [
            (self.given_name, &mut profile.given_name),
            (self.family_name, &mut profile.family_name),
            (self.nickname, &mut profile.nickname),
            (self.phone_number, &mut profile.phone_number),
            (self.locale, &mut profile.locale),
        ];
        for (change, field) in fields {
            if let Some(value) = change {
                *field = value;
            }
        }
        let Some((dialect, members)) = self.attributes else { return };
        let own = identity.attributes.entry(dialect).or_insert_with(|| Value::Object(Map::new()));
        if !own.is_object() {
            *own = Value::Object(Map::new());
        }
        if let Value::Object(own) = own {
            for (name, value) in members {
                if value.is_null() {
                    own.remove(&name);
                } else {
                    own.insert(name, value);
                }
            }
        }
    }
}
