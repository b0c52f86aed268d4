//! Refusals in the shapes of each endpoint: `success:false` with `msg`, with `message` or with `error`, plain words, or a
//! list of fields. [`general`] has an answer for every refusal; an endpoint's own [`words`] come first.
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
    fn message(status: StatusCode, message: &str) -> Self {
        Self::json(status, Failed { message: Some(message), ..Failed::default() })
    }

    /// The usual shape with a number that its dashboard knows.
    fn code(status: StatusCode, msg: &str, code: u32) -> Self {
        Self::json(status, Failed { msg: Some(msg), code: Some(code), ..Failed::default() })
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

    /// A project id that is none.
    pub(super) fn invalid_project(id: &str) -> Self {
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
    name: &'a str,
    message: &'a str,
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
        AuthError::NotFound(Noun::Membership | Noun::Application) => {
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
fn invalid(error: &AuthError, param: fn(&'static str) -> &'static str) -> Refusal {
    let AuthError::Invalid(violations) = error else { return general(error) };
    let errors: Vec<_> =
        violations.iter().map(|broken| FieldError::rule(param(broken.field), broken.rule.to_string())).collect();
    Refusal::fields(&errors)
}

/// Whether the refusal says who somebody is not; from outside all of these look alike.
const fn is_about_who(error: &AuthError) -> bool {
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
        | AuthError::Forbidden { .. }
        | AuthError::Conflict(_)
        | AuthError::Invalid(_)
        | AuthError::NotSupported(_)
        | AuthError::Unavailable { .. }
        | AuthError::Internal(_) => false,
    }
}

/// The words of single endpoints.
pub(super) mod words {
    use ringfence_core::error::{AuthError, Noun, Rule};

    use super::{Cause, Failed, Refusal, StatusCode, is_about_who};

    /// No words of its own.
    pub(in super::super) fn usual(_: &AuthError) -> Option<Refusal> {
        None
    }

    /// One text for a wrong password and for an address that nobody has: it must not tell which (ATTACKS N75).
    pub(in super::super) fn sign_in(error: &AuthError) -> Option<Refusal> {
        is_about_who(error).then(wrong_password)
    }

    /// What a password that cannot be right is answered with.
    pub(in super::super) fn wrong_password() -> Refusal {
        Refusal::msg(StatusCode::UNAUTHORIZED, "Authentication failed. Wrong password.")
    }

    pub(in super::super) fn sign_up(error: &AuthError) -> Option<Refusal> {
        matches!(error, AuthError::Conflict(Noun::Identifier))
            .then(|| Refusal::message(StatusCode::FORBIDDEN, "Email already registered"))
    }

    /// Words of a sign-in that names a project in its body.
    pub(in super::super) fn visit(id: &str) -> impl Fn(&AuthError) -> Option<Refusal> {
        move |error| matches!(error, AuthError::NotFound(Noun::Application)).then(|| Refusal::unknown_project(id))
    }

    /// The gate of every endpoint that asks who is there.
    pub(in super::super) fn gate(error: &AuthError) -> Option<Refusal> {
        match not_in_project(error) {
            None => is_about_who(error).then(Refusal::unauthorized),
            refusal => refusal,
        }
    }

    pub(in super::super) fn custom_token(error: &AuthError) -> Option<Refusal> {
        if matches!(error, AuthError::Disabled(Noun::Membership)) {
            let msg = "Authentication failed. Project_user not active.";
            return Some(Refusal::msg(StatusCode::UNAUTHORIZED, msg));
        }
        match not_in_project(error) {
            None => is_about_who(error).then(Refusal::unauthorized_token),
            refusal => refusal,
        }
    }

    /// A project's word for an account that has nothing to do with it.
    fn not_in_project(error: &AuthError) -> Option<Refusal> {
        matches!(error, AuthError::Conflict(Noun::Identity))
            .then(|| Refusal::msg(StatusCode::FORBIDDEN, "you dont belong to the project."))
    }

    pub(in super::super) fn verify_email(error: &AuthError) -> Option<Refusal> {
        let (text, code) = if matches!(error, AuthError::Conflict(Noun::Identity)) {
            ("The verification code belongs to another user", 10006)
        } else if matches!(error, AuthError::VerificationInvalid) || is_about_who(error) {
            ("The verification code is unknown or has expired", 10005)
        } else {
            return None;
        };
        let body = Failed { error: Some(text), error_code: Some(code), ..Failed::default() };
        Some(Refusal::json(StatusCode::UNAUTHORIZED, body))
    }

    pub(in super::super) fn change_password(error: &AuthError) -> Option<Refusal> {
        if matches!(error, AuthError::InvalidCredentials) {
            return Some(Refusal::msg(StatusCode::UNAUTHORIZED, "Current password is invalid."));
        }
        let AuthError::Invalid(broken) = error else { return None };
        if broken.iter().any(|broken| broken.rule == Rule::Unchanged) {
            let message = "The new password must be different from the previous one.";
            return Some(Refusal::message(StatusCode::FORBIDDEN, message));
        }
        Some(super::invalid(error, |_| "newpsw"))
    }

    /// Words of the dashboard's reset page, which compares this text.
    pub(in super::super) fn reset(error: &AuthError) -> Option<Refusal> {
        is_about_who(error).then(|| Refusal::not_found("Invalid password reset key"))
    }

    pub(in super::super) fn invite(error: &AuthError) -> Option<Refusal> {
        if matches!(error, AuthError::Conflict(Noun::Identity)) {
            let msg = "Forbidden. It is forbidden to invite yourself";
            return Some(Refusal::code(StatusCode::FORBIDDEN, msg, 4000));
        }
        matches!(error, AuthError::Conflict(Noun::Membership))
            .then(|| Refusal::code(StatusCode::FORBIDDEN, "Forbidden. User is already a member", 4001))
    }

    pub(in super::super) fn decode(error: &AuthError) -> Option<Refusal> {
        if matches!(error, AuthError::NotFound(Noun::Issuer)) {
            return Some(Refusal::not_found("Project hasnt  a jwtSecret"));
        }
        if matches!(error, AuthError::TokenExpired) {
            let expired = Cause { name: "TokenExpiredError", message: "jwt expired" };
            return Some(Refusal::undecodable("The token has expired.", Some(expired)));
        }
        let AuthError::TokenInvalid(fault) = error else { return None };
        let refused = Cause { name: "JsonWebTokenError", message: fault.code() };
        Some(Refusal::undecodable("The token was refused.", Some(refused)))
    }
}
