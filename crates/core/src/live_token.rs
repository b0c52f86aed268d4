//! What an open connection goes by: the access token that admitted it, and how long that carries it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    caller::ScopeSet,
    error::AuthError,
    identity::IdentityKind,
    ids::{ApplicationId, GuestTargetId, IdentityId, ProjectId, SessionId},
    project::Span,
    time::Timestamp,
};

/// How open connections of an application are treated around the end of their token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SocketPolicy {
    /// How long before that the first warning comes.
    pub warning: AtMost<600>,
    /// How long after that the connection stays, for a new token that is on its way.
    pub grace: AtMost<60>,
    /// Whether a resume ticket counts only in the network that it was given to.
    pub same_network: bool,
}

impl Default for SocketPolicy {
    fn default() -> Self {
        Self { warning: AtMost::seconds(60), grace: AtMost::seconds(10), same_network: false }
    }
}

impl SocketPolicy {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A span of at most so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Span", into = "Span")]
pub struct AtMost<const SECONDS: u64>(Span);

impl<const SECONDS: u64> AtMost<SECONDS> {
    const fn seconds(seconds: u64) -> Self {
        Self(Span::seconds(seconds))
    }

    /// The span as a duration.
    pub const fn duration(self) -> Duration {
        self.0.duration()
    }
}

impl<const SECONDS: u64> TryFrom<Span> for AtMost<SECONDS> {
    type Error = String;

    fn try_from(span: Span) -> Result<Self, String> {
        let most = Span::seconds(SECONDS);
        if span > most { Err(format!("this span is at most {most}")) } else { Ok(Self(span)) }
    }
}

impl<const SECONDS: u64> From<AtMost<SECONDS>> for Span {
    fn from(span: AtMost<SECONDS>) -> Self {
        span.0
    }
}

/// For so long after a sign-in nobody is asked to sign in again before they do something that matters.
pub(crate) const RECENT: Duration = Duration::from_mins(15);

/// Refuses whoever proved who they are too long ago; says how long the proof still counts.
pub(crate) fn require_recent(proved_at: Timestamp, now: Timestamp) -> Result<Duration, AuthError> {
    RECENT.checked_sub(now.since(proved_at)).ok_or(AuthError::StepUpRequired { acr: "recent" })
}

/// The access token that an open connection goes by, and the rights that came with it.
#[derive(Clone, Debug)]
pub struct LiveToken {
    pub(crate) project: ProjectId,
    pub(crate) application: Option<ApplicationId>,
    pub(crate) identity: IdentityId,
    pub(crate) session: SessionId,
    pub(crate) kind: IdentityKind,
    pub(crate) confined: bool,
    pub(crate) target: Option<GuestTargetId>,
    pub(crate) scopes: ScopeSet,
    pub(crate) auth_time: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// It came with a resume ticket and waits for a token.
    pub(crate) provisional: bool,
    pub(crate) socket: SocketPolicy,
}

/// Why a token may not take the place of the one that a connection goes by.
#[derive(Debug, thiserror::Error)]
pub enum UpdateRefusal {
    /// It is somebody else's: the connection ends, for two people are behind it.
    #[error("the token is of another subject")]
    SubjectChanged,
    /// It was issued before the one that is there.
    #[error("the token is older than the one that is there")]
    Older,
    /// It allows more than the connection was admitted with.
    #[error("the token allows more than the one that is there")]
    Wider,
    /// It would not be admitted at all, or is of another application.
    #[error(transparent)]
    Refused(#[from] AuthError),
}

impl UpdateRefusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SubjectChanged => "subject_changed",
            Self::Older => "token_older",
            Self::Wider => "token_wider",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl LiveToken {
    /// How long ago the last sign-in may be for something that matters.
    pub const MAX_AGE: Duration = RECENT;

    /// Its session.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Whose it is.
    pub const fn identity(&self) -> IdentityId {
        self.identity
    }

    /// The application that it is for.
    pub const fn application(&self) -> Option<ApplicationId> {
        self.application
    }

    /// When it ends: by itself, or with its session.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How the application treats open connections around that time.
    pub const fn socket(&self) -> SocketPolicy {
        self.socket
    }

    /// Whether whoever holds it signed in recently enough for something that matters, and how long that lasts.
    pub fn require_recent(&self, now: Timestamp) -> Result<Duration, AuthError> {
        require_recent(self.auth_time, now)
    }

    /// Whether `next` may take its place: renew or narrow, and nothing else (ATTACKS N49–N52).
    pub(crate) fn may_become(&self, next: &Self) -> Result<(), UpdateRefusal> {
        if (next.project, next.identity) != (self.project, self.identity) {
            return Err(UpdateRefusal::SubjectChanged);
        }
        if next.application != self.application {
            return Err(AuthError::ApplicationMismatch.into());
        }
        if next.issued_at < self.issued_at {
            return Err(UpdateRefusal::Older);
        }
        // Without a target a guest reaches nothing.
        let same_reach = next.target.is_none() || next.target == self.target;
        let wider = !next.scopes.within(&self.scopes) || !same_reach || (self.confined && !next.confined);
        if wider { Err(UpdateRefusal::Wider) } else { Ok(()) }
    }
}
