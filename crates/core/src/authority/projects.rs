//! Projects: made, configured, switched off; and what their guests may reach.

use super::{Authority, authenticate::resolve};
use crate::{
    audit::Audit,
    caller::{InstallationPermit, InstallationView, Permit},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    ids::{GuestTargetId, ProjectId},
    project::{Compat, GuestTarget, Project, ProjectPolicy, ProjectRef},
    session::SessionsOf,
    sip::SipUsersOf,
};

/// What a project is to be.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    /// Its name, unique in the installation.
    pub name: String,
    /// Its configuration.
    pub policy: ProjectPolicy,
}

impl Authority {
    /// Makes a project.
    pub async fn create_project(
        &self,
        ctx: &Ctx,
        permit: &InstallationPermit,
        wanted: ProjectRequest,
    ) -> Result<Project, AuthError> {
        check_name(&wanted.name)?;
        let id = ProjectId::mint(ctx.now, self.entropy.as_ref());
        let project = Project {
            id,
            name: wanted.name,
            policy: self.seal_policy(id, wanted.policy)?,
            disabled_at: None,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        let (made, actor) = (project.clone(), permit.actor());
        self.commit(ctx, move |tx, log| {
            if !tx.insert_project(&made)? {
                return Err(AuthError::Conflict(Noun::Project));
            }
            log.record(Audit::new(made.id, actor, "project.created", &format_args!("project:{}", made.id)));
            Ok(())
        })
        .await?;
        Ok(project)
    }

    /// The unsafe compatibility that the project of a request allows, to know before anything is judged.
    pub async fn compat(&self, place: ProjectRef) -> Result<Compat, AuthError> {
        self.store.read(move |tx| Ok(resolve(tx, &place)?.0.policy.compat)).await
    }

    /// Projects in order of id, after `after`.
    pub async fn projects(
        &self,
        _view: &InstallationView,
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

    /// A project's configuration as it was given, secrets included: to compare it with what it should be.
    pub async fn policy(&self, permit: &Permit) -> Result<ProjectPolicy, AuthError> {
        let Project { id, mut policy, .. } = self.project(permit).await?;
        policy.federation = policy.federation.opened(id, &self.sealer)?;
        Ok(policy)
    }

    /// What the store keeps of a configuration: its secrets are sealed.
    fn seal_policy(&self, id: ProjectId, mut policy: ProjectPolicy) -> Result<ProjectPolicy, AuthError> {
        policy.federation = policy.federation.sealed(id, &self.sealer, self.entropy.as_ref())?;
        Ok(policy)
    }

    /// Replaces a project's configuration.
    pub async fn configure_project(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        policy: ProjectPolicy,
    ) -> Result<Project, AuthError> {
        let policy = self.seal_policy(permit.project(), policy)?;
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
        // The installation's audit chain hangs on a project that is none.
        if permit.project() == ProjectId::INSTALLATION {
            return Err(AuthError::NotFound(Noun::Project));
        }
        let (permit, safe, now) = (permit.clone(), self.sip_safe(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut project = tx.project_to_change(permit.project())?.ok_or(AuthError::NotFound(Noun::Project))?;
            let unsealed = project.policy.has_unsealed_digests();
            change(&mut project);
            project.updated_at = now;
            tx.update_project(&project)?;
            if project.policy.has_unsealed_digests() != unsealed {
                safe.store_anew(tx, SipUsersOf::Project(project.id))?;
            }
            if project.disabled_at == Some(now) {
                log.announce_revoked(tx.revoke_sessions(SessionsOf::Project(project.id), now)?);
            }
            log.record(Audit::new(project.id, permit.actor(), action, &format_args!("project:{}", project.id)));
            log.announce(SecurityEvent::ProjectChanged(project.id));
            Ok(project)
        })
        .await
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

/// What a project or an application may be called.
pub(super) fn check_name(name: &str) -> Result<(), AuthError> {
    let length = name.trim().chars().count();
    match length {
        0 => Err(AuthError::invalid("name", Rule::Required)),
        1..=200 => Ok(()),
        _ => Err(AuthError::invalid("name", Rule::TooLong(200))),
    }
}
