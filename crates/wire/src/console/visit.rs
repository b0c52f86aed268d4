//! Who visits a page: what handlers take in place of a request.

use std::borrow::Borrow;

use askama::Template;
use axum::{extract::FromRequestParts, response::Response};
use http::request::Parts;
use ringfence_core::{
    authority::{Confirmed, Console, HalfConsole},
    caller::{Caller, InstallationView, Permit, Scope},
    context::Ctx,
    error::{AuthError, TokenFault},
    ids::ProjectId,
    project::Project,
    secret::{Password, RawToken},
    time::Timestamp,
};

use super::{
    fault::Fault,
    pages::{ALL, Group},
    words::Words,
};
use crate::{
    app::App,
    extract::Circumstances,
    looks::{Language, Look, Policy},
};

/// Whom the guard let through.
#[derive(Clone, Debug)]
pub(super) enum Room {
    Half(Box<HalfConsole>, RawToken),
    Full(Box<Console>, RawToken),
}

impl Room {
    pub(super) const fn token(&self) -> &RawToken {
        match self {
            Self::Half(_, token) | Self::Full(_, token) => token,
        }
    }
}

/// An administrator on a page.
#[derive(Debug)]
pub(super) struct Visit {
    /// The circumstances.
    pub(super) ctx: Ctx,
    /// The frame of the page.
    pub(super) look: Look,
    /// The words that all pages have.
    pub(super) words: &'static Words,
    /// Who.
    pub(super) console: Console,
    /// What forms carry.
    pub(super) csrf: String,
    /// The path of the page, for the navigation.
    path: String,
    /// Whether the page follows a change that was made.
    pub(super) done: bool,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let Some(Room::Full(console, token)) = parts.extensions.get::<Room>().cloned() else {
            return Err(AuthError::from(TokenFault::Unknown).into());
        };
        let (look, ctx) = frame(parts, app).await;
        Ok(Self {
            ctx,
            words: Words::of(look.language),
            look,
            console: *console,
            csrf: app.authority.form_token(&token),
            path: parts.uri.path().to_owned(),
            done: parts.uri.query().is_some_and(|query| query.split('&').any(|part| part == "done")),
        })
    }
}

/// A line of the navigation.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) current: bool,
}

impl Visit {
    /// Who asks, for operations.
    pub(super) fn caller(&self) -> Caller {
        self.console.caller()
    }

    /// The right to use `scope` in a project.
    pub(super) fn permit(&self, scope: Scope, project: ProjectId) -> Result<Permit, AuthError> {
        self.caller().permit(scope, project)
    }

    /// The right to use `scope` on the installation, such as on its administrators.
    pub(super) fn permit_installation(&self, scope: Scope) -> Result<Permit, AuthError> {
        self.permit(scope, ProjectId::INSTALLATION)
    }

    /// The right to see which projects there are.
    pub(super) fn view(&self) -> Result<InstallationView, AuthError> {
        self.caller().view_installation()
    }

    /// Whether forms that need `scope` are worth showing; whoever sends one without the right is refused anyway.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.console.administrator.role.scopes().grants(scope)
    }

    /// Whether forms that change anything are worth showing.
    pub(super) fn changes(&self) -> bool {
        self.console.administrator.role.changes()
    }

    /// The reader's language.
    pub(super) const fn language(&self) -> Language {
        self.look.language
    }

    /// Refuses whoever does not show their present password with what they want to do (ATTACKS N78).
    pub(super) async fn confirm(&self, app: &App, password: String) -> Result<Confirmed, Fault> {
        if password.is_empty() {
            return Err(Fault::Unconfirmed);
        }
        match app.authority.confirm_administrator(&self.ctx, &self.console, Password::new(password)).await {
            Err(AuthError::InvalidCredentials) => Err(Fault::Unconfirmed),
            answer => Ok(answer?),
        }
    }

    /// A moment as its reader writes it.
    pub(super) fn moment(&self, moment: impl Borrow<Timestamp>) -> String {
        self.language().moment(*moment.borrow())
    }

    /// The navigation: groups with their pages.
    pub(super) fn navigation(&self) -> Vec<(&'static str, Vec<Link>)> {
        let groups = Group::EACH.into_iter();
        groups
            .map(|group| {
                let pages = ALL.iter().filter(|page| page.group == group);
                let below = |path: &str| {
                    self.path == path || (path != "/console" && self.path.starts_with(&format!("{path}/")))
                };
                let links = pages.map(|page| Link {
                    path: page.path,
                    title: (page.title)(self.language()),
                    current: below(page.path),
                });
                (group.title(self.words), links.collect())
            })
            .collect()
    }

    /// A page as an answer.
    pub(super) fn show(&self, page: &impl Template) -> Response {
        self.look.show_under(Policy::SCRIPT, page)
    }

    /// The project that a page is about: the one that is named, else the first there is, with all to choose from.
    pub(super) async fn project(&self, app: &App, named: Option<&str>) -> Result<Chosen, AuthError> {
        let mut all = app.authority.projects(&self.view()?, None, PROJECTS).await?;
        let id = named.and_then(|named| named.parse::<ProjectId>().ok());
        let project = match id {
            // It may be beyond those that are listed.
            Some(id) => Some(app.authority.project(&self.permit(Scope::ProjectsRead, id)?).await?),
            None => all.first().cloned(),
        };
        if let Some(chosen) = &project
            && all.iter().all(|listed| listed.id != chosen.id)
        {
            all.push(chosen.clone());
        }
        Ok(Chosen { all, project })
    }
}

/// So many projects are offered to choose from.
const PROJECTS: u32 = 200;

/// A project that somebody chose, and what else there was.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) all: Vec<Project>,
    /// None only where there is no project at all.
    pub(super) project: Option<Project>,
}

impl Chosen {
    /// Whether this is the one.
    pub(super) fn is(&self, project: &Project) -> bool {
        self.project.as_ref().is_some_and(|chosen| chosen.id == project.id)
    }
}

/// Somebody on the way in, on a page that finishes it.
#[derive(Debug)]
pub(super) struct HalfVisit {
    pub(super) ctx: Ctx,
    pub(super) look: Look,
    pub(super) words: &'static Words,
    pub(super) half: HalfConsole,
    pub(super) csrf: String,
}

impl FromRequestParts<App> for HalfVisit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let Some(Room::Half(half, token)) = parts.extensions.get::<Room>().cloned() else {
            return Err(AuthError::from(TokenFault::Unknown).into());
        };
        let (look, ctx) = frame(parts, app).await;
        let words = Words::of(look.language);
        Ok(Self { ctx, words, look, half: *half, csrf: app.authority.form_token(&token) })
    }
}

/// Somebody who has shown nothing yet.
#[derive(Debug)]
pub(super) struct OpenVisit {
    pub(super) ctx: Ctx,
    pub(super) look: Look,
    pub(super) words: &'static Words,
}

impl FromRequestParts<App> for OpenVisit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let (look, ctx) = frame(parts, app).await;
        Ok(Self { ctx, words: Words::of(look.language), look })
    }
}

async fn frame(parts: &mut Parts, app: &App) -> (Look, Ctx) {
    let Ok(look) = Look::from_request_parts(parts, app).await;
    let Ok(Circumstances(mut ctx)) = Circumstances::from_request_parts(parts, app).await;
    ctx.dialect = "console";
    (look, ctx)
}
