//! Refusals: one body that satisfies both generations, vnd.error and Problem, in the language of the request.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts as _, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::error::{AuthError, Noun};
use serde_json::{Value, json};

use super::{
    hal::hal,
    messages::{self, Language},
};
use crate::{
    app::App,
    extract::Circumstances,
    problem::{log_refusal, with_retry_after},
};

/// A refusal on its way to [`speak`], which knows the language.
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
        let mut response = status(&self.0).into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// Puts refusals into words.
pub(super) async fn speak(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(&mut parts, &app).await;
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(error) = response.extensions_mut().remove::<Arc<AuthError>>() else { return response };
    let language = Language::of(ctx.language.as_deref());
    let mut refused = hal(response.status(), &body_of(&error, language));
    let headers = refused.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    if response.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, challenge(&error));
    }
    with_retry_after(refused, &error, ctx.now)
}

const fn challenge(error: &AuthError) -> HeaderValue {
    match error {
        AuthError::InvalidCredentials => HeaderValue::from_static("Bearer realm=\"keyclic\""),
        _ => HeaderValue::from_static("Bearer realm=\"keyclic\", error=\"invalid_token\""),
    }
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
        AuthError::VerificationInvalid | AuthError::NotFound(_) => StatusCode::NOT_FOUND,
        // The description knows no 409: what is taken is a fault of the input.
        AuthError::Conflict(_) | AuthError::Invalid(_) => StatusCode::BAD_REQUEST,
        AuthError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn body_of(error: &AuthError, language: Language) -> Value {
    let faults: Vec<Value> = match error {
        AuthError::Invalid(violations) => {
            violations.iter().map(|found| fault(found.field, &messages::rule(found.rule, language))).collect()
        }
        AuthError::Conflict(Noun::Identifier | Noun::Identity | Noun::Membership) => {
            vec![fault("email", messages::message(error, language))]
        }
        _ => Vec::new(),
    };
    let validation = AuthError::Invalid(Vec::new());
    let (kind, text) = match faults.first() {
        Some(_) => ("ValidationError", messages::message(&validation, language)),
        None => ("Error", messages::message(error, language)),
    };
    let detail = faults.first().and_then(|fault| fault["detail"].as_str()).unwrap_or(text).to_owned();
    json!({
        "@context": "https://github.com/blongden/vnd.error",
        "@type": kind,
        "message": text,
        "total": faults.len(),
        "type": "about:blank",
        "title": text,
        "detail": detail,
        "code": error.code(),
        "_embedded": { "errors": faults },
    })
}

fn fault(path: &str, text: &str) -> Value {
    json!({ "@type": "Error", "message": text, "path": path, "type": "about:blank", "title": text, "detail": text })
}
