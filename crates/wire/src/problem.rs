//! Refusals as problem details (RFC 9457), for every face that has no dialect of its own.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{error::AuthError, password::Overloaded, time::Timestamp};
use serde_json::{Value, json};

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) AuthError);

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        log_refusal(&self.0);
        let status = status(&self.0);
        let mut body = json!({
            "type": format!("/problems/{}", self.0.code()),
            "title": self.0.to_string(),
            "status": status.as_u16(),
            "code": self.0.code(),
        });
        if let AuthError::Invalid(violations) = &self.0 {
            body["errors"] = violations
                .iter()
                .map(|violation| json!({ "field": violation.field, "code": violation.rule.code(), "detail": violation.to_string() }))
                .collect::<Value>();
        }
        let mut response = (status, axum::Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// The status of each refusal (docs/status-codes.md argues each once).
pub(crate) const fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked => StatusCode::UNAUTHORIZED,
        AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::StepUpRequired { .. }
        | AuthError::ApplicationMismatch
        | AuthError::Forbidden { .. } => StatusCode::FORBIDDEN,
        AuthError::VerificationInvalid => StatusCode::BAD_REQUEST,
        AuthError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::NotFound(_) => StatusCode::NOT_FOUND,
        AuthError::Conflict(_) => StatusCode::CONFLICT,
        AuthError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AuthError::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
        AuthError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Seconds to wait before another try, for `Retry-After`; at most an hour, whatever the truth is.
pub(crate) fn retry_after(error: &AuthError, now: Timestamp) -> Option<u64> {
    let wait = match error {
        AuthError::Throttled { retry_at } => retry_at.since(now),
        AuthError::Unavailable { source, .. } => {
            source.downcast_ref::<Overloaded>().map_or(std::time::Duration::from_secs(1), |full| full.retry_after)
        }
        _ => return None,
    };
    Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).clamp(1, 3600))
}

/// Adds `Retry-After` where a refusal has one.
pub(crate) fn with_retry_after(mut response: Response, error: &AuthError, now: Timestamp) -> Response {
    if let Some(seconds) = retry_after(error, now) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Logs a refusal once: ours with its causes, the caller's with its code. Bodies never hold a cause.
pub(crate) fn log_refusal(error: &AuthError) {
    match error {
        AuthError::Internal(cause) => {
            tracing::error!(code = error.code(), cause = chain(cause.as_ref()), "failed");
        }
        AuthError::Unavailable { source, what } => {
            tracing::error!(code = error.code(), what, cause = chain(source.as_ref()), "unavailable");
        }
        _ => tracing::info!(code = error.code(), "refused"),
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
