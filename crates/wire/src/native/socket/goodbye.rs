//! Good-byes: each says whether to come back, with another token or not at all.

use std::time::Duration;

use ringfence_core::{
    error::{AuthError, TokenFault},
    live_token::UpdateRefusal,
    resume::ResumeRefusal,
};
use serde::Serialize;

use crate::{
    live::{Directive, Ending},
    pump::Close,
};

/// What the other end should do after a good-bye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// Come back as it is.
    Retry,
    /// Get another access token, then come back.
    Refresh,
    /// Stay away until somebody does something.
    Stop,
}

/// A good-bye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goodbye {
    pub(super) code: u16,
    /// A stable code.
    pub(super) reason: &'static str,
    pub(super) action: Action,
    /// When to do it at the earliest.
    pub(super) after: Duration,
}

/// Whoever sends too much stays away for a while.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// What does not answer may answer then.
const UNAVAILABLE: Duration = Duration::from_secs(5);

impl Goodbye {
    const fn refresh(reason: &'static str) -> Self {
        Self { code: 4401, reason, action: Action::Refresh, after: Duration::ZERO }
    }

    pub(super) const fn stop(reason: &'static str) -> Self {
        Self { code: 4403, reason, action: Action::Stop, after: Duration::ZERO }
    }

    const fn retry(code: u16, reason: &'static str, after: Duration) -> Self {
        Self { code, reason, action: Action::Retry, after }
    }

    /// The close frame.
    pub(super) const fn close(self) -> Close {
        Close { code: self.code, reason: self.reason }
    }

    /// For whoever is not admitted.
    pub(super) fn to_refused(refusal: &AuthError) -> Self {
        let code = refusal.code();
        match refusal {
            // With a key that is gone or not known yet, and before its time, a new one is better.
            AuthError::TokenExpired | AuthError::TokenInvalid(TokenFault::Key | TokenFault::NotYet) => {
                Self::refresh(code)
            }
            AuthError::Conflict(_) => {
                Self { code: 4409, reason: "already_connected", action: Action::Stop, after: Duration::ZERO }
            }
            AuthError::Throttled { .. } => Self::retry(4429, code, COOL_DOWN),
            AuthError::Unavailable { .. } | AuthError::Internal(_) => Self::retry(1013, code, UNAVAILABLE),
            AuthError::InvalidCredentials
            | AuthError::TokenInvalid(_)
            | AuthError::SessionRevoked
            | AuthError::VerificationInvalid
            | AuthError::IdentitySuspended
            | AuthError::Disabled(_)
            | AuthError::StepUpRequired { .. }
            | AuthError::ApplicationMismatch
            | AuthError::Forbidden { .. }
            | AuthError::NotFound(_)
            | AuthError::Invalid(_)
            | AuthError::NotSupported(_) => Self::stop(code),
        }
    }

    /// For whoever may not come back so.
    pub(super) fn to_stranger(refusal: &ResumeRefusal) -> Self {
        match refusal {
            ResumeRefusal::Used | ResumeRefusal::Elsewhere => Self::stop(refusal.code()),
            ResumeRefusal::Refused(refusal) => Self::to_refused(refusal),
        }
    }

    /// After a refused token; none when the old one goes on.
    pub(super) const fn after_update(refusal: &UpdateRefusal) -> Option<Self> {
        match refusal {
            UpdateRefusal::SubjectChanged => Some(Self::stop(refusal.code())),
            UpdateRefusal::Older | UpdateRefusal::Wider | UpdateRefusal::Refused(_) => None,
        }
    }

    /// What a directive means; none when the connection goes on, or cannot be told anything any more.
    pub(super) const fn on(directive: &Directive) -> Option<Self> {
        Some(match directive {
            Directive::Ended(Ending::Expired) => Self::refresh("token_expired"),
            Directive::Ended(Ending::Revoked(_)) => Self::stop("session_revoked"),
            Directive::TakenOver => {
                Self { code: 4410, reason: "taken_over", action: Action::Stop, after: Duration::ZERO }
            }
            Directive::Draining { retry_after } => Self::retry(1012, "restarting", *retry_after),
            Directive::CutOff { retry_after } => Self::retry(1013, "cut_off", *retry_after),
            Directive::Overdue => Self::retry(4408, "auth_timeout", Duration::ZERO),
            Directive::Silent => Self::retry(4408, "silent", Duration::ZERO),
            Directive::Flooding => Self::retry(4429, "too_many_messages", COOL_DOWN),
            Directive::Guessing => Self::retry(4429, "too_many_attempts", COOL_DOWN),
            Directive::TooSlow => Self::retry(4429, "not_reading", COOL_DOWN),
            Directive::Deliver(_) | Directive::Tick | Directive::ExpiresIn(_) | Directive::Stuck => return None,
        })
    }
}
