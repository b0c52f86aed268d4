//! Refusals in the shapes of each endpoint: `success:false` with `msg`, with `message` or with `error`, plain words, or a
//! list of fields. [`general`] has an answer for every refusal; an endpoint's own words
//! (`words`) come first.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use std::collections::BTreeMap;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{
    context::Ctx,
    error::{AuthError, Noun},
};
use serde::Serialize;
use serde_json::json;

use super::{body::MAX_BODY, fields::FieldError};
use crate::problem::{log_refusal, with_retry_after};

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Renders a refusal of the domain: in an endpoint's own words if it has some, else like everywhere.
pub(super) fn refuse(
    ctx: &Ctx,
    words: impl FnOnce(&AuthError) -> Option<Refusal>,
) -> impl FnOnce(AuthError) -> Refusal {
    move |error| {
        log_refusal(&error);
        let answer = words(&error).unwrap_or_else(|| general(&error));
        Refusal(Box::new(with_retry_after(*answer.0, &error, ctx.now)))
    }
}

impl Refusal {
    fn json(status: StatusCode, body: impl Serialize) -> Self {
        Self(Box::new((status, Json(body)).into_response()))
    }

    fn text(status: StatusCode, text: &'static str) -> Self {
        Self(Box::new((status, text).into_response()))
    }

    /// The usual shape.
    pub(super) fn msg(status: StatusCode, msg: &str) -> Self {
        Self::json(status, Failed { msg: Some(msg), ..Failed::default() })
    }

    /// The same under the other name that some endpoints have for it.
    pub(super) fn message(status: StatusCode, message: &str) -> Self {
        Self::json(status, Failed { message: Some(message), ..Failed::default() })
    }

    /// The usual shape with a number that its dashboard knows.
    pub(super) fn code(status: StatusCode, msg: &str, code: u32) -> Self {
        Self::json(status, Failed { msg: Some(msg), code: Some(code), ..Failed::default() })
    }

    /// What is wrong with a code from a mail, with a number that its dashboard knows.
    pub(super) fn error(status: StatusCode, error: &str, error_code: u32) -> Self {
        Self::json(status, Failed { error: Some(error), error_code: Some(error_code), ..Failed::default() })
    }

    /// Fields that are not as they must be.
    pub(super) fn fields(errors: &[FieldError]) -> Self {
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, BTreeMap::from([("errors", errors)]))
    }

    /// Nobody that we know.
    pub(super) fn unauthorized() -> Self {
        let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Users\""))];
        Self(Box::new((StatusCode::UNAUTHORIZED, challenge, "Unauthorized").into_response()))
    }

    /// The same where no password would help.
    pub(super) fn unauthorized_token() -> Self {
        Self::text(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// An `Authorization` of one word.
    pub(super) fn bad_request() -> Self {
        Self::text(StatusCode::BAD_REQUEST, "Bad Request")
    }

    /// Somebody that we know, who did not say so in an `Authorization` of two words.
    pub(super) fn without_header() -> Self {
        Self::msg(StatusCode::FORBIDDEN, "Unauthorized.")
    }

    /// A body that is not what its type says.
    pub(super) fn broken() -> Self {
        Self::json(StatusCode::BAD_REQUEST, json!({ "err": "error" }))
    }

    /// A body that could not be read to its end.
    #[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` wants")]
    pub(super) fn unread(cause: axum::Error) -> Self {
        let too_large = std::iter::successors(Some(&cause as &dyn std::error::Error), |error| error.source())
            .any(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if too_large {
            let body = json!({ "err": "Request entity too large", "limit": MAX_BODY });
            return Self::json(StatusCode::PAYLOAD_TOO_LARGE, body);
        }
        Self::broken()
    }

    /// A provider that is not configured.
    pub(super) fn not_enabled() -> Self {
        Self::json(StatusCode::INTERNAL_SERVER_ERROR, json!({ "err": "error" }))
    }

    /// A project id that is none. One that is longer than ids are is not repeated: it may be a token in the wrong place (ATTACKS N94).
    pub(super) fn invalid_project(id: &str) -> Self {
        let id = if id.len() <= 24 { id } else { "…" };
        Self::json(StatusCode::BAD_REQUEST, json!({ "error": format!("Invalid project id: {id}") }))
    }

    /// A project id that nobody has.
    pub(super) fn unknown_project(id: &str) -> Self {
        Self::json(StatusCode::BAD_REQUEST, json!({ "error": format!("Project not found with id: {id}") }))
    }

    /// What a project keeps out.
    pub(super) fn filtered(err: &'static str) -> Self {
        Self::json(StatusCode::UNAUTHORIZED, json!({ "err": err }))
    }

    /// Nothing of this name.
    pub(super) fn not_found(msg: &'static str) -> Self {
        Self::msg(StatusCode::NOT_FOUND, msg)
    }

    /// A custom token that its tool cannot show.
    pub(super) fn undecodable(msg: &str, err: Option<Cause<'_>>) -> Self {
        Self::json(StatusCode::UNAUTHORIZED, Failed { msg: Some(msg), err, ..Failed::default() })
    }
}

/// The body of most refusals; an endpoint has `msg`, `message` or `error`.
#[derive(Debug, Default, Serialize)]
struct Failed<'a> {
    /// Never true.
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<Cause<'a>>,
}

/// What is wrong with a token, in the words of its own library.
#[derive(Debug, Serialize)]
pub(super) struct Cause<'a> {
    pub(super) name: &'a str,
    pub(super) message: &'a str,
}

/// What any endpoint says, unless it has words of its own.
fn general(error: &AuthError) -> Refusal {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked
        | AuthError::IdentitySuspended
        | AuthError::StepUpRequired { .. }
        | AuthError::Disabled(_) => Refusal::unauthorized(),
        AuthError::VerificationInvalid => Refusal::not_found("Invalid password reset key"),
        AuthError::Throttled { .. } => {
            Refusal::msg(StatusCode::TOO_MANY_REQUESTS, "Too many attempts, try again later.")
        }
        AuthError::Forbidden { .. } => Refusal::msg(StatusCode::FORBIDDEN, "you dont have the required role."),
        AuthError::ApplicationMismatch | AuthError::NotFound(Noun::Membership | Noun::Application) => {
            Refusal::msg(StatusCode::FORBIDDEN, "you dont belong to the project.")
        }
        AuthError::NotFound(_) => Refusal::not_found("Object not found."),
        AuthError::Conflict(noun) => Refusal::msg(StatusCode::CONFLICT, &format!("This {noun} exists already.")),
        AuthError::Invalid(_) => invalid(error, |field| field),
        AuthError::NotSupported(what) => Refusal::msg(StatusCode::FORBIDDEN, &format!("Not enabled here: {what}.")),
        AuthError::Unavailable { .. } => Refusal::msg(StatusCode::SERVICE_UNAVAILABLE, "Busy, try again later."),
        AuthError::Internal(_) => Refusal::json(StatusCode::INTERNAL_SERVER_ERROR, json!({ "err": "error" })),
    }
}

/// Broken rules as a list of fields; values are not shown, for they may be secrets.
pub(super) fn invalid(error: &AuthError, param: fn(&'static str) -> &'static str) -> Refusal {
    let AuthError::Invalid(violations) = error else { return general(error) };
    let errors: Vec<_> =
        violations.iter().map(|broken| FieldError::rule(param(broken.field), broken.rule.to_string())).collect();
    Refusal::fields(&errors)
}

/// Whether the refusal says who somebody is not; from outside all of these look alike.
pub(super) const fn is_about_who(error: &AuthError) -> bool {
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked
        | AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::NotFound(_) => true,
        AuthError::VerificationInvalid
        | AuthError::Throttled { .. }
        | AuthError::StepUpRequired { .. }
        | AuthError::ApplicationMismatch
        | AuthError::Forbidden { .. }
        | AuthError::Conflict(_)
        | AuthError::Invalid(_)
        | AuthError::NotSupported(_)
        | AuthError::Unavailable { .. }
        | AuthError::Internal(_) => false,
    }
}
