//! Refusals: one body that says the same as the status, and which fields are wrong.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts as _, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use ringfence_core::error::{AuthError, Noun, Rule};
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    extract::Circumstances,
    problem::{log_refusal, with_retry_after},
};

/// A refusal on its way to [`speak`], which knows the time.
#[derive(Debug)]
pub(super) struct Refusal {
    error: AuthError,
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Refusal {
    /// What was shown was refused. It does not say which part of it was wrong, nor that there is somebody who is shut out.
    pub(super) fn at_the_gate(error: AuthError) -> Self {
        let status = gate_status(&error);
        let refusal = Self::from(error);
        match status {
            StatusCode::UNAUTHORIZED => {
                Self { status, code: "unauthorized", message: "Unauthorized".to_owned(), fields: Map::new(), ..refusal }
            }
            _ => Self { status, ..refusal },
        }
    }

    /// Nothing was shown, or nothing that anybody could read.
    pub(super) fn unauthorized() -> Self {
        Self::at_the_gate(AuthError::InvalidCredentials)
    }

    /// A secret in the query of a project that does not allow it (ATTACKS N40).
    pub(super) fn token_in_query() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "token_in_query",
            message: "Credentials in the query are not accepted here; send a header.".to_owned(),
            ..Self::from(AuthError::NotSupported("a token in the query"))
        }
    }

    /// The same credential twice: two would be judged and one believed.
    pub(super) fn shown_twice() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: "The same credential was sent more than once.".to_owned(),
            ..Self::from(AuthError::Invalid(Vec::new()))
        }
    }

    /// What is wrong with fields, by their place and name, each with what was sent unless that is a secret.
    pub(super) fn fields(fields: Map<String, Value>) -> Self {
        Self { fields, ..Self::from(AuthError::Invalid(Vec::new())) }
    }

    /// One parameter of the query is wrong.
    pub(super) fn parameter(name: &'static str, rule: Rule, value: Option<&str>) -> Self {
        let fault = fault(rule, &value.map_or(Value::Null, Value::from));
        Self::fields(Map::from_iter([(format!("params.{name}"), fault)]))
    }
}

/// Where a field of the domain is in a request.
fn place_of(field: &str) -> String {
    match field {
        "body" => field.to_owned(),
        "user_name" => "body.login".to_owned(),
        "expires_at" => "body.expired_on".to_owned(),
        _ => format!("body.{field}"),
    }
}

/// What is wrong with one field.
pub(super) fn fault(rule: Rule, value: &Value) -> Value {
    json!({ "message": rule.to_string(), "value": value })
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let fields = match &error {
            AuthError::Invalid(violations) => {
                let named = violations.iter();
                named.map(|found| (place_of(found.field), fault(found.rule, &Value::Null))).collect()
            }
            _ => Map::new(),
        };
        Self { status: status(&error), code: error.code(), message: message(&error), fields, error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        log_refusal(&self.error);
        let mut body = json!({
            "success": false,
            "message": self.message,
            "status": self.status.as_u16(),
            "meta": { "code": self.code },
        });
        if !self.fields.is_empty() {
            body["fields"] = Value::Object(self.fields);
        }
        // No challenge: a browser would ask for a password in a window of its own (sheet, section 2).
        let mut response = (self.status, Json(body)).into_response();
        response.extensions_mut().insert(Arc::new(self.error));
        response
    }
}

/// Adds when to come back.
pub(super) async fn speak(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(&mut parts, &app).await;
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<Arc<AuthError>>() {
        Some(error) => with_retry_after(response, &error, ctx.now),
        None => response,
    }
}

/// The answer to a path or a method that is not here.
pub(super) async fn nothing_here() -> Refusal {
    AuthError::NotFound(Noun::Endpoint).into()
}

const fn gate_status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked
        | AuthError::VerificationInvalid
        | AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::ApplicationMismatch
        | AuthError::NotFound(_)
        | AuthError::NotSupported(_) => StatusCode::UNAUTHORIZED,
        AuthError::Throttled { .. }
        | AuthError::StepUpRequired { .. }
        | AuthError::Forbidden { .. }
        | AuthError::Conflict(_)
        | AuthError::Invalid(_)
        | AuthError::Unavailable { .. }
        | AuthError::Internal(_) => status(error),
    }
}

const fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked => StatusCode::UNAUTHORIZED,
        // 401 would cost the client a needless sign-in and a second try (sheet, section 2).
        AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::StepUpRequired { .. }
        | AuthError::ApplicationMismatch
        | AuthError::Forbidden { .. }
        | AuthError::NotSupported(_) => StatusCode::FORBIDDEN,
        AuthError::VerificationInvalid | AuthError::NotFound(_) => StatusCode::NOT_FOUND,
        AuthError::Conflict(_) => StatusCode::CONFLICT,
        AuthError::Invalid(_) => StatusCode::BAD_REQUEST,
        AuthError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        AuthError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn message(error: &AuthError) -> String {
    let text = match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked => "Unauthorized",
        AuthError::IdentitySuspended => "This user is disabled.",
        AuthError::Disabled(_) => "This is switched off.",
        AuthError::StepUpRequired { .. } => "Authenticate with the password to do this.",
        AuthError::ApplicationMismatch | AuthError::Forbidden { .. } => "Forbidden",
        AuthError::NotSupported(_) => "This is not offered here.",
        AuthError::VerificationInvalid => "This token is not valid any more.",
        AuthError::NotFound(_) => "Not found",
        AuthError::Conflict(Noun::Identity) => {
            "An account with this address exists. Log in to it with its password once to link it."
        }
        AuthError::Conflict(Noun::Identifier) => "User already exists",
        AuthError::Conflict(_) => "Already exists",
        AuthError::Invalid(_) => "Validation failed",
        AuthError::Throttled { .. } => "Too many attempts",
        AuthError::Unavailable { .. } => "Temporarily unavailable",
        AuthError::Internal(_) => "Internal error",
    };
    text.to_owned()
}
