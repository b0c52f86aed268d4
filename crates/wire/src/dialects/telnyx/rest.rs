//! The paths of the REST face.

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path},
    response::IntoResponse,
    routing::{get, post},
};
use http::{StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::{Value, json};

use super::{connections, credentials, error::Refusal, query::Page, token};
use crate::{
    app::App,
    dialects::{Access, Endpoint},
};

const fn endpoint(method: &'static str, path: &'static str, source: &'static str) -> Endpoint {
    Endpoint { method, path, access: Access::SignedIn, source }
}

const CONNECTIONS: &str = "1.3 Credential connections";
const CREDENTIALS: &str = "1.4 Telephony credentials";

/// What is there, for documentation and the test that walks it.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint("GET", "/v2/credential_connections", CONNECTIONS),
    endpoint("POST", "/v2/credential_connections", CONNECTIONS),
    endpoint("GET", "/v2/credential_connections/{id}", CONNECTIONS),
    endpoint("PATCH", "/v2/credential_connections/{id}", CONNECTIONS),
    endpoint("DELETE", "/v2/credential_connections/{id}", CONNECTIONS),
    endpoint("POST", "/v2/credential_connections/{id}/actions/check_registration_status", CONNECTIONS),
    endpoint("GET", "/v2/telephony_credentials", CREDENTIALS),
    endpoint("POST", "/v2/telephony_credentials", CREDENTIALS),
    endpoint("GET", "/v2/telephony_credentials/{id}", CREDENTIALS),
    endpoint("PATCH", "/v2/telephony_credentials/{id}", CREDENTIALS),
    endpoint("DELETE", "/v2/telephony_credentials/{id}", CREDENTIALS),
    endpoint("POST", "/v2/telephony_credentials/{id}/token", "2 The token"),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v2/credential_connections", get(connections::list).post(connections::create))
        .route(
            "/v2/credential_connections/{id}",
            get(connections::retrieve).patch(connections::update).delete(connections::delete),
        )
        .route("/v2/credential_connections/{id}/actions/check_registration_status", post(connections::registration))
        .route("/v2/telephony_credentials", get(credentials::list).post(credentials::create))
        .route(
            "/v2/telephony_credentials/{id}",
            get(credentials::retrieve).patch(credentials::update).delete(credentials::delete),
        )
        .route("/v2/telephony_credentials/{id}/token", post(token::create))
        .fallback(async || Refusal::nothing_here())
        .method_not_allowed_fallback(async || Refusal::nothing_here())
}

/// The id in a path.
#[derive(Debug)]
pub(super) struct Id(pub(super) String);

impl FromRequestParts<App> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Refusal::invalid_id())
    }
}

/// One record.
#[derive(Debug, Serialize)]
pub(super) struct Single<T> {
    data: T,
}

pub(super) type One = (StatusCode, Json<Single<Value>>);

pub(super) fn one(status: StatusCode, data: Value) -> One {
    (status, Json(Single { data }))
}

/// A part of a list, numbered so that clients know when to stop asking.
pub(super) fn many(records: &[Value], total: u64, page: Page) -> Json<Value> {
    Json(json!({
        "data": records,
        "meta": {
            "page_number": page.number,
            "page_size": page.size,
            "total_pages": total.div_ceil(u64::from(page.size)),
            "total_results": total,
        },
    }))
}

/// The plain text of a secret that nobody may keep on the way.
pub(super) fn text(status: StatusCode, text: String) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}
