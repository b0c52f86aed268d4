//! Bodies: one JSON object of exactly the members that are known, each of its type.

use axum::{body::Body, extract::FromRequest};
use http::{Request, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::{app::App, guard::MAX_BODY};

/// A body that was read.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _app: &App) -> Result<Self, Problem> {
        if !says_json(&request) {
            return Err(Problem::MediaType);
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| Problem::TooLarge)?;
        let mut input = serde_json::Deserializer::from_slice(&bytes);
        let read = serde_path_to_error::deserialize(&mut input);
        let value = read.map_err(|error| Problem::member(&error.path().to_string(), error.inner()))?;
        input.end().map_err(|_| Problem::Malformed)?;
        Ok(Self(value))
    }
}

/// Only JSON, and said so: a form that a foreign page posts cannot say it (ATTACKS N45).
fn says_json(request: &Request<Body>) -> bool {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
