//! One application: its configuration, its publishable keys, and the issuers that it trusts.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringfence_core::{
    application::{Alias, Application, WayIn},
    caller::{Permit, Scope},
    error::{AuthError, Noun},
    ids::{ApplicationId, IssuerId, ProjectId},
    issuer::TrustedIssuer,
    project::{Project, ProjectRef},
    secret::RawToken,
    time::Timestamp,
};
use serde::Deserialize;

use super::{
    applications::{PUBLISHABLE_KEY, Texts, fresh_key},
    once,
};
use crate::{
    app::App,
    assertion_profiles,
    console::{fault::Answer, visit::Visit},
    looks::Look,
};

/// The profile of the tokens that ApiRTC's documentation speaks of.
const APIRTC: &str = "apirtc";

#[derive(Template)]
#[template(path = "console/application.html")]
struct ApplicationPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    project: Project,
    application: Application,
    aliases: Vec<Alias>,
    issuers: Vec<TrustedIssuer>,
    profiles: Vec<&'static str>,
}

impl ApplicationPage<'_> {
    fn keys(&self) -> impl Iterator<Item = &Alias> {
        self.aliases.iter().filter(|alias| alias.scheme == PUBLISHABLE_KEY)
    }

    fn other_names(&self) -> impl Iterator<Item = &Alias> {
        self.aliases.iter().filter(|alias| alias.scheme != PUBLISHABLE_KEY)
    }

    /// The ways in, what a form calls them, what people do, and whether they are open.
    fn ways(&self) -> [(&'static str, &'static str, bool); 4] {
        let open = |way| self.application.settings.sign_in.contains(&way);
        [
            ("password", self.texts.way_password, open(WayIn::Password)),
            ("guest", self.texts.way_guest, open(WayIn::Guest)),
            ("assertion", self.texts.way_assertion, open(WayIn::Assertion)),
            ("federated", self.texts.way_federated, open(WayIn::Federated)),
        ]
    }

    fn secrets(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.issuers.iter().filter(|issuer| issuer.profile == APIRTC && issuer.revoked_at.is_none())
    }
}

/// Where an application's page is; `done` after a change.
pub(super) fn address(project: ProjectId, application: ApplicationId, done: bool) -> String {
    format!("/console/applications/{project}/{application}{}", if done { "?done" } else { "" })
}

/// Which application a form is about.
#[derive(Deserialize)]
pub(super) struct Which {
    project: ProjectId,
    application: ApplicationId,
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    project: ProjectId,
    application: ApplicationId,
    /// When what the form shows was changed last.
    seen: i64,
    password: Option<String>,
    guest: Option<String>,
    assertion: Option<String>,
    federated: Option<String>,
    #[serde(default)]
    origins: String,
}

#[derive(Deserialize)]
pub(super) struct Switch {
    project: ProjectId,
    application: ApplicationId,
    off: bool,
}

#[derive(Deserialize)]
pub(super) struct Naming {
    project: ProjectId,
    application: ApplicationId,
    key: String,
}

#[derive(Deserialize)]
pub(super) struct Trust {
    project: ProjectId,
    application: ApplicationId,
    profile: String,
    #[serde(default)]
    jwk: String,
}

#[derive(Deserialize)]
pub(super) struct Trusted {
    project: ProjectId,
    application: ApplicationId,
    issuer: IssuerId,
}

/// The application, if it lies in the permit's project.
async fn find(app: &App, permit: &Permit, id: ApplicationId) -> Result<(Project, Application), AuthError> {
    let (project, found) = app.authority.find_application(ProjectRef::Application(id)).await?;
    if project.id == permit.project() { Ok((project, found)) } else { Err(AuthError::NotFound(Noun::Application)) }
}

fn done(project: ProjectId, application: ApplicationId) -> Response {
    Redirect::to(&address(project, application, true)).into_response()
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path((project, application)): Path<(ProjectId, ApplicationId)>,
) -> Answer {
    let permit = visit.permit(Scope::ProjectsRead, project)?;
    let (project, application) = find(&app, &permit, application).await?;
    let page = ApplicationPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        aliases: app.authority.aliases(application.id).await?,
        issuers: app.authority.issuers(&permit, application.id).await?,
        profiles: assertion_profiles().iter().map(|profile| profile.name).collect(),
        project,
        application,
    };
    Ok(visit.show(&page))
}

pub(super) async fn configure(State(app): State<App>, visit: Visit, Form(form): Form<Configuration>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let boxes = [
        (WayIn::Password, form.password),
        (WayIn::Guest, form.guest),
        (WayIn::Assertion, form.assertion),
        (WayIn::Federated, form.federated),
    ];
    let ways = boxes.into_iter().filter_map(|(way, ticked)| ticked.map(|_| way)).collect();
    let origins = form.origins.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let seen = Timestamp::from_millis(form.seen);
    app.authority
        .configure_seen_application(&visit.ctx, &permit, form.application, seen, |settings| {
            (settings.sign_in, settings.allowed_origins) = (ways, origins);
        })
        .await?;
    Ok(done(form.project, form.application))
}

pub(super) async fn switch(State(app): State<App>, visit: Visit, Form(form): Form<Switch>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.disable_application(&visit.ctx, &permit, form.application, form.off).await?;
    Ok(done(form.project, form.application))
}

pub(super) async fn add_key(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let (_, application) = find(&app, &permit, form.application).await?;
    let key = fresh_key(app.authority.entropy().as_ref());
    app.authority.add_application_name(&visit.ctx, &permit, application.id, key).await?;
    Ok(done(form.project, form.application))
}

pub(super) async fn remove_key(State(app): State<App>, visit: Visit, Form(form): Form<Naming>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let alias = Alias { scheme: PUBLISHABLE_KEY.to_owned(), value: form.key };
    app.authority.remove_alias(&visit.ctx, &permit, form.application, alias).await?;
    Ok(done(form.project, form.application))
}

pub(super) async fn trust(State(app): State<App>, visit: Visit, Form(form): Form<Trust>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let brought = Some(form.jwk.trim()).filter(|jwk| !jwk.is_empty()).map(RawToken::new);
    let public = brought.is_some();
    let authority = &app.authority;
    let secret = authority.trust_issuer(&visit.ctx, &permit, form.application, &form.profile, brought).await?;
    if public {
        return Ok(done(form.project, form.application));
    }
    let texts = Texts::of(visit.language());
    let aliases = authority.aliases(form.application).await?;
    let key = aliases.into_iter().find(|alias| form.profile == APIRTC && alias.scheme == PUBLISHABLE_KEY);
    let mut values: Vec<_> = key.into_iter().map(|key| ("apiKey", key.value)).collect();
    values.push(("secret", secret.expose().to_owned()));
    let back = address(form.project, form.application, true);
    Ok(once::show(&visit, texts.new_secret, values, texts.overlap, back))
}

pub(super) async fn revoke(State(app): State<App>, visit: Visit, Form(form): Form<Trusted>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.revoke_issuer(&visit.ctx, &permit, form.application, form.issuer).await?;
    Ok(done(form.project, form.application))
}
