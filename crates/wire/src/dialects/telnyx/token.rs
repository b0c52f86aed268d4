//! Login tokens: a JWT as plain text (sheet, section 2).

use axum::{extract::State, response::IntoResponse};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use http::StatusCode;
use ringfence_core::entropy::random;
use serde::Serialize;

use super::{
    backend::Backend,
    credentials::identity,
    error::Refusal,
    rest::{Id, text},
};
use crate::app::App;

/// The claims that are only here. All claims are ASCII without `~`, `>` and `?`, so that the payload has neither `-` nor `_`
/// when encoded: the SDK's decoder knows only the other alphabet (sheet, row 9).
#[derive(Debug, Serialize)]
struct Claims {
    nbf: i64,
    tel_token: String,
    typ: &'static str,
}

pub(super) async fn create(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<impl IntoResponse, Refusal> {
    let permit = backend.may_issue()?;
    let claims = Claims {
        nbf: backend.ctx.now.seconds() - 1,
        // Means nothing: the session is what counts.
        tel_token: URL_SAFE.encode(random::<94>(app.authority.entropy().as_ref())),
        typ: "access",
    };
    let issued = app.authority.issue_endpoint_token(&backend.ctx, &permit, identity(&id)?, claims).await;
    let issued = issued.map_err(backend.refusal())?;
    Ok(text(StatusCode::CREATED, issued.token.expose().to_owned()))
}

/// `prefix` and so many random letters and digits: a name, not a secret, so a slight preference for some does not matter.
pub(super) fn random_name(prefix: &str, length: usize, app: &App) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes = random::<64>(app.authority.entropy().as_ref());
    let tail = bytes.iter().take(length).map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]));
    prefix.chars().chain(tail).collect()
}
