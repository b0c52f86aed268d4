//! One user: addresses, sessions, open connections, and what can be done about them.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringfence_core::{
    authority::ProfileChange,
    caller::Scope,
    identity::{HeldIdentifier, Identity},
    ids::{IdentityId, ProjectId, SessionId},
    presence::Presence,
    project::Project,
    session::{Session, SessionsOf},
    time::Timestamp,
};
use serde::Deserialize;

use super::users::Texts;
use crate::{
    app::App,
    console::{fault::Answer, visit::Visit},
    looks::Look,
};

/// Sessions that are shown of one user.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "console/user.html")]
struct UserPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    project: Project,
    identity: Identity,
    addresses: Vec<HeldIdentifier>,
    sessions: Vec<Session>,
    connections: Vec<Presence>,
}

/// Which user a form is about.
#[derive(Deserialize)]
pub(super) struct Whom {
    project: ProjectId,
    identity: IdentityId,
}

/// A form about a user that writes over what is there.
#[derive(Deserialize)]
pub(super) struct Profile {
    project: ProjectId,
    identity: IdentityId,
    /// When the profile was changed that the form shows.
    seen: i64,
    given_name: String,
    family_name: String,
    nickname: String,
}

#[derive(Deserialize)]
pub(super) struct Suspension {
    project: ProjectId,
    identity: IdentityId,
    suspended: bool,
}

#[derive(Deserialize)]
pub(super) struct Revocation {
    project: ProjectId,
    identity: IdentityId,
    /// One session, or all.
    session: Option<SessionId>,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path((project, identity)): Path<(ProjectId, IdentityId)>,
) -> Answer {
    let permit = visit.permit(Scope::IdentitiesRead, project)?;
    let authority = &app.authority;
    let identity = authority.identity(&permit, identity).await?;
    let id = identity.id;
    let page = UserPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        project: authority.project(&permit).await?,
        addresses: authority.identifiers(id).await?,
        sessions: authority.sessions(&visit.ctx, &permit, SessionsOf::Identity(id), None, SHOWN).await?,
        connections: authority.presence_of(&visit.ctx, &permit, id).await?,
        identity,
    };
    Ok(visit.show(&page))
}

fn done(project: ProjectId, identity: IdentityId) -> Response {
    Redirect::to(&format!("/console/users/{project}/{identity}?done")).into_response()
}

pub(super) async fn change(State(app): State<App>, visit: Visit, Form(form): Form<Profile>) -> Answer {
    let permit = visit.permit(Scope::IdentitiesWrite, form.project)?;
    let said = |text: String| Some(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
    let change = ProfileChange {
        given_name: said(form.given_name),
        family_name: said(form.family_name),
        nickname: said(form.nickname),
        ..ProfileChange::default()
    };
    let seen = Timestamp::from_millis(form.seen);
    app.authority.change_seen_identity(&visit.ctx, &permit, form.identity, change, seen).await?;
    Ok(done(form.project, form.identity))
}

pub(super) async fn suspend(State(app): State<App>, visit: Visit, Form(form): Form<Suspension>) -> Answer {
    let permit = visit.permit(Scope::IdentitiesWrite, form.project)?;
    app.authority.suspend_identity(&visit.ctx, &permit, form.identity, form.suspended).await?;
    Ok(done(form.project, form.identity))
}

pub(super) async fn unlock(State(app): State<App>, visit: Visit, Form(form): Form<Whom>) -> Answer {
    let permit = visit.permit(Scope::IdentitiesWrite, form.project)?;
    app.authority.unlock_identity(&visit.ctx, &permit, form.identity).await?;
    Ok(done(form.project, form.identity))
}

pub(super) async fn revoke(State(app): State<App>, visit: Visit, Form(form): Form<Revocation>) -> Answer {
    let permit = visit.permit(Scope::SessionsWrite, form.project)?;
    let of = match form.session {
        Some(session) => SessionsOf::Session(app.authority.session(&permit, session).await?.id),
        None => SessionsOf::Identity(app.authority.identity(&permit, form.identity).await?.id),
    };
    app.authority.revoke_sessions(&visit.ctx, &permit, of).await?;
    Ok(done(form.project, form.identity))
}

pub(super) async fn erase(State(app): State<App>, visit: Visit, Form(form): Form<Whom>) -> Answer {
    let permit = visit.permit(Scope::IdentitiesWrite, form.project)?;
    app.authority.erase_identity(&visit.ctx, &permit, form.identity).await?;
    Ok(done(form.project, form.identity))
}
