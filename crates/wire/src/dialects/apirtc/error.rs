//! Refusals as JSON (sheet, 1.1): the library needs no more than a status and JSON that its application can read.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use ringfence_core::error::{AuthError, Noun, TokenFault};
use serde_json::{Value, json};

use crate::{
    app::App,
    problem::{log_refusal, retry_after},
};

/// The code of the real platform for input that breaks rules.
const BAD_PARAMETER: u32 = 10;

/// Seconds until another request is looked at (sheet, section 2).
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A refusal on its way to [`speak`], which knows the time.
#[derive(Debug)]
pub(super) struct Refusal(AuthError);

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        log_refusal(&self.0);
        let mut response = (status(&self.0), Json(body(&self.0))).into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// Says how long to wait, in both headers that clients look for.
pub(super) async fn speak(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<Arc<AuthError>>() else { return response };
    if let Some(seconds) = retry_after(&error, app.authority.clock().now()) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response.headers_mut().insert(RESET, HeaderValue::from(seconds));
    }
    response
}

/// What is answered where nothing is.
pub(super) async fn nothing_here() -> Refusal {
    AuthError::NotFound(Noun::Endpoint).into()
}

const fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked => StatusCode::UNAUTHORIZED,
        AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::StepUpRequired { .. }
        | AuthError::ApplicationMismatch
        | AuthError::Forbidden { .. }
        | AuthError::NotSupported(_) => StatusCode::FORBIDDEN,
        AuthError::NotFound(_) => StatusCode::NOT_FOUND,
        AuthError::Conflict(_) => StatusCode::CONFLICT,
        AuthError::VerificationInvalid | AuthError::Invalid(_) => StatusCode::BAD_REQUEST,
        AuthError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn body(error: &AuthError) -> Value {
    if let AuthError::Invalid(violations) = error {
        let details = violations.first().map_or("", |broken| broken.field);
        return json!({
            "code": BAD_PARAMETER,
            "message": error.to_string(),
            "details": format!("Parameter {details}"),
            "error": error.code(),
        });
    }
    json!({ "message": error.to_string(), "error": error.code() })
}

/// What the channel says to whom it does not let in (sheet, 1.6). The library stops at each of these texts but the first.
pub(super) fn channel_text(error: &AuthError, showed_token: bool) -> String {
    match error {
        AuthError::Throttled { .. } | AuthError::Unavailable { .. } | AuthError::Internal(_) => {
            "temporarily unavailable".to_owned()
        }
        AuthError::TokenInvalid(fault) if showed_token => format!("access token failure: {}", fault_text(*fault)),
        AuthError::TokenExpired if showed_token => "access token failure: jwt expired".to_owned(),
        AuthError::SessionRevoked if showed_token => "access token failure: jwt revoked".to_owned(),
        AuthError::Disabled(_) => "DISABLED_ENTERPRISE".to_owned(),
        AuthError::NotSupported(_) if !showed_token => "An account is needed".to_owned(),
        AuthError::ApplicationMismatch
        | AuthError::Conflict(_)
        | AuthError::Forbidden { .. }
        | AuthError::IdentitySuspended
        | AuthError::Invalid(_)
        | AuthError::InvalidCredentials
        | AuthError::NotFound(_)
        | AuthError::NotSupported(_)
        | AuthError::SessionRevoked
        | AuthError::StepUpRequired { .. }
        | AuthError::TokenExpired
        | AuthError::TokenInvalid(_)
        | AuthError::VerificationInvalid => "not authorized".to_owned(),
    }
}

/// In the words of the usual JWT library of Node, which is what the platform seems to pass on (sheet, 1.6).
const fn fault_text(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Malformed | TokenFault::Unknown => "jwt malformed",
        TokenFault::Algorithm => "invalid algorithm",
        TokenFault::Key | TokenFault::Signature => "invalid signature",
        TokenFault::Issuer => "jwt issuer invalid",
        TokenFault::Audience => "jwt audience invalid",
        TokenFault::Type => "jwt subject invalid",
        TokenFault::Claims => "invalid token",
        TokenFault::NotYet => "jwt not active",
        TokenFault::Lifetime => "maxAge exceeded",
    }
}
