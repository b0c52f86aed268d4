//! Bodies as its clients send them: JSON or a form, often none at all under a JSON content type.

use axum::{
    Form,
    body::{Body, Bytes},
    extract::{FromRequest, Request},
};
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{error::Refusal, fields::Fields};
use crate::app::App;

/// Larger bodies are refused.
pub(super) const MAX_BODY: usize = 512_000;

impl FromRequest<App> for Fields {
    type Rejection = Refusal;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(Refusal::unread)?;
        let members = match Kind::of(&parts.headers) {
            Kind::Json => json(&bytes)?,
            Kind::Form => form(Request::from_parts(parts, Body::from(bytes))).await?,
            Kind::Other => Map::new(),
        };
        // No field of ours may hold NUL: stores end text there.
        if members.values().any(has_nul) { Err(Refusal::broken()) } else { Ok(Self::new(members)) }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Json,
    Form,
    /// As good as no body.
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }
}

/// Nothing and `null` are no fields: the widget sends either.
fn json(bytes: &Bytes) -> Result<Map<String, Value>, Refusal> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null | Value::Array(_)) => Ok(Map::new()),
        Ok(Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => Err(Refusal::broken()),
    }
}

/// A field that comes twice is a list, as its own reader has it.
async fn form(request: Request) -> Result<Map<String, Value>, Refusal> {
    let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|_| Refusal::broken())?;
    let mut members = Map::new();
    for (name, text) in pairs {
        let value = Value::String(text);
        match members.get_mut(&name) {
            None => drop(members.insert(name, value)),
            Some(Value::Array(several)) => several.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(members)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
