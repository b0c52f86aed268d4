//! Refusals on their way out: a handler gives one up with `?`, the guard makes a page of it in the language of its reader.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ringfence_core::error::{AuthError, Rule};

use super::words::Words;
use crate::problem;

/// A refusal of a console page.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// An operation refused.
    Refused(Arc<AuthError>),
    /// The present password was not shown, or another one (ATTACKS N78).
    Unconfirmed,
    /// The form did not come from a page of this session.
    Forged,
    /// The form is not one.
    Malformed,
}

/// What a handler of a page gives.
pub(super) type Answer = Result<Response, Fault>;

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        Self::Refused(Arc::new(error))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Fault {
    /// The status of the page that says it.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            // Somebody who has the password and nothing more is nobody yet (ATTACKS N81).
            Self::Refused(error) if matches!(**error, AuthError::StepUpRequired { .. }) => StatusCode::UNAUTHORIZED,
            Self::Refused(error) => problem::status(error),
            Self::Unconfirmed | Self::Forged => StatusCode::FORBIDDEN,
            Self::Malformed => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// What it is called in the page, for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => match **error {
                AuthError::StepUpRequired { .. } => "mfa_required",
                ref other => other.code(),
            },
            Self::Unconfirmed => "password_required",
            Self::Forged => "form_not_ours",
            Self::Malformed => "form_malformed",
        }
    }

    /// Logs it once, as every refusal is.
    pub(super) fn log(&self) {
        match self {
            Self::Refused(error) => problem::log_refusal(error),
            other => tracing::info!(code = other.code(), "refused"),
        }
    }

    /// What it says.
    pub(super) fn says(&self, words: &Words) -> String {
        match self {
            Self::Refused(error) => match &**error {
                AuthError::Invalid(violations) => {
                    violations.iter().map(|found| rule(words, found.rule)).collect::<Vec<_>>().join(" ")
                }
                AuthError::Forbidden { .. } | AuthError::ApplicationMismatch => words.not_allowed.to_owned(),
                AuthError::NotFound(_) => words.not_there.to_owned(),
                AuthError::Conflict(_) => words.stale.to_owned(),
                AuthError::Throttled { .. } => words.too_many.to_owned(),
                AuthError::InvalidCredentials | AuthError::VerificationInvalid => words.wrong.to_owned(),
                AuthError::StepUpRequired { .. } => words.factor_missing.to_owned(),
                AuthError::TokenInvalid(_) | AuthError::TokenExpired | AuthError::SessionRevoked => {
                    words.signed_out.to_owned()
                }
                AuthError::IdentitySuspended | AuthError::Disabled(_) | AuthError::NotSupported(_) => {
                    words.not_possible.to_owned()
                }
                AuthError::Unavailable { .. } | AuthError::Internal(_) => words.failed.to_owned(),
            },
            Self::Unconfirmed => words.unconfirmed.to_owned(),
            Self::Forged => words.forged.to_owned(),
            Self::Malformed => words.malformed.to_owned(),
        }
    }
}

fn rule(words: &Words, rule: Rule) -> String {
    match rule {
        Rule::TooShort(least) => words.too_short.replace("{}", &least.to_string()),
        Rule::TooLong(most) => words.too_long.replace("{}", &most.to_string()),
        Rule::Common => words.too_common.to_owned(),
        Rule::Required => words.required.to_owned(),
        Rule::Malformed | Rule::TooMany(_) | Rule::Unchanged | Rule::KeyTooWeak | Rule::KeyRejected => {
            words.malformed.to_owned()
        }
    }
}
