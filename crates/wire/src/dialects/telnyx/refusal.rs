//! What a refused login is answered with.

#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use ringfence_core::error::AuthError;

/// The code of a refused login. Never -32000: the SDK takes that for "log in again", at once and without end (sheet, row 1).
const REFUSED: i64 = -32001;

/// How a login that was refused is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// By an error; the socket stays open.
    Error(i64, &'static str),
    /// By closing, so that the SDK comes back by itself, with growing pauses.
    TryAgain,
}

/// The answer to a refused login.
pub(super) const fn answer(refusal: &AuthError) -> Answer {
    match refusal {
        AuthError::TokenInvalid(_) | AuthError::TokenExpired | AuthError::SessionRevoked => {
            Answer::Error(REFUSED, "JWT token authentication failed")
        }
        AuthError::InvalidCredentials
        | AuthError::VerificationInvalid
        | AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::StepUpRequired { .. }
        | AuthError::Forbidden { .. }
        | AuthError::ApplicationMismatch
        | AuthError::NotFound(_)
        | AuthError::Invalid(_)
        | AuthError::NotSupported(_) => Answer::Error(REFUSED, "Login Incorrect"),
        AuthError::Throttled { .. } => Answer::Error(REFUSED, "Too many attempts"),
        AuthError::Conflict(_) => Answer::Error(REFUSED, "Another device is logged in"),
        AuthError::Unavailable { .. } | AuthError::Internal(_) => Answer::TryAgain,
    }
}
