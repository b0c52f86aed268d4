//! What the library asks the cloud before it opens the channel (sheet, 1.2 and 1.4).

use axum::{Json, Router, extract::State, routing::get};
use http::{HeaderMap, header};
use ringfence_core::error::{AuthError, Noun};
use serde_json::{Value, json};

use super::{admission::application, error::Refusal, query::Parameters};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v2/preferredCCS", get(preferred))
}

/// Where the channel of an application is. The key only names the application.
async fn preferred(State(app): State<App>, headers: HeaderMap, parameters: Parameters) -> Result<Json<Value>, Refusal> {
    let key = parameters.required("apiKey")?;
    let (_, application) = app.authority.find_application(application(key)).await.map_err(unknown)?;
    if application.disabled_at.is_some() || !application.settings.allows_origin(origin(&headers)) {
        return Err(AuthError::ApplicationMismatch.into());
    }
    Ok(Json(json!({ "ccs": channel_host(&app), "secure": false })))
}

/// Where the page that asks is from; what is no text is from nowhere that anybody allows.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"))
}

/// A key that names nothing is a wrong key.
fn unknown(error: AuthError) -> AuthError {
    match error {
        AuthError::NotFound(Noun::Application) => AuthError::InvalidCredentials,
        other => other,
    }
}

/// Host and port of the channel: ours, as clients reach us.
fn channel_host(app: &App) -> &str {
    let url = &app.settings.public_url;
    url.split_once("://").map_or(url.as_str(), |(_, host)| host)
}
