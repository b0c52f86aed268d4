//! The words of single endpoints, for refusals that their clients know by them.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use http::StatusCode;
use ringfence_core::error::{AuthError, Noun, Rule};

use super::error::{Cause, Refusal, invalid, is_about_who};

/// No words of its own.
pub(super) fn usual(_: &AuthError) -> Option<Refusal> {
    None
}

/// One text for a wrong password and for an address that nobody has: it must not tell which (ATTACKS N75).
pub(super) fn sign_in(error: &AuthError) -> Option<Refusal> {
    is_about_who(error).then(wrong_password)
}

/// What a password that cannot be right is answered with.
pub(super) fn wrong_password() -> Refusal {
    Refusal::msg(StatusCode::UNAUTHORIZED, "Authentication failed. Wrong password.")
}

pub(super) fn sign_up(error: &AuthError) -> Option<Refusal> {
    matches!(error, AuthError::Conflict(Noun::Identifier))
        .then(|| Refusal::message(StatusCode::FORBIDDEN, "Email already registered"))
}

/// Words of a sign-in that names a project in its body.
pub(super) fn visit(id: &str) -> impl Fn(&AuthError) -> Option<Refusal> {
    move |error| matches!(error, AuthError::NotFound(Noun::Application)).then(|| Refusal::unknown_project(id))
}

/// The gate of every endpoint that asks who is there.
pub(super) fn gate(error: &AuthError) -> Option<Refusal> {
    match not_in_project(error) {
        None => is_about_who(error).then(Refusal::unauthorized),
        refusal => refusal,
    }
}

pub(super) fn custom_token(error: &AuthError) -> Option<Refusal> {
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

pub(super) fn verify_email(error: &AuthError) -> Option<Refusal> {
    let (text, code) = if matches!(error, AuthError::Conflict(Noun::Identity)) {
        ("The verification code belongs to another user", 10006)
    } else if matches!(error, AuthError::VerificationInvalid) || is_about_who(error) {
        ("The verification code is unknown or has expired", 10005)
    } else {
        return None;
    };
    Some(Refusal::error(StatusCode::UNAUTHORIZED, text, code))
}

pub(super) fn change_password(error: &AuthError) -> Option<Refusal> {
    if matches!(error, AuthError::InvalidCredentials) {
        return Some(Refusal::msg(StatusCode::UNAUTHORIZED, "Current password is invalid."));
    }
    let AuthError::Invalid(broken) = error else { return None };
    if broken.iter().any(|broken| broken.rule == Rule::Unchanged) {
        let message = "The new password must be different from the previous one.";
        return Some(Refusal::message(StatusCode::FORBIDDEN, message));
    }
    Some(invalid(error, |_| "newpsw"))
}

/// Words of the dashboard's reset page, which compares this text.
pub(super) fn reset(error: &AuthError) -> Option<Refusal> {
    is_about_who(error).then(|| Refusal::not_found("Invalid password reset key"))
}

pub(super) fn invite(error: &AuthError) -> Option<Refusal> {
    if matches!(error, AuthError::Conflict(Noun::Identity)) {
        let msg = "Forbidden. It is forbidden to invite yourself";
        return Some(Refusal::code(StatusCode::FORBIDDEN, msg, 4000));
    }
    matches!(error, AuthError::Conflict(Noun::Membership))
        .then(|| Refusal::code(StatusCode::FORBIDDEN, "Forbidden. User is already a member", 4001))
}

pub(super) fn decode(error: &AuthError) -> Option<Refusal> {
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
