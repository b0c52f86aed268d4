//! One's own sessions: seen, and ended one by one or all but this one.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{error::Noun, session::Session};

use super::{
    answers::SessionItem,
    caller::Caller,
    input::{Asked, Listing, Named, Page, id},
    problem::Problem,
};
use crate::app::App;

/// The caller's live sessions.
#[utoipa::path(
    get, path = "/sessions", tag = "sessions", params(Page),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A page", body = Listing<SessionItem>),
    ),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<SessionItem>>, Problem> {
    let list = format!("{}:own_sessions", who.identity.id);
    let found = app.authority.own_sessions(&ctx, &who, page.after(&app, &list)?, page.limit()?).await?;
    let position = |session: &Session| session.id.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, |session| SessionItem::of(session, &who))?))
}

/// Ends every session of the caller but the one that asks.
#[utoipa::path(
    delete, path = "/sessions", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They have ended"),
    ),
)]
pub(super) async fn end_others(State(app): State<App>, Caller { ctx, who }: Caller) -> Result<StatusCode, Problem> {
    app.authority.end_other_sessions(&ctx, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of the caller.
#[utoipa::path(
    delete, path = "/sessions/{session}", tag = "sessions",
    params(("session" = String, Path, description = "Its id")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It has ended"),
    ),
)]
pub(super) async fn end(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Named(session): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.end_own_session(&ctx, &who, id(&session, Noun::Session)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
