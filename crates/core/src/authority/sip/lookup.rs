//! What a SIP server asks: what the right answer to its challenge would be made of.

use crate::{
    authority::{Authority, authenticate::admit},
    caller::Permit,
    context::Ctx,
    digest::{DigestAlgorithm, DigestHash},
    error::{AuthError, Noun},
    sip::SipUser,
};

/// The digest user name that a phone sent, and the realm it was challenged with.
#[derive(Clone, Debug)]
pub struct SipName {
    /// `login` or `login@domain`.
    pub username: String,
    /// The realm, which is the domain.
    pub realm: String,
}

impl SipName {
    /// The login, and whether it came with its domain. A name with another domain than the realm's is nobody's.
    fn login(&self) -> Option<(&str, bool)> {
        match self.username.split_once('@') {
            None => Some((&self.username, false)),
            Some((login, domain)) => (domain == self.realm).then_some((login, true)),
        }
    }
}

/// What the server is told.
#[derive(Debug)]
pub struct SipEntry {
    /// Who it is.
    pub user: SipUser,
    /// HA1, or HA1B when the name came with its domain, in the algorithm that was asked for.
    pub hash: DigestHash,
    /// Both in MD5.
    pub ha1: DigestHash,
    /// Both in MD5.
    pub ha1b: DigestHash,
}

impl Authority {
    /// The hash that a SIP server compares a phone's answer with. Refuses with `NotFound(Identity)` for a name that is nobody's
    /// in the permit's project, and as every way in does for somebody who may not come in.
    pub async fn sip_lookup(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        name: SipName,
        algorithm: DigestAlgorithm,
    ) -> Result<SipEntry, AuthError> {
        let (safe, now, project) = (self.sip_safe(), ctx.now, permit.project());
        self.store
            .read(move |tx| {
                let nobody = || AuthError::NotFound(Noun::Identity);
                let (login, whole) = name.login().ok_or_else(nobody)?;
                let user = tx.sip_user_by_name(login, &name.realm)?.filter(|found| found.identity.project == project);
                let user = user.ok_or_else(nobody)?;
                let project = tx.project(project)?.ok_or(AuthError::NotFound(Noun::Project))?;
                let application = user.application.map(|id| tx.application(id)).transpose()?.flatten();
                admit(&project, application.as_ref(), Some(&user.identity), Some(&user.endpoint), None, now)?;
                let digests = safe.open(&user)?;
                let hash = if whole { digests.ha1b(algorithm) } else { digests.ha1(algorithm) }.clone();
                let [ha1, ha1b] =
                    [digests.ha1(DigestAlgorithm::Md5), digests.ha1b(DigestAlgorithm::Md5)].map(Clone::clone);
                Ok(SipEntry { user, hash, ha1, ha1b })
            })
            .await
    }
}
