//! Every refusal of the domain, closed, with stable codes.
//!
//! A face renders it by an exhaustive match: a new refusal does not compile until each face has decided what to say.

use std::fmt;

use crate::{caller::Scope, time::Timestamp};

/// The cause behind a failure that is nobody's fault outside. Logged, never rendered.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Wrong password, unknown identifier, unusable credential: never says which part.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// The token was refused for what it is.
    #[error("the token was refused: {0}")]
    TokenInvalid(TokenFault),
    /// The token's time is over; the same answer one second and one year later.
    #[error("the token has expired")]
    TokenExpired,
    /// The session behind the token was ended.
    #[error("the session was revoked")]
    SessionRevoked,
    /// The one-time secret is unknown, used, superseded or expired.
    #[error("the verification is not open")]
    VerificationInvalid,
    /// The identity is suspended, locked or erased.
    #[error("the identity may not sign in")]
    IdentitySuspended,
    /// The project or the application is switched off.
    #[error("this {0} is disabled")]
    Disabled(Noun),
    /// Too many failures, or too much work waiting.
    #[error("too many attempts")]
    Throttled {
        /// When another attempt may succeed.
        retry_at: Timestamp,
    },
    /// The session is genuine but not strong enough for this.
    #[error("stronger authentication is needed: {acr}")]
    StepUpRequired {
        /// The authentication context class to reach.
        acr: &'static str,
    },
    /// The request names another application than its credential is good for.
    #[error("the credential is not for this application")]
    ApplicationMismatch,
    /// The caller is known and lacks the right.
    #[error("not permitted, needs {needs}")]
    Forbidden {
        /// The scope that would permit it.
        needs: Scope,
    },
    /// There is no such thing, or it belongs to someone else.
    #[error("there is no such {0}")]
    NotFound(Noun),
    /// It exists already.
    #[error("this {0} exists already")]
    Conflict(Noun),
    /// The input breaks rules; all of them are listed.
    #[error("the input is invalid")]
    Invalid(Vec<Violation>),
    /// This installation or project does not offer it.
    #[error("{0} is not supported here")]
    NotSupported(&'static str),
    /// Something we depend on does not answer; the caller may retry.
    #[error("{what} is unavailable")]
    Unavailable {
        /// What did not answer.
        what: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A defect or a broken invariant.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

impl AuthError {
    /// The stable code, part of the API (docs/status-codes.md).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::TokenInvalid(fault) => fault.code(),
            Self::TokenExpired => "token_expired",
            Self::SessionRevoked => "session_revoked",
            Self::VerificationInvalid => "verification_invalid",
            Self::IdentitySuspended => "identity_suspended",
            Self::Disabled(_) => "disabled",
            Self::Throttled { .. } => "throttled",
            Self::StepUpRequired { .. } => "step_up_required",
            Self::ApplicationMismatch => "app_mismatch",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::NotSupported(_) => "not_supported",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// One violation of one field.
    pub fn invalid(field: &'static str, rule: Rule) -> Self {
        Self::Invalid(vec![Violation { field, rule }])
    }

    /// A defect, with its cause.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }
}

/// What is wrong with a token (RFC 8725); the code is the stable one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Not a compact JWS, or its JSON is not strict.
    Malformed,
    /// The algorithm is not the one pinned to the key.
    Algorithm,
    /// The key is unknown, or the header tries to bring its own.
    Key,
    /// The signature does not verify.
    Signature,
    /// Another issuer.
    Issuer,
    /// Another audience.
    Audience,
    /// A token of another kind.
    Type,
    /// A claim is missing or of the wrong JSON type.
    Claims,
    /// Not valid yet.
    NotYet,
    /// Lives longer than its profile allows.
    Lifetime,
    /// An opaque token that nobody issued.
    Unknown,
}

impl TokenFault {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_alg",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Type => "token_type",
            Self::Claims => "token_claims",
            Self::NotYet => "token_not_yet",
            Self::Lifetime => "token_lifetime",
            Self::Unknown => "token_unknown",
        }
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<TokenFault> for AuthError {
    fn from(fault: TokenFault) -> Self {
        Self::TokenInvalid(fault)
    }
}

/// A kind of thing, for `NotFound`, `Conflict` and `Disabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A project.
    Project,
    /// An application.
    Application,
    /// An identity.
    Identity,
    /// An identifier, such as an e-mail address.
    Identifier,
    /// A credential.
    Credential,
    /// A trusted issuer.
    Issuer,
    /// A session.
    Session,
    /// A membership.
    Membership,
    /// An invitation.
    Invitation,
    /// A signing key.
    SigningKey,
    /// A guest target.
    GuestTarget,
    /// A group of endpoints.
    EndpointGroup,
    /// A SIP domain.
    SipDomain,
    /// A webhook.
    Webhook,
    /// Something that a webhook was to be told.
    Delivery,
    /// An administrator.
    Administrator,
    /// A passkey of an administrator.
    Passkey,
    /// An address that nothing answers at.
    Endpoint,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::Application => "application",
            Self::Identity => "identity",
            Self::Identifier => "identifier",
            Self::Credential => "credential",
            Self::Issuer => "trusted issuer",
            Self::Session => "session",
            Self::Membership => "membership",
            Self::Invitation => "invitation",
            Self::SigningKey => "signing key",
            Self::GuestTarget => "guest target",
            Self::EndpointGroup => "endpoint group",
            Self::SipDomain => "SIP domain",
            Self::Webhook => "webhook",
            Self::Delivery => "delivery",
            Self::Administrator => "administrator",
            Self::Passkey => "passkey",
            Self::Endpoint => "endpoint",
        })
    }
}

/// One broken rule of one input field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's name in the domain.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: Rule,
}

/// Rules that input can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Must be there.
    Required,
    /// Not of the expected shape.
    Malformed,
    /// Shorter than this many characters.
    TooShort(usize),
    /// Longer than this many characters.
    TooLong(usize),
    /// On the list of common passwords, or made of the user's own name or address.
    Common,
    /// There are this many already.
    TooMany(u64),
    /// The same as the present one.
    Unchanged,
    /// A key that is too weak to trust.
    KeyTooWeak,
    /// A key that was refused for its form.
    KeyRejected,
}

impl Rule {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Malformed => "malformed",
            Self::TooShort(_) => "too_short",
            Self::TooLong(_) => "too_long",
            Self::Common => "common",
            Self::TooMany(_) => "too_many",
            Self::Unchanged => "unchanged",
            Self::KeyTooWeak => "key_too_weak",
            Self::KeyRejected => "key_rejected",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("is required"),
            Self::Malformed => f.write_str("is malformed"),
            Self::TooShort(least) => write!(f, "needs at least {least} characters"),
            Self::TooLong(most) => write!(f, "may have at most {most} characters"),
            Self::Common => f.write_str("is too easy to guess"),
            Self::TooMany(most) => write!(f, "is used {most} times already"),
            Self::Unchanged => f.write_str("must differ from the present one"),
            Self::KeyTooWeak => f.write_str("is too weak: at least 32 bytes of a random generator"),
            Self::KeyRejected => f.write_str("is not a usable key"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}
