//! SIP domains and SIP users: groups of endpoints with a realm, and endpoints that a real SIP server registers.
//!
//! A domain is an [`EndpointGroup`] that has a name of its own in the installation, which is the digest realm too. A user is an
//! [`Endpoint`] whose user name is its address, `login@domain`; no other endpoint's name has an `@`. Its password is the
//! endpoint's sealed secret, so that a new login can be hashed without asking for it again.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    digest::Digests,
    endpoint::{Endpoint, EndpointGroup},
    error::{AuthError, Rule},
    identity::Identity,
    ids::{ApplicationId, EndpointGroupId, IdentityId, ProjectId, SipInvitationId},
    seal::{LookupHash, Sealed},
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// A SIP domain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SipDomain {
    /// Its name and digest realm, unique in the installation and never changed: phones and hashes depend on it.
    pub name: String,
    /// The group that its users are in.
    pub group: Arc<EndpointGroup>,
    /// The application whose people manage it, if it is not the whole project's.
    pub application: Option<ApplicationId>,
    /// Who made it, if an identity did.
    pub created_by: Option<IdentityId>,
}

/// A SIP user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SipUser {
    /// Its name in the domain: what a phone registers as.
    pub login: String,
    /// Who it is.
    pub identity: Identity,
    /// What it is as an endpoint.
    pub endpoint: Endpoint,
    /// Its domain's name.
    pub domain: String,
    /// The application whose people manage its domain.
    pub application: Option<ApplicationId>,
    /// Whether it may call its own domain only; for the SIP server to act on.
    pub same_domain_calls_only: bool,
    /// Its [`Digests`], sealed.
    #[serde(skip)]
    pub digests: Sealed,
}

impl SipUser {
    /// The context that its digests are sealed with.
    pub(crate) fn seal_context(id: IdentityId) -> String {
        format!("sip:{id}")
    }
}

/// What is stored of a SIP user's password beside the endpoint's secret.
#[derive(Clone, Debug)]
pub struct SipKeys {
    /// All hashes, sealed.
    pub digests: Sealed,
    /// What the user is found by when it shows its HA1B.
    pub lookup: LookupHash,
    /// The hashes as they are, for SIP servers that read them from the database; only where the project asked for it.
    pub clear: Option<Digests>,
}

/// An invitation into a SIP domain: whoever has its token may become a user of the domain, once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SipInvitation {
    /// Its id.
    pub id: SipInvitationId,
    /// The group of its domain.
    #[serde(skip)]
    pub group: EndpointGroupId,
    /// What people call it.
    pub name: String,
    /// The digest of its token.
    #[serde(skip)]
    pub digest: TokenDigest,
    /// Who invited.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Which SIP users to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SipUsersOf {
    /// Those of a domain.
    Domain(EndpointGroupId),
    /// Those of a project.
    Project(ProjectId),
    /// All.
    Installation,
}

/// The name of a domain as it must be written: a host name or an IPv4 address in lower case. It is hashed as it is, so no two
/// spellings may name one domain; and it holds no `:`, which would be read as the end of it.
pub fn check_domain(name: &str) -> Result<(), AuthError> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match name.len() {
        0 => Err(AuthError::invalid("domain", Rule::Required)),
        1..3 => Err(AuthError::invalid("domain", Rule::TooShort(3))),
        // The digest realm of coturn's tables has no room for more.
        3..=127 if name.split('.').all(label) => Ok(()),
        3..=127 => Err(AuthError::invalid("domain", Rule::Malformed)),
        _ => Err(AuthError::invalid("domain", Rule::TooLong(127))),
    }
}

/// Storage of SIP domains, users and invitations.
pub trait SipStore {
    /// Makes a group a SIP domain; `false` when the name is taken anywhere in the installation.
    fn insert_sip_domain(&mut self, domain: &SipDomain) -> StoreResult<bool>;
    /// A domain by name.
    fn sip_domain(&mut self, name: &str) -> StoreResult<Option<SipDomain>>;
    /// The same, and nobody else changes or deletes it before this transaction ends.
    fn sip_domain_to_change(&mut self, name: &str) -> StoreResult<Option<SipDomain>>;
    /// Domains of a project, or of one application of it, in order of age, after `after`.
    fn sip_domains(
        &mut self,
        project: ProjectId,
        application: Option<ApplicationId>,
        after: Option<EndpointGroupId>,
        limit: u32,
    ) -> StoreResult<Vec<SipDomain>>;

    /// Makes an endpoint a SIP user.
    fn insert_sip_user(&mut self, user: &SipUser, keys: &SipKeys) -> StoreResult<()>;
    /// Replaces login and what it may call.
    fn update_sip_user(&mut self, user: &SipUser) -> StoreResult<()>;
    /// Replaces what is stored of its password.
    fn put_sip_keys(&mut self, id: IdentityId, keys: &SipKeys) -> StoreResult<()>;
    /// A SIP user.
    fn sip_user(&mut self, id: IdentityId) -> StoreResult<Option<SipUser>>;
    /// A SIP user by login and domain.
    fn sip_user_by_name(&mut self, login: &str, domain: &str) -> StoreResult<Option<SipUser>>;
    /// A SIP user by the keyed hash of its HA1B.
    fn sip_user_by_ha1b(&mut self, lookup: &LookupHash) -> StoreResult<Option<SipUser>>;
    /// SIP users in order of age, after `after`.
    fn sip_users(&mut self, of: SipUsersOf, after: Option<IdentityId>, limit: u32) -> StoreResult<Vec<SipUser>>;

    /// Adds an invitation.
    fn insert_sip_invitation(&mut self, invitation: &SipInvitation) -> StoreResult<()>;
    /// An invitation by id.
    fn sip_invitation(&mut self, id: SipInvitationId) -> StoreResult<Option<SipInvitation>>;
    /// The name of the domain that the open invitation with this token is into, and the invitation.
    fn open_sip_invitation(
        &mut self,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> StoreResult<Option<(String, SipInvitation)>>;
    /// Replaces name and end.
    fn update_sip_invitation(&mut self, invitation: &SipInvitation) -> StoreResult<()>;
    /// Removes an invitation, because it was used or taken back; of concurrent callers exactly one is told `true`.
    fn delete_sip_invitation(&mut self, id: SipInvitationId) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_one_spelling() {
        for good in ["rtc.test", "acme.sip.example.org", "127.0.0.1", "xn--bcher-kva.example", "localhost"] {
            assert!(check_domain(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "RTC.test",
            "rtc.test.",
            ".test",
            "a:b.test",
            "a@b.test",
            "a b.test",
            "-a.test",
            "a..test",
            "é.test",
        ] {
            assert!(check_domain(bad).is_err(), "{bad}");
        }
        assert!(check_domain(&["a"; 64].join(".")).is_ok() && check_domain(&["a"; 65].join(".")).is_err());
    }
}
