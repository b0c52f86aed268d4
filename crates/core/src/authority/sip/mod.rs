//! SIP domains and users: made and changed here; asked for by SIP servers; a way in over HTTP.

use std::sync::Arc;

use crate::{
    digest::Digests,
    entropy::SharedEntropy,
    error::{AuthError, Noun},
    ids::{ApplicationId, IdentityId, ProjectId},
    project::Project,
    seal::{LookupHash, Sealer},
    secret::Password,
    sip::{SipDomain, SipKeys, SipUser, SipUsersOf},
    store::Tx,
};

mod domains;
mod gate;
mod invitations;
mod lookup;
mod users;

pub use domains::{SipDomainChange, SipDomainRequest};
pub use invitations::{MintedSipInvitation, SipInvitationChange, SipInvitationRequest};
pub use lookup::{SipEntry, SipName};
pub use users::{SipUserChange, SipUserRequest};

/// The place of the keyed hashes that users are found by.
const HA1B: &str = "ha1b";
/// Rows per page of a walk through all users.
const STEP: u32 = 1000;

/// A domain as a request names it.
#[derive(Clone, Debug)]
pub struct SipDomainRef {
    /// Its name.
    pub name: String,
    /// The application whose domains alone are meant; others are as good as absent.
    pub of: Option<ApplicationId>,
}

impl SipDomainRef {
    /// Whatever domain of the project has this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), of: None }
    }

    fn admits(&self, found: &SipDomain, project: ProjectId) -> bool {
        found.group.project == project && self.of.is_none_or(|of| found.application == Some(of))
    }

    /// The domain that is meant; another project's or application's is as good as none (ATTACKS N89).
    fn find(&self, tx: &mut dyn Tx, project: ProjectId) -> Result<SipDomain, AuthError> {
        tx.sip_domain(&self.name)?
            .filter(|found| self.admits(found, project))
            .ok_or(AuthError::NotFound(Noun::SipDomain))
    }

    /// The same, held until this transaction ends.
    fn find_to_change(&self, tx: &mut dyn Tx, project: ProjectId) -> Result<SipDomain, AuthError> {
        tx.sip_domain_to_change(&self.name)?
            .filter(|found| self.admits(found, project))
            .ok_or(AuthError::NotFound(Noun::SipDomain))
    }
}

/// What hashes and seals passwords of SIP users. Both take microseconds, so units of work may do it.
#[derive(Clone)]
pub(super) struct SipSafe {
    sealer: Arc<Sealer>,
    entropy: SharedEntropy,
}

impl super::Authority {
    pub(super) fn sip_safe(&self) -> SipSafe {
        SipSafe { sealer: Arc::clone(&self.sealer), entropy: Arc::clone(&self.entropy) }
    }
}

impl SipSafe {
    /// What to store of a password.
    fn keys(&self, id: IdentityId, login: &str, domain: &str, password: &Password, project: &Project) -> SipKeys {
        self.store(id, Digests::of(login, domain, password), project)
    }

    fn store(&self, id: IdentityId, digests: Digests, project: &Project) -> SipKeys {
        let place = SipUser::seal_context(id);
        let ha1b = digests.ha1b(crate::digest::DigestAlgorithm::Md5);
        SipKeys {
            digests: self.sealer.seal(digests.to_text().as_bytes(), &place, self.entropy.as_ref()),
            lookup: self.sealer.lookup(ha1b.expose().as_bytes(), HA1B),
            clear: project.policy.has_unsealed_digests().then_some(digests),
        }
    }

    /// All that could be stored of a presented HA1B.
    fn lookups(&self, ha1b: &str) -> Vec<LookupHash> {
        self.sealer.lookups(ha1b.as_bytes(), HA1B).collect()
    }

    /// The digests of a user.
    fn open(&self, user: &SipUser) -> Result<Digests, AuthError> {
        let plain = self.sealer.open(&user.digests, &SipUser::seal_context(user.identity.id))?;
        let text = std::str::from_utf8(&plain).map_err(AuthError::internal)?;
        Digests::parse(text).ok_or_else(|| AuthError::internal("the digests of a SIP user are not what was sealed"))
    }

    /// Stores what is known of all these users anew: under the present master key, readable or not as their projects want.
    pub(super) fn store_anew(&self, tx: &mut dyn Tx, of: SipUsersOf) -> Result<usize, AuthError> {
        let (mut after, mut done) = (None, 0);
        let mut project: Option<Project> = None;
        loop {
            let page = tx.sip_users(of, after, STEP)?;
            let Some(last) = page.last() else { return Ok(done) };
            after = Some(last.identity.id);
            for user in page {
                let home = match project.take().filter(|known| known.id == user.identity.project) {
                    Some(known) => known,
                    None => tx.project(user.identity.project)?.ok_or(AuthError::NotFound(Noun::Project))?,
                };
                let keys = self.store(user.identity.id, self.open(&user)?, &home);
                tx.put_sip_keys(user.identity.id, &keys)?;
                project = Some(home);
                done += 1;
            }
        }
    }
}
