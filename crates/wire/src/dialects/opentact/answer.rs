//! The envelope of every answer (sheet, section 4).

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::time::Timestamp;
use serde_json::{Value, json};

/// An answer that says that all went well.
pub(super) fn success(status: StatusCode, payload: &Value) -> Response {
    (status, Json(json!({ "success": true, "payload": payload }))).into_response()
}

/// The answer to a question.
pub(super) fn found(payload: &Value) -> Response {
    success(StatusCode::OK, payload)
}

/// The answer to a creation.
pub(super) fn created(payload: &Value) -> Response {
    success(StatusCode::CREATED, payload)
}

/// An instant as its clients read it: milliseconds and `Z`, or null.
pub(super) fn instant(moment: impl Into<Option<Timestamp>>) -> Value {
    moment.into().map_or(Value::Null, |moment| moment.rfc3339().into())
}
