//! The way through a file: projects, their policies, their applications.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::{ApplicationRequest, Authority, ProjectRequest},
    caller::{Permit, Scope},
    context::Ctx,
    error::{AuthError, Noun},
    ids::ProjectId,
    project::{Project, ProjectPolicy, ProjectRef},
};

use super::{
    Action, Manner, Plan,
    file::{ALIAS_SCHEMES, ApplicationEntry, File, ProjectEntry},
};
use crate::{
    admin::{installation, installation_view, operator},
    exit::{Refused, explain},
};

/// How many rows to read at once.
pub(super) const PAGE: u32 = 1000;

/// One way through.
pub(super) struct Walk<'a> {
    pub(super) authority: &'a Authority,
    pub(super) ctx: Ctx,
    pub(super) manner: Manner,
    pub(super) plan: Plan,
}

/// A project on the way, with the right to change it; `None` while only planning one that is not there yet.
pub(super) struct Place<'a> {
    pub(super) entry: &'a ProjectEntry,
    pub(super) permit: Option<Permit>,
}

impl Place<'_> {
    pub(super) fn name(&self, noun: &str, thing: &str) -> String {
        format!("{noun} {}/{thing}", self.entry.name)
    }
}

/// Goes through the whole file.
pub(super) async fn walk(authority: &Authority, file: &File, manner: Manner) -> Result<Plan> {
    let plan = Plan { dry_run: manner.dry_run, ..Plan::default() };
    let mut walk = Walk { authority, ctx: authority.own_context("cli"), manner, plan };
    for entry in &file.project {
        walk.project(entry).await.with_context(|| format!("project {}", entry.name))?;
    }
    if manner.prune {
        walk.prune_projects(file).await?;
    }
    Ok(walk.plan)
}

/// `None` for what there is not, and every other refusal as it is.
pub(super) fn found<T>(outcome: Result<T, AuthError>) -> Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(AuthError::NotFound(_)) => Ok(None),
        Err(error) => Err(explain(error)),
    }
}

impl Walk<'_> {
    /// Whether to do it and not only to say it.
    pub(super) fn acts(&self) -> bool {
        !self.manner.dry_run
    }

    async fn project(&mut self, entry: &ProjectEntry) -> Result<()> {
        let present = found(self.authority.project_by_name(&entry.name).await)?;
        let project = self.settle_project(entry, present).await?;
        let permit = project.map(|project| operator(&project, Scope::All));
        let place = Place { entry, permit };
        for application in &entry.application {
            let what = || format!("application {}", application.name);
            self.application(&place, application).await.with_context(what)?;
        }
        self.guest_targets(&place).await?;
        self.api_keys(&place).await?;
        self.identities(&place).await?;
        self.endpoint_groups(&place).await?;
        self.webhooks(&place).await?;
        if self.manner.prune {
            self.prune_applications(&place).await?;
        }
        Ok(())
    }

    async fn settle_project(&mut self, entry: &ProjectEntry, present: Option<Project>) -> Result<Option<Project>> {
        let what = format!("project {}", entry.name);
        let Some(project) = present else {
            self.plan.say(Action::Create, what, None);
            if !self.acts() {
                return Ok(None);
            }
            let wanted = ProjectRequest { name: entry.name.clone(), policy: entry.policy(ProjectPolicy::default()) };
            let made = self.authority.create_project(&self.ctx, &installation(), wanted).await;
            return Ok(Some(made.map_err(explain)?));
        };
        let present = self.authority.policy(&operator(&project, Scope::All)).await.map_err(explain)?;
        let policy = entry.policy(present.clone());
        let action = if policy == present { Action::Leave } else { Action::Change };
        self.plan.say(action, what, project.disabled_at.map(|_| "disabled".to_owned()));
        if action == Action::Change && self.acts() {
            let permit = operator(&project, Scope::ProjectsWrite);
            self.authority.configure_project(&self.ctx, &permit, policy).await.map_err(explain)?;
        }
        Ok(Some(project))
    }

    async fn application(&mut self, place: &Place<'_>, entry: &ApplicationEntry) -> Result<()> {
        let aliases = entry.aliases()?;
        let present = match &place.permit {
            Some(permit) => found(self.authority.application_by_name(permit, &entry.name).await)?,
            None => None,
        };
        self.refuse_taken(&aliases, present.as_ref()).await?;
        let application = match present {
            Some(present) => Some(self.settle_application(place, entry, present, &aliases).await?),
            None => self.create_application(place, entry, aliases).await?,
        };
        self.issuers(place, entry, application.as_ref()).await
    }

    async fn create_application(
        &mut self,
        place: &Place<'_>,
        entry: &ApplicationEntry,
        aliases: Vec<Alias>,
    ) -> Result<Option<Application>> {
        self.plan.say(Action::Create, place.name("application", &entry.name), None);
        let Some(permit) = place.permit.as_ref().filter(|_| self.acts()) else { return Ok(None) };
        let settings = entry.settings(ApplicationSettings::default());
        let wanted = ApplicationRequest { name: entry.name.clone(), settings, aliases };
        Ok(Some(self.authority.create_application(&self.ctx, permit, wanted).await.map_err(explain)?))
    }

    async fn settle_application(
        &mut self,
        place: &Place<'_>,
        entry: &ApplicationEntry,
        present: Application,
        wanted: &[Alias],
    ) -> Result<Application> {
        let what = place.name("application", &entry.name);
        let known = self.authority.aliases(present.id).await.map_err(explain)?;
        let fresh: Vec<_> = wanted.iter().filter(|alias| !known.contains(alias)).cloned().collect();
        let settings = entry.settings(present.settings.clone());
        let same = settings == present.settings && fresh.is_empty();
        let note = present.disabled_at.map(|_| "disabled".to_owned());
        self.plan.say(if same { Action::Leave } else { Action::Change }, what, note);
        let Some(permit) = &place.permit else { return Ok(present) };
        if !same && self.acts() {
            let changed = self.authority.configure_application(&self.ctx, permit, present.id, settings, fresh);
            changed.await.map_err(explain)?;
        }
        if self.manner.prune {
            for alias in known.into_iter().filter(|alias| !wanted.contains(alias)) {
                let what = format!("{}/{}/{}", entry.name, alias.scheme, alias.value);
                self.plan.say(Action::Delete, place.name("alias", &what), None);
                if self.acts() {
                    self.authority.remove_alias(&self.ctx, permit, present.id, alias).await.map_err(explain)?;
                }
            }
        }
        Ok(present)
    }

    /// A name that belongs to another application is nothing to take over.
    async fn refuse_taken(&self, aliases: &[Alias], own: Option<&Application>) -> Result<()> {
        for alias in aliases {
            let reference = ProjectRef::Alias { scheme: stored_scheme(alias)?, value: alias.value.clone() };
            let holder = found(self.authority.find_application(reference).await)?;
            if let Some((project, holder)) = holder.filter(|(_, holder)| own.is_none_or(|own| own.id != holder.id)) {
                return Err(Refused::because(format_args!(
                    "the name {} belongs to application {} of project {}",
                    alias.value, holder.name, project.name
                )));
            }
        }
        Ok(())
    }

    async fn prune_applications(&mut self, place: &Place<'_>) -> Result<()> {
        let Some(permit) = &place.permit else { return Ok(()) };
        let named: BTreeSet<_> = place.entry.application.iter().map(|entry| entry.name.as_str()).collect();
        let mut after = None;
        loop {
            let page = self.authority.applications(permit, after, PAGE).await.map_err(explain)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for extra in page.iter().filter(|found| found.disabled_at.is_none() && !named.contains(found.name.as_str()))
            {
                let note = Some("disabled, with its sessions ended".to_owned());
                self.plan.say(Action::Delete, place.name("application", &extra.name), note);
                if self.acts() {
                    let disabled = self.authority.disable_application(&self.ctx, permit, extra.id, true).await;
                    disabled.map_err(explain)?;
                }
            }
        }
    }

    async fn prune_projects(&mut self, file: &File) -> Result<()> {
        let named: BTreeSet<_> = file.project.iter().map(|entry| entry.name.as_str()).collect();
        let mut after: Option<ProjectId> = None;
        loop {
            let page = self.authority.projects(&installation_view(), after, PAGE).await.map_err(explain)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for extra in page.iter().filter(|found| found.disabled_at.is_none() && !named.contains(found.name.as_str()))
            {
                let note = Some("disabled, with its sessions ended".to_owned());
                self.plan.say(Action::Delete, format!("project {}", extra.name), note);
                if self.acts() {
                    let permit = operator(extra, Scope::ProjectsWrite);
                    self.authority.disable_project(&self.ctx, &permit, true).await.map_err(explain)?;
                }
            }
        }
    }
}

/// The scheme as the constant that core asks for.
fn stored_scheme(alias: &Alias) -> Result<&'static str> {
    let known = ALIAS_SCHEMES.iter().copied().find(|scheme| *scheme == alias.scheme);
    known.ok_or_else(|| explain(AuthError::NotFound(Noun::Application)))
}

impl ProjectEntry {
    /// The policy as the file wants it, given what it is without the file.
    fn policy(&self, present: ProjectPolicy) -> ProjectPolicy {
        ProjectPolicy {
            password: self.password.unwrap_or(present.password),
            tokens: self.tokens.unwrap_or(present.tokens),
            signing_alg: self.signing_alg.unwrap_or(present.signing_alg),
            email_change: self.email_change.unwrap_or(present.email_change),
            reset_url: self.reset_url.clone().or(present.reset_url),
            sip: self.sip.clone().or(present.sip),
            turn: self.turn.unwrap_or(present.turn),
            compat: self.compat.unwrap_or(present.compat),
            inbound: self.inbound.unwrap_or(present.inbound),
            federation: self.federation.clone().unwrap_or(present.federation),
        }
    }
}

impl ApplicationEntry {
    fn settings(&self, present: ApplicationSettings) -> ApplicationSettings {
        ApplicationSettings {
            sign_in: self.sign_in.clone().unwrap_or(present.sign_in),
            allowed_origins: self.allowed_origins.clone().unwrap_or(present.allowed_origins),
            reset_url: self.reset_url.clone().or(present.reset_url),
            tokens: self.tokens.unwrap_or(present.tokens),
            socket: self.socket.unwrap_or(present.socket),
            inbound: self.inbound.or(present.inbound),
            assertion_wildcard: self.assertion_wildcard.unwrap_or(present.assertion_wildcard),
            ..present
        }
    }
}
