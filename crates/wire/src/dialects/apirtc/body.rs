//! Bodies: multipart as the library sends them, forms and JSON as REST clients do, and beside them the query.

use axum::{
    Form, Json,
    body::Body,
    extract::{FromRequest, Multipart},
};
use http::{HeaderMap, Request, header};
use ringfence_core::error::{AuthError, Rule};
use serde_json::{Map, Value};

use super::{error::Refusal, query::Parameters};
use crate::app::App;

/// What a request says in its body and in its query; in one of them only.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) body: Parameters,
    pub(super) query: Parameters,
}

impl FromRequest<App> for Said {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Refusal> {
        let query = Parameters::of(request.uri())?;
        let body = Parameters::from_pairs(pairs(request, app).await?)?;
        if body.shares_a_name_with(&query) {
            return Err(unreadable().into());
        }
        Ok(Self { body, query })
    }
}

impl Said {
    /// What is said under a name, wherever; for what is no secret.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.body.one(name).or_else(|| self.query.one(name))
    }

    /// The same where it must be said.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, AuthError> {
        self.one(name).ok_or_else(|| AuthError::invalid(name, Rule::Required))
    }
}

async fn pairs(request: Request<Body>, app: &App) -> Result<Vec<(String, String)>, AuthError> {
    match media_type(request.headers()).as_str() {
        // A POST without parameters is the closing boundary alone (sheet, 1.1).
        "multipart/form-data" => {
            let mut parts = Multipart::from_request(request, app).await.map_err(|_| unreadable())?;
            let mut pairs = Vec::new();
            while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
                let name = part.name().ok_or_else(unreadable)?.to_owned();
                pairs.push((name, part.text().await.map_err(|_| unreadable())?));
            }
            Ok(pairs)
        }
        "application/x-www-form-urlencoded" => {
            let Form(pairs) = Form::from_request(request, app).await.map_err(|_| unreadable())?;
            Ok(pairs)
        }
        "application/json" => {
            let Json(members) =
                Json::<Map<String, Value>>::from_request(request, app).await.map_err(|_| unreadable())?;
            members
                .into_iter()
                .filter_map(|(name, value)| text(value).map(|text| text.map(|text| (name, text))))
                .collect()
        }
        // Whatever else it is, nothing is read of it.
        _ => Ok(Vec::new()),
    }
}

/// The text of a member; null is none.
fn text(value: Value) -> Option<Result<String, AuthError>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Ok(text)),
        Value::Number(number) => Some(Ok(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(Err(unreadable())),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let said = headers.get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn unreadable() -> AuthError {
    AuthError::invalid("body", Rule::Malformed)
}
