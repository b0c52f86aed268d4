//! SIP users: made, changed, deleted. Each change of what a phone proves itself with hashes it anew and ends sessions.

use serde_json::{Map, Value};

use super::{SipDomainRef, SipSafe};
use crate::{
    authority::{
        Authenticated, Authority, Log, ProfileChange,
        endpoints::{check_user_name, hold_user_name, put_endpoint, record},
        passwords::rebind,
    },
    caller::Permit,
    context::Ctx,
    digest::Digests,
    endpoint::Endpoint,
    error::{AuthError, Noun},
    event::SecurityEvent,
    identity::{Identifier, Identity, Profile},
    ids::{IdentityId, ProjectId},
    project::Project,
    secret::Password,
    sip::{SipDomain, SipUser, SipUsersOf},
    store::Tx,
    time::Timestamp,
};

/// What a user is to be.
#[derive(Debug)]
pub struct SipUserRequest {
    /// What its phone registers as.
    pub login: String,
    /// What its phone proves itself with; 128 random bits made by us when absent.
    pub password: Option<Password>,
    /// Names and the like.
    pub profile: Profile,
    /// What only one dialect knows, under its name.
    pub attributes: Map<String, Value>,
    /// Whether it may call its own domain only.
    pub same_domain_calls_only: bool,
}

/// What is to change of a user: `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct SipUserChange {
    /// What its phone registers as.
    pub login: Option<String>,
    /// What its phone proves itself with.
    pub password: Option<Password>,
    /// Names and the like.
    pub profile: ProfileChange,
    /// Whether it may call its own domain only.
    pub same_domain_calls_only: Option<bool>,
}

impl SipUserChange {
    /// Whether phones have to be told.
    const fn rearms(&self) -> bool {
        self.login.is_some() || self.password.is_some()
    }
}

/// A user that is put together before its transaction.
pub(super) struct Draft {
    identity: Identity,
    wanted: SipUserRequest,
    password: Password,
    safe: SipSafe,
    now: Timestamp,
}

impl Authority {
    /// Makes a user of a domain; its phone may register at once.
    pub async fn create_sip_user(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        wanted: SipUserRequest,
    ) -> Result<SipUser, AuthError> {
        let draft = self.draft_sip_user(ctx, permit.project(), wanted).await?;
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| {
            let project = project_held(tx, permit.project())?;
            let domain = domain.find_to_change(tx, project.id)?;
            let user = draft.put(tx, &project, &domain)?;
            record(log, &permit, "sip_user.created", user.identity.id);
            Ok(user)
        })
        .await
    }

    pub(super) async fn draft_sip_user(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        wanted: SipUserRequest,
    ) -> Result<Draft, AuthError> {
        check_user_name(&wanted.login)?;
        self.check_sip_password(project, wanted.password.as_ref(), &wanted.login).await?;
        let fresh = self.fresh_endpoint_identity(ctx, project);
        let (profile, attributes) = (wanted.profile.clone(), wanted.attributes.clone());
        let identity = Identity { profile, attributes, ..fresh };
        let password = wanted.password.clone().unwrap_or_else(|| self.random_sip_password());
        Ok(Draft { identity, wanted, password, safe: self.sip_safe(), now: ctx.now })
    }

    /// Applies the project's rules to a password that a person chose: a SIP digest of it can be guessed at a great rate by
    /// whoever gets hold of one.
    async fn check_sip_password(
        &self,
        project: ProjectId,
        chosen: Option<&Password>,
        login: &str,
    ) -> Result<(), AuthError> {
        let Some(password) = chosen else { return Ok(()) };
        let project = self.store.read(move |tx| Ok(tx.project(project)?)).await?;
        let project = project.ok_or(AuthError::NotFound(Noun::Project))?;
        project.policy.password.check(password, &[login, &project.name]).map(drop)
    }

    /// A user of a domain.
    pub async fn sip_user(&self, permit: &Permit, domain: SipDomainRef, id: IdentityId) -> Result<SipUser, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let domain = domain.find(tx, project)?;
                user_of(tx, &domain, id)
            })
            .await
    }

    /// Users of a domain in order of age, after `after`.
    pub async fn sip_users(
        &self,
        permit: &Permit,
        domain: SipDomainRef,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<SipUser>, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let domain = domain.find(tx, project)?;
                Ok(tx.sip_users(SipUsersOf::Domain(domain.group.id), after, limit)?)
            })
            .await
    }

    /// Changes a user. A new login or password ends its sessions, and SIP servers want the new one at the next request.
    pub async fn change_sip_user(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        id: IdentityId,
        change: SipUserChange,
    ) -> Result<SipUser, AuthError> {
        change.login.as_deref().map_or(Ok(()), check_user_name)?;
        let login = match &change.login {
            Some(login) => login.clone(),
            None => self.sip_user(permit, domain.clone(), id).await?.login,
        };
        self.check_sip_password(permit.project(), change.password.as_ref(), &login).await?;
        let (permit, safe, now) = (permit.clone(), self.sip_safe(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let project = project_held(tx, permit.project())?;
            let domain = domain.find_to_change(tx, project.id)?;
            let identity = tx.identity_to_change(id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
            let user = user_of(tx, &domain, id)?;
            let action = if change.rearms() { "sip_user.rearmed" } else { "sip_user.changed" };
            let changed = Rearming { project: &project, safe: &safe, now }.apply(tx, log, user, identity, change)?;
            record(log, &permit, action, id);
            Ok(changed)
        })
        .await
    }

    /// Deletes a user: its sessions end, its login is free again, SIP servers know it no more.
    pub async fn delete_sip_user(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        id: IdentityId,
    ) -> Result<SipUser, AuthError> {
        let user = self.sip_user(permit, domain, id).await?;
        self.erase_identity(ctx, permit, id).await?;
        Ok(user)
    }

    /// The caller as a SIP user; `NotFound` for whoever is none. Refused while the application whose people manage the domain
    /// is switched off.
    pub async fn own_sip_user(&self, who: &Authenticated) -> Result<SipUser, AuthError> {
        let id = who.identity.id;
        self.store
            .read(move |tx| {
                let user = tx.sip_user(id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
                let home = user.application.map(|id| tx.application(id)).transpose()?.flatten();
                match home.and_then(|home| home.disabled_at) {
                    Some(_) => Err(AuthError::Disabled(Noun::Application)),
                    None => Ok(user),
                }
            })
            .await
    }

    /// Users of the caller's own domain in order of age, after `after`: whom it may call.
    pub async fn sip_neighbours(
        &self,
        who: &Authenticated,
        after: Option<IdentityId>,
        limit: u32,
    ) -> Result<Vec<SipUser>, AuthError> {
        let domain = self.own_sip_user(who).await?.endpoint.group.id;
        self.store.read(move |tx| Ok(tx.sip_users(SipUsersOf::Domain(domain), after, limit)?)).await
    }

    /// Changes the caller, a SIP user. What its phone proves itself with changes only right after it proved itself by its
    /// password, for whoever shows a digest may have read it somewhere; what it may call is not for it to say.
    pub async fn change_own_sip_user(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        change: SipUserChange,
    ) -> Result<SipUser, AuthError> {
        let own = self.own_sip_user(who).await?;
        if change.rearms() {
            let by_password = who.session.as_ref().is_some_and(|session| session.amr.iter().any(|how| how == "pwd"));
            if !by_password {
                return Err(AuthError::StepUpRequired { acr: "recent" });
            }
            who.require_recent(ctx.now)?;
        }
        let permit = Permit::earned(who.project.id, who.actor());
        let change = SipUserChange { same_domain_calls_only: None, ..change };
        self.change_sip_user(ctx, &permit, SipDomainRef::named(own.domain), own.identity.id, change).await
    }

    /// The password of a user, for whoever configures its phone.
    pub fn sip_password(&self, permit: &Permit, user: &SipUser) -> Result<Password, AuthError> {
        self.endpoint_secret(permit, &user.endpoint)
    }

    /// The digests of a user, where the project keeps them readable anyway.
    pub async fn sip_digests(&self, permit: &Permit, user: &SipUser) -> Result<Digests, AuthError> {
        if user.identity.project != permit.project() {
            return Err(AuthError::NotFound(Noun::Identity));
        }
        if !self.project(permit).await?.policy.has_unsealed_digests() {
            return Err(AuthError::NotSupported("showing digests"));
        }
        self.sip_safe().open(user)
    }

    /// A password that nobody guesses: 128 random bits.
    fn random_sip_password(&self) -> Password {
        let bits = u128::from_be_bytes(crate::entropy::random(self.entropy.as_ref()));
        Password::new(format!("{bits:032x}"))
    }
}

impl Draft {
    /// Stores the user in a domain that the caller holds.
    pub(super) fn put(self, tx: &mut dyn Tx, project: &Project, domain: &SipDomain) -> Result<SipUser, AuthError> {
        let Self { identity, wanted, password, safe, now } = self;
        let endpoint = Endpoint {
            id: identity.id,
            group: domain.group.clone(),
            user_name: format!("{}@{}", wanted.login, domain.name),
            secret: safe.seal_password(identity.id, &password),
            name: wanted.login.clone(),
            tag: None,
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        put_endpoint(tx, &identity, &endpoint)?;
        let keys = safe.keys(identity.id, &wanted.login, &domain.name, &password, project);
        let user = SipUser {
            login: wanted.login,
            endpoint,
            domain: domain.name.clone(),
            application: domain.application,
            same_domain_calls_only: wanted.same_domain_calls_only,
            digests: keys.digests.clone(),
            identity,
        };
        tx.insert_sip_user(&user, &keys)?;
        Ok(user)
    }
}

/// What a change of a user needs.
struct Rearming<'a> {
    project: &'a Project,
    safe: &'a SipSafe,
    now: Timestamp,
}

impl Rearming<'_> {
    fn apply(
        &self,
        tx: &mut dyn Tx,
        log: &mut Log,
        mut user: SipUser,
        mut identity: Identity,
        change: SipUserChange,
    ) -> Result<SipUser, AuthError> {
        let id = identity.id;
        if change.rearms() {
            identity = rebind(tx, identity, self.now)?;
            let password = match change.password {
                Some(password) => password,
                None => self.safe.open_password(&user.endpoint)?,
            };
            if let Some(login) = change.login.filter(|login| *login != user.login) {
                let address = format!("{login}@{}", user.domain);
                hold_user_name(tx, &identity, &address)?;
                tx.release_identifier(id, &Identifier::of(Identifier::SIP, user.endpoint.user_name.as_str()))?;
                (user.endpoint.user_name, user.endpoint.name, user.login) = (address, login.clone(), login);
            }
            user.endpoint.secret = self.safe.seal_password(id, &password);
            let keys = self.safe.keys(id, &user.login, &user.domain, &password, self.project);
            user.digests = keys.digests.clone();
            tx.put_sip_keys(id, &keys)?;
            log.end_sessions_of(tx, id, self.now)?;
            log.announce_password(id);
        }
        change.profile.apply(&mut identity);
        identity.updated_at = self.now;
        tx.update_identity(&identity)?;
        user.identity = identity;
        user.endpoint.updated_at = self.now;
        tx.update_endpoint(&user.endpoint)?;
        user.same_domain_calls_only = change.same_domain_calls_only.unwrap_or(user.same_domain_calls_only);
        tx.update_sip_user(&user)?;
        log.announce(SecurityEvent::IdentityChanged(id));
        Ok(user)
    }
}

impl SipSafe {
    fn seal_password(&self, id: IdentityId, password: &Password) -> crate::seal::Sealed {
        self.sealer.seal(password.expose().as_bytes(), &Endpoint::seal_context(id), self.entropy.as_ref())
    }

    fn open_password(&self, endpoint: &Endpoint) -> Result<Password, AuthError> {
        let plain = self.sealer.open(&endpoint.secret, &Endpoint::seal_context(endpoint.id))?;
        Ok(Password::new(std::str::from_utf8(&plain).map_err(AuthError::internal)?))
    }
}

/// A project whose policy stays as it is until this transaction ends: it decides how digests are stored.
pub(super) fn project_held(tx: &mut dyn Tx, id: ProjectId) -> Result<Project, AuthError> {
    tx.project_to_change(id)?.ok_or(AuthError::NotFound(Noun::Project))
}

/// A user of a domain.
fn user_of(tx: &mut dyn Tx, domain: &SipDomain, id: IdentityId) -> Result<SipUser, AuthError> {
    tx.sip_user(id)?.filter(|found| found.domain == domain.name).ok_or(AuthError::NotFound(Noun::Identity))
}
