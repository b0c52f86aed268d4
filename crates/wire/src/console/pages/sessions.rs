//! Live sessions of a project.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    caller::Scope,
    ids::{ProjectId, SessionId},
    session::{Session, SessionsOf},
};
use serde::Deserialize;

use super::{
    Change, Group, Page,
    list::{ASKED, Asked, next},
    users::Texts,
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::Look,
};

pub(super) const PAGE: Page = Page {
    path: "/console/sessions",
    title: |language| Texts::of(language).sessions,
    group: Group::People,
    views: &[("/console/sessions", || get(show))],
    changes: &[Change::Shared("/console/sessions/end", || post(end))],
};

#[derive(Template)]
#[template(path = "console/sessions.html")]
struct SessionsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    rows: Vec<Session>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
    session: SessionId,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            let permit = visit.permit(Scope::IdentitiesRead, project.id)?;
            let of = SessionsOf::Project(project.id);
            app.authority.sessions(&visit.ctx, &permit, of, asked.after(), ASKED).await?
        }
    };
    let next = next(&mut rows, "/console/sessions", &chosen, "", |row| row.id);
    let texts = Texts::of(visit.language());
    Ok(visit.show(&SessionsPage { look: &visit.look, visit: &visit, texts, chosen, rows, next }))
}

async fn end(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::SessionsWrite, form.project)?;
    let found = app.authority.session(&permit, form.session).await?;
    app.authority.revoke_sessions(&visit.ctx, &permit, SessionsOf::Session(found.id)).await?;
    Ok(Redirect::to(&format!("/console/sessions?project={}&done", form.project)).into_response())
}
