//! What holds for every request below `/api/v1`: no token in the address, when to come again, and a trace of whoever asked for
//! what is not theirs.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::{caller::Permit, context::Ctx, error::AuthError, time::Timestamp};

use super::problem::Problem;
use crate::{app::App, problem::with_retry_after};

/// Who administered, once they are known.
#[derive(Clone, Default)]
pub(super) struct Trail(pub(super) Arc<OnceLock<(Ctx, Permit)>>);

/// When to come again.
#[derive(Clone, Copy)]
pub(super) struct RetryAt(pub(super) Timestamp);

/// Guards a request.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if has_token_in_query(request.uri().query().unwrap_or_default()) {
        return Problem::TokenInQuery.into_response();
    }
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    let subject: String = request.uri().path().chars().take(200).collect();
    let mut response = next.run(request).await;
    if let (StatusCode::NOT_FOUND, Some((ctx, permit))) = (response.status(), trail.0.get()) {
        // The answer stands whatever becomes of its trace; a failure is in the log.
        if let Err(failure) = app.authority.record_vain_look(ctx, permit, subject).await {
            crate::problem::log_refusal(&failure);
        }
    }
    if let Some(RetryAt(retry_at)) = response.extensions_mut().remove::<RetryAt>() {
        response = with_retry_after(response, &AuthError::Throttled { retry_at }, app.authority.clock().now());
    }
    response
}

/// Whether a query holds what must not stand there (RFC 9700 section 4.3.2, ATTACKS N40).
fn has_token_in_query(query: &str) -> bool {
    const SECRET: [&str; 4] = ["access_token", "token", "refresh_token", "api_key"];
    query.split('&').any(|pair| SECRET.contains(&pair.split('=').next().unwrap_or_default()))
}
