//! Who asks, and what that allows.
//!
//! An operation on other people's data takes a [`Permit`], and only [`Caller::permit`] makes one.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    error::AuthError,
    ids::{AdministratorId, CredentialId, IdentityId, ProjectId},
};

/// A right that a caller may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Every right in the project.
    #[serde(rename = "*")]
    All,
    /// See projects, applications and their configuration.
    #[serde(rename = "projects:read")]
    ProjectsRead,
    /// Change projects, applications, trusted issuers and guest targets.
    #[serde(rename = "projects:write")]
    ProjectsWrite,
    /// See identities and their sessions.
    #[serde(rename = "identities:read")]
    IdentitiesRead,
    /// Create, suspend and erase identities.
    #[serde(rename = "identities:write")]
    IdentitiesWrite,
    /// See and end sessions.
    #[serde(rename = "sessions:write")]
    SessionsWrite,
    /// Create and revoke credentials and API keys.
    #[serde(rename = "credentials:write")]
    CredentialsWrite,
    /// Issue tokens for endpoints.
    #[serde(rename = "tokens:issue")]
    TokensIssue,
    /// Ask about tokens.
    #[serde(rename = "tokens:introspect")]
    TokensIntrospect,
    /// Rotate and rewrap keys.
    #[serde(rename = "keys:write")]
    KeysWrite,
    /// Ask for the digests of SIP users: for SIP servers.
    #[serde(rename = "sip:lookup")]
    SipLookup,
    /// Get credentials for relays of media.
    #[serde(rename = "turn:issue")]
    TurnIssue,
    /// Hear of security events.
    #[serde(rename = "events:read")]
    EventsRead,
}

impl Scope {
    /// Every scope there is.
    pub const EACH: [Self; 13] = [
        Self::All,
        Self::ProjectsRead,
        Self::ProjectsWrite,
        Self::IdentitiesRead,
        Self::IdentitiesWrite,
        Self::SessionsWrite,
        Self::CredentialsWrite,
        Self::TokensIssue,
        Self::TokensIntrospect,
        Self::KeysWrite,
        Self::SipLookup,
        Self::TurnIssue,
        Self::EventsRead,
    ];

    /// The scope's text, as in API keys and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "*",
            Self::ProjectsRead => "projects:read",
            Self::ProjectsWrite => "projects:write",
            Self::IdentitiesRead => "identities:read",
            Self::IdentitiesWrite => "identities:write",
            Self::SessionsWrite => "sessions:write",
            Self::CredentialsWrite => "credentials:write",
            Self::TokensIssue => "tokens:issue",
            Self::TokensIntrospect => "tokens:introspect",
            Self::KeysWrite => "keys:write",
            Self::SipLookup => "sip:lookup",
            Self::TurnIssue => "turn:issue",
            Self::EventsRead => "events:read",
        }
    }

    /// Reads a scope's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes; empty for people who only speak for themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Whether the set grants `scope`, by itself or by `*`.
    pub fn grants(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || self.0.contains(&Scope::All)
    }

    /// Whether every scope of `self` is granted by `wider`.
    pub fn within(&self, wider: &Self) -> bool {
        self.0.iter().all(|scope| wider.grants(*scope))
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Who asks for an operation.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Whoever can run commands on the machine beside its database and master key.
    Operator,
    /// A holder of an API key.
    ApiKey {
        /// The key.
        credential: CredentialId,
        /// Its project.
        project: ProjectId,
        /// What it may do.
        scopes: ScopeSet,
    },
    /// A signed-in identity.
    Identity {
        /// The identity.
        identity: IdentityId,
        /// Its project.
        project: ProjectId,
        /// What its session may do beyond its own data.
        scopes: ScopeSet,
    },
    /// An administrator at the console, who looks after every project.
    Administrator {
        /// Who.
        administrator: AdministratorId,
        /// What follows from their role.
        scopes: ScopeSet,
    },
}

impl Caller {
    /// Proves that the caller may use `scope` in `project`.
    pub fn permit(&self, scope: Scope, project: ProjectId) -> Result<Permit, AuthError> {
        let allowed = match self {
            Self::Operator => true,
            Self::ApiKey { project: own, scopes, .. } | Self::Identity { project: own, scopes, .. } => {
                *own == project && scopes.grants(scope)
            }
            Self::Administrator { scopes, .. } => scopes.grants(scope),
        };
        if !allowed {
            return Err(AuthError::Forbidden { needs: scope });
        }
        let holds = match self {
            Self::Operator => [Scope::All].into_iter().collect(),
            Self::ApiKey { scopes, .. } | Self::Identity { scopes, .. } | Self::Administrator { scopes, .. } => {
                scopes.clone()
            }
        };
        Ok(Permit { project, actor: self.actor(), holds })
    }

    /// Proves that the caller may change the installation as a whole: the operator, and administrators who change projects.
    pub fn permit_installation(&self) -> Result<InstallationPermit, AuthError> {
        self.over_installation(Scope::ProjectsWrite)?;
        Ok(InstallationPermit { actor: self.actor() })
    }

    /// Proves that the caller may see which projects there are.
    pub fn view_installation(&self) -> Result<InstallationView, AuthError> {
        self.over_installation(Scope::ProjectsRead)?;
        Ok(InstallationView { _private: () })
    }

    fn over_installation(&self, needs: Scope) -> Result<(), AuthError> {
        match self {
            Self::Operator => Ok(()),
            Self::Administrator { scopes, .. } if scopes.grants(needs) => Ok(()),
            Self::Administrator { .. } | Self::ApiKey { .. } | Self::Identity { .. } => {
                Err(AuthError::Forbidden { needs })
            }
        }
    }

    /// How the audit log names the caller.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor::Operator,
            Self::ApiKey { credential, .. } => Actor::ApiKey(*credential),
            Self::Identity { identity, .. } => Actor::Identity(*identity),
            Self::Administrator { administrator, .. } => Actor::Administrator(*administrator),
        }
    }
}

/// Proof that its holder may act in a project; made by [`Caller::permit`] and by role checks of an application.
#[derive(Clone, Debug)]
pub struct Permit {
    project: ProjectId,
    actor: Actor,
    holds: ScopeSet,
}

impl Permit {
    /// A permit earned otherwise than by scope, inside core only.
    pub(crate) fn earned(project: ProjectId, actor: Actor) -> Self {
        Self { project, actor, holds: ScopeSet::default() }
    }

    /// Refuses scopes that its holder does not have and so cannot hand on.
    pub(crate) fn may_hand_on(&self, scopes: &ScopeSet) -> Result<(), AuthError> {
        match scopes.iter().find(|scope| !self.holds.grants(*scope)) {
            Some(needs) => Err(AuthError::Forbidden { needs }),
            None => Ok(()),
        }
    }

    /// Refuses a holder who lacks another scope that the case at hand needs, too.
    pub(crate) fn must_hold(&self, needs: Scope) -> Result<(), AuthError> {
        if self.holds.grants(needs) { Ok(()) } else { Err(AuthError::Forbidden { needs }) }
    }

    /// Refuses whoever may not look after administrators.
    pub(crate) fn over_administrators(&self) -> Result<(), AuthError> {
        if self.project != ProjectId::INSTALLATION {
            return Err(AuthError::Forbidden { needs: Scope::All });
        }
        self.must_hold(Scope::All)
    }

    /// The project it is for.
    pub const fn project(&self) -> ProjectId {
        self.project
    }

    /// Who earned it.
    pub const fn actor(&self) -> Actor {
        self.actor
    }
}

/// Proof that its holder may change the installation as a whole.
#[derive(Clone, Debug)]
pub struct InstallationPermit {
    actor: Actor,
}

impl InstallationPermit {
    /// Who earned it.
    pub const fn actor(&self) -> Actor {
        self.actor
    }
}

/// Proof that its holder may see which projects there are.
#[derive(Clone, Debug)]
pub struct InstallationView {
    _private: (),
}

impl From<&InstallationPermit> for InstallationView {
    fn from(_: &InstallationPermit) -> Self {
        Self { _private: () }
    }
}

/// Who did something, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator at the machine.
    Operator,
    /// Ringfence itself, such as a sweep.
    System,
    /// Somebody who has not proved anything yet.
    Anonymous,
    /// An API key.
    ApiKey(CredentialId),
    /// An identity.
    Identity(IdentityId),
    /// An administrator at the console.
    Administrator(AdministratorId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::Identity(id) => write!(f, "identity:{id}"),
            Self::Administrator(id) => write!(f, "administrator:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::OsEntropy, time::Timestamp};

    #[test]
    fn a_permit_needs_the_scope_and_the_project() {
        let [own, other] = [1, 2].map(|ms| ProjectId::mint(Timestamp::from_millis(ms), &OsEntropy));
        let caller = Caller::ApiKey {
            credential: CredentialId::mint(Timestamp::default(), &OsEntropy),
            project: own,
            scopes: [Scope::SessionsWrite].into_iter().collect(),
        };
        assert!(caller.permit(Scope::SessionsWrite, own).is_ok());
        assert!(caller.permit(Scope::SessionsWrite, other).is_err());
        assert!(caller.permit(Scope::KeysWrite, own).is_err());
        assert!(caller.permit_installation().is_err());
    }

    #[test]
    fn every_scope_reads_back() {
        for scope in Scope::EACH {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
    }
}
