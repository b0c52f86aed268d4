//! `/applications`: what an application says of itself to whoever asks.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use ringfence_core::error::{AuthError, Noun};
use serde_json::{Value, json};

use super::{
    APPLICATION, NAME,
    caller::{Visitor, named},
    error::Refusal,
    hal::{hal, link},
};
use crate::app::App;

/// `GET /applications/{application}`, by UUID or, as until 2019, by key.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor<true>,
    Path(application): Path<String>,
) -> Result<Response, Refusal> {
    let (project, found) = app.authority.open_application(&visitor.ctx, named(&application)).await?;
    if project.name != app.mount.project {
        return Err(AuthError::NotFound(Noun::Application).into());
    }
    let names = app.authority.aliases(found.id).await?;
    let key = names.iter().find(|name| name.scheme == APPLICATION && name.value == application);
    let key = key.or_else(|| names.iter().find(|name| name.scheme == APPLICATION));
    let own = found.settings.attributes.get(NAME);
    let said = |name: &str| own.and_then(|own| own.get(name)).cloned().unwrap_or(Value::Null);
    let content = |name: &str| json!({ "content": own.and_then(|own| own.get("agreement")?.get(name)) });
    let version = own.and_then(|own| own.get("version")?.as_str()).unwrap_or("1.0.0");
    let mut links = json!({ "self": link(&format!("/applications/{}", found.id), "application", &found.id) });
    if let Some(url) = said("knowledgeBase").as_str() {
        links["knowledgeBase"] = json!({ "href": url });
    }
    let body = json!({
        "type": "Application",
        "id": found.id,
        "name": found.name,
        "token": key.map_or_else(|| found.id.to_string(), |key| key.value.clone()),
        "version": version,
        "about": said("about"),
        "agreement": {
            "olderThan": content("olderThan"),
            "privacyPolicy": content("privacyPolicy"),
            "termsOfService": content("termsOfService"),
        },
        "configuration": { "public": own.and_then(|own| own.get("public")).cloned().unwrap_or_else(|| json!({})) },
        "contactPoints": own.and_then(|own| own.get("contactPoints")).cloned().unwrap_or_else(|| json!([])),
        "_links": links,
    });
    Ok(hal(StatusCode::OK, &body))
}
