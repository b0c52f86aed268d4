//! Applications: made by operators or founded by members, configured, named, switched off.

use serde_json::Map;

use super::{
    Authenticated, Authority, Log,
    authenticate::{admit, resolve},
    projects::check_name,
    roles::add_place,
};
use crate::{
    application::{Alias, Application, ApplicationSettings},
    audit::Audit,
    caller::{Actor, Permit},
    context::Ctx,
    error::{AuthError, Noun},
    event::SecurityEvent,
    ids::{ApplicationId, MembershipId, ProjectId},
    membership::Membership,
    project::{Project, ProjectRef},
    session::SessionsOf,
    store::Tx,
    time::Timestamp,
};

/// SIP domains looked at together.
const DOMAINS: u32 = 100;

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
            add_place(tx, log, &first)?;
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

    /// The application that something names, where one may sign in now: what is switched off, by itself or with its project, is as good as absent.
    pub async fn open_application(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
    ) -> Result<(Project, Application), AuthError> {
        let (project, application) = self.find_application(reference).await?;
        let admitted = admit(&project, Some(&application), None, None, None, ctx.now);
        admitted.map_err(|_| AuthError::NotFound(Noun::Application))?;
        Ok((project, application))
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

    /// Switches an application off, or on again. Off, it takes along the sessions started through it, those of whoever has it
    /// for a home, and those of its SIP users.
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

    /// Gives an application one more name; the ones it has go on.
    pub async fn add_application_name(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        alias: Alias,
    ) -> Result<Application, AuthError> {
        self.change_application(ctx, permit, id, "application.configured", move |tx, application| {
            put_aliases(tx, application.id, &[alias])
        })
        .await
    }

    /// Changes an application's configuration, unless it was changed since `seen`, which is what whoever decided has looked at.
    pub async fn configure_seen_application(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: ApplicationId,
        seen: Timestamp,
        change: impl FnOnce(&mut ApplicationSettings) + Send + 'static,
    ) -> Result<Application, AuthError> {
        self.change_application(ctx, permit, id, "application.configured", move |_, application| {
            if application.updated_at != seen {
                return Err(AuthError::Conflict(Noun::Application));
            }
            change(&mut application.settings);
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
        let (permit, faces, now) = (permit.clone(), self.faces_with_homes(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.application_to_change(id)?.filter(|found| found.project == permit.project());
            let mut application = found.ok_or(AuthError::NotFound(Noun::Application))?;
            change(tx, &mut application)?;
            application.updated_at = now;
            tx.update_application(&application)?;
            if application.disabled_at == Some(now) {
                end_sessions_in(tx, log, &application, &faces, now)?;
            }
            log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("application:{id}")));
            log.announce(SecurityEvent::ApplicationChanged(id));
            Ok(application)
        })
        .await
    }
}

/// A face and the scheme of the names of its homes.
type FaceWithHomes = (&'static str, &'static str);

impl Authority {
    fn faces_with_homes(&self) -> Vec<FaceWithHomes> {
        self.shapes.values().filter_map(|shape| Some((shape.dialect, shape.home?))).collect()
    }
}

/// Ends every session that has to do with an application that was switched off.
fn end_sessions_in(
    tx: &mut dyn Tx,
    log: &mut Log,
    application: &Application,
    faces: &[FaceWithHomes],
    now: Timestamp,
) -> Result<(), AuthError> {
    let id = application.id;
    let mut ended = tx.revoke_sessions(SessionsOf::Application(id), now)?;
    let names = tx.aliases(id)?;
    for (dialect, scheme) in faces {
        if names.iter().any(|name| name.scheme == *scheme) {
            ended.extend(tx.revoke_sessions(SessionsOf::Members(id, dialect), now)?);
        }
    }
    let mut last = None;
    loop {
        let domains = tx.sip_domains(application.project, Some(id), last, DOMAINS)?;
        for domain in &domains {
            tx.hold_endpoints(domain.group.id)?;
            ended.extend(tx.revoke_sessions(SessionsOf::EndpointGroup(domain.group.id), now)?);
            last = Some(domain.group.id);
        }
        if domains.len() < DOMAINS as usize {
            break;
        }
    }
    log.announce_revoked(ended);
    Ok(())
}

pub(super) fn put_application(
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
