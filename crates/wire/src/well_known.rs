//! Well-known addresses: the public halves of our signing keys.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;

use crate::{app::App, extract::Circumstances, problem::Problem};

/// `/.well-known/jwks.json` (RFC 7517).
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/.well-known/jwks.json", get(jwks))
}

async fn jwks(State(app): State<App>, Circumstances(ctx): Circumstances) -> Result<Response, Problem> {
    let keys = app.authority.jwks(&ctx).await?;
    // Short enough that a rotated key is known before the old one ends, long enough to spare us.
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(keys)).into_response())
}
