//! Sessions of others.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    error::Noun,
    ids::IdentityId,
    session::{Session, SessionsOf},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        caller::{Admin, SessionsWrite},
        input::{Asked, Listing, Named, Page, id},
        problem::Problem,
    },
};

/// A session, as administrators see it.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct SessionOfOther {
    /// Its id, the `sid` of its tokens.
    id: String,
    /// Whose it is.
    identity_id: String,
    /// The application that it was started through.
    application_id: Option<String>,
    /// The face that it was started through.
    face: String,
    /// How its owner proved who they are (RFC 8176).
    amr: Vec<String>,
    /// When.
    #[schema(format = DateTime)]
    auth_time: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was ended.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl SessionOfOther {
    fn of(session: Session) -> Self {
        Self {
            id: session.id.to_string(),
            identity_id: session.identity.to_string(),
            application_id: session.application.map(|id| id.to_string()),
            face: session.dialect,
            amr: session.amr,
            auth_time: session.auth_time.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
            revoked_at: session.revoked_at.map(Timestamp::rfc3339),
        }
    }
}

async fn page(
    app: &App,
    admin: &Admin<SessionsWrite>,
    of: SessionsOf,
    name: &str,
    page: &Page,
) -> Result<axum::Json<Listing<SessionOfOther>>, Problem> {
    let list = admin.list(name);
    let (after, limit) = (page.after(app, &list)?, page.limit()?);
    let found = app.authority.sessions(&admin.ctx, &admin.permit, of, after, limit).await?;
    let position = |found: &Session| found.id.to_string();
    Ok(axum::Json(page.of(app, &list, found, position, SessionOfOther::of)?))
}

/// The project's live sessions.
#[utoipa::path(
    get, path = "/admin/sessions", tag = "administration", params(Page),
    security(("bearer" = ["sessions:write"])),
    responses((status = 200, description = "A page", body = Listing<SessionOfOther>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Asked(asked): Asked<Page>,
) -> Result<axum::Json<Listing<SessionOfOther>>, Problem> {
    page(&app, &admin, SessionsOf::Project(admin.permit.project()), "sessions", &asked).await
}

async fn owner(app: &App, admin: &Admin<SessionsWrite>, named: &str) -> Result<IdentityId, Problem> {
    Ok(app.authority.identity(&admin.permit, id(named, Noun::Identity)?).await?.id)
}

/// An identity's live sessions.
#[utoipa::path(
    get, path = "/admin/identities/{identity}/sessions", tag = "administration",
    params(("identity" = String, Path, description = "Whose"), Page),
    security(("bearer" = ["sessions:write"])),
    responses((status = 200, description = "A page", body = Listing<SessionOfOther>)),
)]
pub(in crate::native) async fn of_identity(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Named(identity): Named<String>,
    Asked(asked): Asked<Page>,
) -> Result<axum::Json<Listing<SessionOfOther>>, Problem> {
    let owner = owner(&app, &admin, &identity).await?;
    page(&app, &admin, SessionsOf::Identity(owner), &format!("sessions:{owner}"), &asked).await
}

/// Ends every session of an identity.
#[utoipa::path(
    delete, path = "/admin/identities/{identity}/sessions", tag = "administration",
    params(("identity" = String, Path, description = "Whose")),
    security(("bearer" = ["sessions:write"])),
    responses((status = 204, description = "They have ended")),
)]
pub(in crate::native) async fn end_of_identity(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Named(identity): Named<String>,
) -> Result<StatusCode, Problem> {
    let owner = owner(&app, &admin, &identity).await?;
    app.authority.revoke_sessions(&admin.ctx, &admin.permit, SessionsOf::Identity(owner)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session, be it that it has ended.
#[utoipa::path(
    get, path = "/admin/sessions/{session}", tag = "administration",
    params(("session" = String, Path, description = "Its id")),
    security(("bearer" = ["sessions:write"])),
    responses((status = 200, description = "The session", body = SessionOfOther)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Named(session): Named<String>,
) -> Result<axum::Json<SessionOfOther>, Problem> {
    let found = app.authority.session(&admin.permit, id(&session, Noun::Session)?).await?;
    Ok(axum::Json(SessionOfOther::of(found)))
}

/// Ends a session, its tokens and its sockets.
#[utoipa::path(
    delete, path = "/admin/sessions/{session}", tag = "administration",
    params(("session" = String, Path, description = "Its id")),
    security(("bearer" = ["sessions:write"])),
    responses((status = 204, description = "It has ended")),
)]
pub(in crate::native) async fn end(
    State(app): State<App>,
    admin: Admin<SessionsWrite>,
    Named(session): Named<String>,
) -> Result<StatusCode, Problem> {
    let found = app.authority.session(&admin.permit, id(&session, Noun::Session)?).await?;
    app.authority.revoke_sessions(&admin.ctx, &admin.permit, SessionsOf::Session(found.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
