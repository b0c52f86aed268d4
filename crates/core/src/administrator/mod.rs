//! Administrators: people who look after the whole installation, with their factors and the sessions of their console.
//!
//! They belong to no project. What their role allows, [`Caller::Administrator`](crate::caller::Caller) turns into permits, so that
//! every operation refuses them as it refuses everybody else.

mod passkey;
mod store;
mod totp;

use std::time::Duration;

pub use self::{
    passkey::{Passkey, PasskeyFault, PasskeyProof, PasskeyRegistration, RelyingParty},
    store::AdministratorStore,
    totp::{Totp, TotpSeed},
};
use crate::{
    caller::{Scope, ScopeSet},
    error::{AuthError, Rule},
    ids::{AdministratorId, ConsoleSessionId},
    seal::Sealed,
    time::Timestamp,
};

/// How long a console session lasts at most (SP 800-63B, AAL2).
pub const SESSION_LIFETIME: Duration = Duration::from_hours(12);
/// How long it lasts without a request.
pub const SESSION_IDLE: Duration = Duration::from_mins(30);
/// How long somebody has for the second factor after the first.
pub const HALF_LIFETIME: Duration = Duration::from_mins(10);
/// How long a one-time link to the console is open.
pub const LINK_LIFETIME: Duration = Duration::from_hours(24);
/// How long a challenge for a passkey is open.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_mins(5);
/// The fewest characters of an administrator's password.
pub const MIN_PASSWORD: usize = 12;
/// How many recovery codes are made at a time.
pub const RECOVERY_CODES: usize = 10;
/// So many passkeys may one administrator have.
pub const MAX_PASSKEYS: usize = 20;
const LONGEST_NAME: usize = 64;

/// What an administrator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See everything that is no secret, change nothing.
    ReadOnly,
    /// Change everything but administrators.
    Operator,
    /// Everything.
    Owner,
}

impl Role {
    /// Every role, the weakest first.
    pub const EACH: [Self; 3] = [Self::ReadOnly, Self::Operator, Self::Owner];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it may change anything but what is its holder's own.
    pub const fn changes(self) -> bool {
        match self {
            Self::ReadOnly => false,
            Self::Operator | Self::Owner => true,
        }
    }

    /// The scopes that follow from it, in every project.
    pub fn scopes(self) -> ScopeSet {
        match self {
            Self::ReadOnly => [Scope::ProjectsRead, Scope::IdentitiesRead].into_iter().collect(),
            Self::Operator => Scope::EACH.into_iter().filter(|scope| *scope != Scope::All).collect(),
            Self::Owner => [Scope::All].into_iter().collect(),
        }
    }
}

/// Somebody who looks after the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// Their id.
    pub id: AdministratorId,
    /// What they sign in by, in lower case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Counts changes, so that a form that was filled in before another's change is refused.
    pub version: i64,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

impl Administrator {
    /// A name as it is stored: trimmed, in lower case, without blanks or control characters.
    pub fn check_name(text: &str) -> Result<String, AuthError> {
        let name = text.trim().to_lowercase();
        if name.is_empty() {
            return Err(AuthError::invalid("name", Rule::Required));
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(AuthError::invalid("name", Rule::TooLong(LONGEST_NAME)));
        }
        if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AuthError::invalid("name", Rule::Malformed));
        }
        Ok(name)
    }
}

/// How far a console session has come. Only a full one is good for anything but getting there (ATTACKS N81).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// By a one-time link, with a new password; a second factor must be enrolled.
    Enrolling,
    /// The password was right, the second factor is asked for.
    Half,
    /// Both were.
    Full,
}

impl Stage {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolling => "enrolling",
            Self::Half => "half",
            Self::Full => "full",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enrolling, Self::Half, Self::Full].into_iter().find(|stage| stage.as_str() == text)
    }
}

/// A session of the console; its token is stored as a digest.
#[derive(Clone, Debug)]
pub struct ConsoleSession {
    /// Its id, to show and to end it by.
    pub id: ConsoleSessionId,
    /// Whose.
    pub administrator: AdministratorId,
    /// How far it has come.
    pub stage: Stage,
    /// By which factors (RFC 8176).
    pub amr: String,
    /// The seed of a TOTP generator that is being enrolled.
    pub pending: Option<Sealed>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used; kept to the minute.
    pub seen_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

impl ConsoleSession {
    /// Whether it still counts.
    pub fn counts(&self, now: Timestamp) -> bool {
        now < self.expires_at && now < self.seen_at + SESSION_IDLE
    }
}

/// What a one-time link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLink {
    /// Whom it lets set a password and factors; nobody yet: the first owner.
    pub administrator: Option<AdministratorId>,
    /// Until when.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_what_the_weaker_one_has_and_only_owners_everything() {
        for pair in Role::EACH.windows(2) {
            assert!(pair[0].scopes().within(&pair[1].scopes()));
            assert!(!pair[1].scopes().within(&pair[0].scopes()));
        }
        assert!(!Role::Operator.scopes().grants(Scope::All));
    }

    #[test]
    fn names_are_in_lower_case_and_without_blanks() {
        assert_eq!(Administrator::check_name(" Ann@Example.org ").unwrap(), "ann@example.org");
        for bad in ["", "  ", "a b", "a\nb", &"x".repeat(65)] {
            assert!(Administrator::check_name(bad).is_err(), "{bad:?}");
        }
    }
}
