//! Projects and applications: made, configured, switched off; the issuers they trust and what guests may reach.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    Authenticated, Authority, Log, RoleNeeded,
    assertions::issuer_context,
    authenticate::{admit, resolve},
};
use crate::{
    application::{Alias, Application, ApplicationSettings},
    audit::Audit,
    caller::{Actor, InstallationPermit, Permit},
    context::Ctx,
    entropy::random,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    ids::{ApplicationId, GuestTargetId, IssuerId, MembershipId, ProjectId},
    issuer::{AssertionProfile, TrustedIssuer},
    jose::VerifyingKey,
    membership::Membership,
    project::{GuestTarget, Project, ProjectPolicy, ProjectRef},
    secret::RawToken,
    session::SessionsOf,
    store::Tx,
};

/// What a project is to be.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    /// Its name, unique in the installation.
    pub name: String,
    /// Its configuration.
    pub policy: ProjectPolicy,
}

/// What an application is to be.
#[derive(Clone, Debug)]
pub struct ApplicationRequest {
    /// Its name.
    pub name: String,
    /// Its configuration.
    pub settings: ApplicationSettings,
    /// Names that dialects know it by.
    pub aliases: Vec<Alias>,
}

impl Authority {
    /// Makes a project.
    pub async fn create_project(
        &self,
        ctx: &Ctx,
        _permit: &InstallationPermit,
        wanted: ProjectRequest,
    ) -> Result<Project, AuthError> {
        check_name(&wanted.name)?;
        let project = Project {
            id: ProjectId::mint(ctx.now, self.entropy.as_ref()),
            name: wanted.name,
            policy: wanted.policy,
            disabled_at: None,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        let made = project.clone();
        self.commit(ctx, move |tx, log| {
            if !tx.insert_project(&made)? {
                return Err(AuthError::Conflict(Noun::Project));
            }
            log.record(Audit::new(made.id, Actor::Operator, "project.created", &format_args!("project:{}", made.id)));
            Ok(())
        })
        .await?;
        Ok(project)
    }

    /// Projects in order of id, after `after`.
    pub async fn projects(
        &self,
        _permit: &InstallationPermit,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, AuthError> {
        self.store.read(move |tx| Ok(tx.projects(after, limit)?)).await
    }

    /// The project of a name, e.g. of a mount.
    pub async fn project_by_name(&self, name: &str) -> Result<Project, AuthError> {
        let name = name.to_owned();
        self.store.read(move |tx| tx.project_by_name(&name)?.ok_or(AuthError::NotFound(Noun::Project))).await
    }

    /// The project that `permit` is for.
    pub async fn project(&self, permit: &Permit) -> Result<Project, AuthError> {
        let id = permit.project();
        self.store.read(move |tx| tx.project(id)?.ok_or(AuthError::NotFound(Noun::Project))).await
    }

    /// Replaces a project's configuration.
    pub async fn configure_project(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        policy: ProjectPolicy,
    ) -> Result<Project, AuthError> {
        self.change_project(ctx, permit, "project.configured", move |project| project.policy = policy).await
    }

    /// Switches a project off, ending its sessions, or on again.
    pub async fn disable_project(&self, ctx: &Ctx, permit: &Permit, disabled: bool) -> Result<Project, AuthError> {
        let now = ctx.now;
        let action = if disabled { "project.disabled" } else { "project.enabled" };
        self.change_project(ctx, permit, action, move |project| project.disabled_at = disabled.then_some(now)).await
    }

    async fn change_project(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        action: &'static str,
        change: impl FnOnce(&mut Project) + Send + 'static,
    ) -> Result<Project, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut project = tx.project_to_change(permit.project())?.ok_or(AuthError::NotFound(Noun::Project))?;
            change(&mut project);
            project.updated_at = now;
            tx.update_project(&project)?;
            if project.disabled_at == Some(now) {
                log.announce_revoked(tx.revoke_sessions(SessionsOf::Project(project.id), now)?);
            }
            log.record(Audit::new(project.id, permit.actor(), action, &format_args!("project:{}", project.id)));
            log.announce(SecurityEvent::ProjectChanged(project.id));
            Ok(project)
        })
        .await
    }

    /// Makes an application.
    pub async fn create_application(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: ApplicationRequest,
    ) -> Result<Application, AuthError> {
        check_name(&wanted.name)?;
        let application = self.fresh_application(ctx, permit.project(), &wanted);
        let (made, actor) = (application.clone(), permit.actor());
        self.commit(ctx, move |tx, log| put_application(tx, log, &made, &wanted.aliases, actor)).await?;
        Ok(application)
    }

    /// Makes an application of which the caller, a member of the project, becomes `role`. Its alias in `scheme` is its
    /// short id.
    pub async fn found_application(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        wanted: ApplicationRequest,
        scheme: &'static str,
        role: &'static str,
    ) -> Result<(Application, Membership), AuthError> {
        check_name(&wanted.name)?;
        who.require_account()?;
        let application = self.fresh_application(ctx, who.project.id, &wanted);
        let founder = Membership {
            id: MembershipId::mint(ctx.now, self.entropy.as_ref()),
            project: who.project.id,
            application: application.id,
            identity: who.identity.id,
            role: role.to_owned(),
            attributes: Map::new(),
            disabled_at: None,
            created_by: who.identity.id,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        let (made, first, actor) = (application.clone(), founder.clone(), who.actor());
        self.commit(ctx, move |tx, log| {
            let alias = Alias { scheme: scheme.to_owned(), value: made.id.short() };
            put_application(tx, log, &made, &[alias], actor)?;
            tx.insert_membership(&first)?;
            Ok(())
        })
        .await?;
        Ok((application, founder))
    }

    fn fresh_application(&self, ctx: &Ctx, project: ProjectId, wanted: &ApplicationRequest) -> Application {
        Application {
            id: ApplicationId::mint(ctx.now, self.entropy.as_ref()),
            project,
            name: wanted.name.clone(),
            settings: wanted.settings.clone(),
            disabled_at: None,
            created_at: ctx.now,
            updated_at: ctx.now,
        }
    }

    /// The application that something names, with its project, whoever asks: names and settings hold no secret.
    pub async fn find_application(&self, reference: ProjectRef) -> Result<(Project, Application), AuthError> {
        self.store
            .read(move |tx| {
                let (project, application) = resolve(tx, &reference)?;
                Ok((project, application.ok_or(AuthError::NotFound(Noun::Application))?))
            })
            .await
    }

    /// The names of an application.
    pub async fn aliases(&self, application: ApplicationId) -> Result<Vec<Alias>, AuthError> {
        self.store.read(move |tx| Ok(tx.aliases(application)?)).await
    }

    /// Applications of the permit's project in order of id, after `after`.
    pub async fn applications(
        &self,
        permit: &Permit,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Result<Vec<Application>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.applications(project, after, limit)?)).await
    }

    /// The application of the permit's project that has this name.
    pub async fn application_by_name(&self, permit: &Permit, name: &str) -> Result<Application, AuthError> {
        let (project, name) = (permit.project(), name.to_owned());
        self.store
            .read(move |tx| tx.application_by_name(project, &name)?.ok_or(AuthError::NotFound(Noun::Application)))
            .await
    }

    /// Replaces an application's configuration and adds aliases.
    pub async fn configure_application(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        settings: ApplicationSettings,
        aliases: Vec<Alias>,
    ) -> Result<Application, AuthError> {
        self.change_application(ctx, permit, id, "application.configured", move |tx, application| {
            application.settings = settings;
            put_aliases(tx, application.id, &aliases)
        })
        .await
    }

    /// Takes a name away from an application.
    pub async fn remove_alias(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        alias: Alias,
    ) -> Result<Application, AuthError> {
        self.change_application(ctx, permit, id, "application.configured", move |tx, application| {
            tx.remove_alias(application.id, &alias)?;
            Ok(())
        })
        .await
    }

    /// Switches an application off, ending its sessions, or on again.
    pub async fn disable_application(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        disabled: bool,
    ) -> Result<Application, AuthError> {
        let now = ctx.now;
        let action = if disabled { "application.disabled" } else { "application.enabled" };
        self.change_application(ctx, permit, id, action, move |_, application| {
            application.disabled_at = disabled.then_some(now);
            Ok(())
        })
        .await
    }

    async fn change_application(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        action: &'static str,
        change: impl FnOnce(&mut dyn Tx, &mut Application) -> Result<(), AuthError> + Send + 'static,
    ) -> Result<Application, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.application_to_change(id)?.filter(|found| found.project == permit.project());
            let mut application = found.ok_or(AuthError::NotFound(Noun::Application))?;
            change(tx, &mut application)?;
            application.updated_at = now;
            tx.update_application(&application)?;
            if application.disabled_at == Some(now) {
                log.announce_revoked(tx.revoke_sessions(SessionsOf::Application(id), now)?);
            }
            log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("application:{id}")));
            log.announce(SecurityEvent::ApplicationChanged(id));
            Ok(application)
        })
        .await
    }

    /// Has an application trust a signer. Without a `secret` one is made: 32 random bytes as base64url.
    pub async fn trust_issuer(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: Option<RawToken>,
    ) -> Result<RawToken, AuthError> {
        let profile = self.profile(profile)?;
        let secret = secret.unwrap_or_else(|| self.fresh_issuer_secret());
        let issuer = self.fresh_issuer(ctx, permit.project(), application, profile, &secret)?;
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| put_issuer(tx, log, &issuer, permit.actor())).await?;
        Ok(secret)
    }

    /// Has an application trust one new signer of this profile and no other: what the old secrets signed ends now.
    pub async fn replace_issuers(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
        profile: &'static AssertionProfile,
    ) -> Result<RawToken, AuthError> {
        let (permit, application, _) = self.permit_in(who, application, needed).await?;
        let secret = self.fresh_issuer_secret();
        let issuer = self.fresh_issuer(ctx, permit.project(), application.id, profile, &secret)?;
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            for old in tx.issuers(issuer.application)? {
                if old.profile == issuer.profile {
                    end_issuer(tx, log, &old, permit.actor(), now)?;
                }
            }
            put_issuer(tx, log, &issuer, permit.actor())
        })
        .await?;
        Ok(secret)
    }

    /// The issuers that an application of the permit's project trusts.
    pub async fn issuers(&self, permit: &Permit, application: ApplicationId) -> Result<Vec<TrustedIssuer>, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let found = tx.application(application)?.filter(|found| found.project == project);
                Ok(tx.issuers(found.ok_or(AuthError::NotFound(Noun::Application))?.id)?)
            })
            .await
    }

    /// Ends the trust of an application in a signer: what it signed ends now.
    pub async fn revoke_issuer(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        application: ApplicationId,
        id: IssuerId,
    ) -> Result<(), AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let trusted = tx.issuers(application)?.into_iter();
            let issuer = trusted.filter(|issuer| issuer.project == permit.project()).find(|issuer| issuer.id == id);
            end_issuer(tx, log, &issuer.ok_or(AuthError::NotFound(Noun::Issuer))?, permit.actor(), now)
        })
        .await
    }

    /// Whether an application trusts exactly this secret for this profile.
    pub async fn trusts(
        &self,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: &RawToken,
    ) -> Result<bool, AuthError> {
        Ok(self.issuer_with(permit, application, profile, secret).await?.is_some())
    }

    /// The trusted issuer of an application that signs by this profile with exactly this secret.
    pub async fn issuer_with(
        &self,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: &RawToken,
    ) -> Result<Option<IssuerId>, AuthError> {
        for issuer in self.issuers(permit, application).await? {
            let kept = self.sealer.open(&issuer.secret, &issuer_context(issuer.id))?;
            if issuer.profile == profile && TokenEq::same(&kept, secret.expose().as_bytes()) {
                return Ok(Some(issuer.id));
            }
        }
        Ok(None)
    }

    /// Verifies a token of an application's own issuer without anybody signing in by it, for tools that show its claims.
    pub async fn decode_assertion(
        &self,
        ctx: &Ctx,
        application: ApplicationId,
        profile: &'static AssertionProfile,
        jwt: &RawToken,
    ) -> Result<Map<String, Value>, AuthError> {
        let issuers = self.store.read(move |tx| Ok(tx.issuers(application)?)).await?;
        if issuers.iter().all(|issuer| issuer.profile != profile.name) {
            return Err(AuthError::NotFound(Noun::Issuer));
        }
        let unverified = crate::jose::Unverified::parse(jwt.expose())?;
        let (_, claims) = self.verify_with_any(unverified, &issuers, profile)?;
        claims.check_times(&crate::jose::Validity {
            require_exp: profile.exp_required,
            max_lifetime: profile.max_lifetime,
            ..crate::jose::Validity::at(ctx.now)
        })?;
        Ok(claims.into_map())
    }

    fn profile(&self, name: &str) -> Result<&'static AssertionProfile, AuthError> {
        let found = self.profiles.iter().copied().find(|profile| profile.name == name);
        found.ok_or(AuthError::invalid("profile", Rule::Malformed))
    }

    fn fresh_issuer_secret(&self) -> RawToken {
        RawToken::new(URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())))
    }

    fn fresh_issuer(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        application: ApplicationId,
        profile: &AssertionProfile,
        secret: &RawToken,
    ) -> Result<TrustedIssuer, AuthError> {
        for alg in profile.algs {
            VerifyingKey::hmac(*alg, secret.expose().as_bytes())?;
        }
        let id = IssuerId::mint(ctx.now, self.entropy.as_ref());
        let entropy = Arc::clone(&self.entropy);
        Ok(TrustedIssuer {
            id,
            project,
            application,
            profile: profile.name.to_owned(),
            secret: self.sealer.seal(secret.expose().as_bytes(), &issuer_context(id), entropy.as_ref()),
            created_at: ctx.now,
            revoked_at: None,
        })
    }

    /// Lets guests of the project reach something.
    pub async fn add_guest_target(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        kind: String,
        name: String,
    ) -> Result<GuestTarget, AuthError> {
        let id = GuestTargetId::mint(ctx.now, self.entropy.as_ref());
        let target = GuestTarget { id, project: permit.project(), kind, name, created_at: ctx.now };
        let (made, permit) = (target.clone(), permit.clone());
        self.commit(ctx, move |tx, log| {
            if !tx.insert_guest_target(&made)? {
                return Err(AuthError::Conflict(Noun::GuestTarget));
            }
            log.record(Audit::new(
                permit.project(),
                permit.actor(),
                "guest_target.created",
                &format_args!("guest_target:{id}"),
            ));
            Ok(())
        })
        .await?;
        Ok(target)
    }

    /// Ends that guests of the project may reach something.
    pub async fn remove_guest_target(&self, ctx: &Ctx, permit: &Permit, id: GuestTargetId) -> Result<(), AuthError> {
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| {
            let mut targets = tx.guest_targets(permit.project())?.into_iter();
            targets.find(|target| target.id == id).ok_or(AuthError::NotFound(Noun::GuestTarget))?;
            tx.delete_guest_target(id)?;
            log.record(Audit::new(
                permit.project(),
                permit.actor(),
                "guest_target.removed",
                &format_args!("guest_target:{id}"),
            ));
            Ok(())
        })
        .await
    }

    /// What guests of the project may reach.
    pub async fn guest_targets(&self, permit: &Permit) -> Result<Vec<GuestTarget>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.guest_targets(project)?)).await
    }
}

/// Comparison of secrets in constant time.
struct TokenEq;

impl TokenEq {
    fn same(a: &[u8], b: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        a.ct_eq(b).into()
    }
}

pub(super) fn check_name(name: &str) -> Result<(), AuthError> {
    let length = name.trim().chars().count();
    match length {
        0 => Err(AuthError::invalid("name", Rule::Required)),
        1..=200 => Ok(()),
        _ => Err(AuthError::invalid("name", Rule::TooLong(200))),
    }
}

fn put_application(
    tx: &mut dyn Tx,
    log: &mut Log,
    application: &Application,
    aliases: &[Alias],
    actor: Actor,
) -> Result<(), AuthError> {
    let project = tx.project(application.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
    admit(&project, None, None, None, None, application.created_at)?;
    tx.insert_application(application)?;
    put_aliases(tx, application.id, aliases)?;
    log.record(Audit::new(project.id, actor, "application.created", &format_args!("application:{}", application.id)));
    Ok(())
}

fn put_aliases(tx: &mut dyn Tx, application: ApplicationId, aliases: &[Alias]) -> Result<(), AuthError> {
    for alias in aliases {
        if !tx.set_alias(application, alias)? {
            return Err(AuthError::Conflict(Noun::Application));
        }
    }
    Ok(())
}

fn put_issuer(tx: &mut dyn Tx, log: &mut Log, issuer: &TrustedIssuer, actor: Actor) -> Result<(), AuthError> {
    let found = tx.application(issuer.application)?.filter(|found| found.project == issuer.project);
    found.ok_or(AuthError::NotFound(Noun::Application))?;
    tx.insert_issuer(issuer)?;
    log.record(Audit::new(issuer.project, actor, "issuer.trusted", &format_args!("trusted_issuer:{}", issuer.id)));
    Ok(())
}

fn end_issuer(
    tx: &mut dyn Tx,
    log: &mut Log,
    issuer: &TrustedIssuer,
    actor: Actor,
    now: crate::time::Timestamp,
) -> Result<(), AuthError> {
    tx.revoke_issuer(issuer.id, now)?;
    log.announce_revoked(tx.revoke_sessions(SessionsOf::Issuer(issuer.id), now)?);
    log.record(Audit::new(issuer.project, actor, "issuer.revoked", &format_args!("trusted_issuer:{}", issuer.id)));
    Ok(())
}
