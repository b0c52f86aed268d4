//! One's own sessions: seen, and ended one by one or all but this one.

use axum::extract::{Path, Query, State};
use http::StatusCode;
use ringfence_core::{
    error::{AuthError, Noun},
    ids::SessionId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answers::SessionItem,
    caller::Caller,
    problem::{Details, Problem},
};
use crate::app::App;

/// Where a page of a list begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<SessionId>,
    /// Items on a page, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A page of sessions.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    items: Vec<SessionItem>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

/// The caller's live sessions.
#[utoipa::path(
    get, path = "/sessions", tag = "sessions", params(Page),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A page", body = Sessions),
        (status = "4XX", description = "Refused", body = Details),
    ),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Query(page): Query<Page>,
) -> Result<axum::Json<Sessions>, Problem> {
    let limit = page.limit.unwrap_or(20).clamp(1, 100);
    let found = app.authority.own_sessions(&ctx, &who, page.after, limit).await?;
    let full = found.len() == limit as usize;
    let next = found.last().filter(|_| full).map(|last| last.id.to_string());
    let items = found.into_iter().map(|session| SessionItem::of(session, &who)).collect();
    Ok(axum::Json(Sessions { items, next }))
}

/// Ends every session of the caller but the one that asks.
#[utoipa::path(
    delete, path = "/sessions", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They have ended"),
        (status = "4XX", description = "Refused", body = Details),
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
        (status = "4XX", description = "Refused", body = Details),
    ),
)]
pub(super) async fn end(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    let session = session.parse().map_err(|_| AuthError::NotFound(Noun::Session))?;
    app.authority.end_own_session(&ctx, &who, session).await?;
    Ok(StatusCode::NO_CONTENT)
}
