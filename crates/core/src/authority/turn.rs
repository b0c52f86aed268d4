//! Credentials of relays: who gets them, for how long, and how the secret behind them is changed.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;

use super::{Authenticated, Authority};
use crate::{
    audit::Audit,
    caller::{InstallationPermit, Scope},
    context::Ctx,
    error::AuthError,
    identity::IdentityKind,
    ids::{IdentityId, ProjectId},
    seal::Sealed,
    store::Tx,
    time::Timestamp,
    turn::{TurnCredential, TurnSecret, TurnSecrets},
};

/// The fact that holds the sealed secrets.
pub(super) const TURN_SECRETS: &str = "turn_secrets";
/// Credentials that one identity gets within a minute: a client asks once for each call.
const PER_MINUTE: u32 = 60;
/// The same for a back end, which asks for its users.
const PER_MINUTE_OF_A_SERVICE: u32 = 999;
const MINUTE: Duration = Duration::from_mins(1);
/// So many identities are counted; who asks little is forgotten first.
const COUNTED: NonZeroUsize = NonZeroUsize::new(16_384).expect("is not zero");

/// Who got how many credentials of late. In memory: a restart gives everybody a minute's worth, which does no harm.
pub(super) struct Handed(Mutex<LruCache<IdentityId, (Timestamp, u32)>>);

impl Default for Handed {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(COUNTED)))
    }
}

impl Handed {
    fn count(&self, to: IdentityId, limit: u32, now: Timestamp) -> Result<(), AuthError> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = counted.get_or_insert_mut(to, || (now, 0));
        if now.since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        if *count >= limit {
            return Err(AuthError::Throttled { retry_at: *since + MINUTE });
        }
        *count += 1;
        Ok(())
    }
}

impl Authority {
    /// A credential for the caller, good for `longest` or until its session or endpoint ends, if that comes first.
    ///
    /// People, users of an issuer and endpoints have the right by what they are; guests where the project says so; a back end
    /// by its scope.
    pub async fn turn_credential(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        longest: Duration,
    ) -> Result<TurnCredential, AuthError> {
        let (may, limit) = match who.identity.kind {
            IdentityKind::Guest => (who.project.policy.turn.guests, PER_MINUTE),
            IdentityKind::Service => (who.scopes.grants(Scope::TurnIssue), PER_MINUTE_OF_A_SERVICE),
            IdentityKind::Member | IdentityKind::External | IdentityKind::Endpoint => (true, PER_MINUTE),
        };
        if !may {
            return Err(AuthError::Forbidden { needs: Scope::TurnIssue });
        }
        self.turn.count(who.identity.id, limit, ctx.now)?;
        let sealer = std::sync::Arc::clone(&self.sealer);
        let secrets = self.store.read(move |tx| stored(tx, |sealed| sealer.open(sealed, TURN_SECRETS))).await?;
        let secrets = secrets.ok_or(AuthError::NotSupported("a relay of media"))?;
        let mut end = ctx.now + longest;
        end = who.session.as_ref().map_or(end, |session| end.min(session.expires_at));
        end = who.endpoint.as_ref().map_or(end, |endpoint| endpoint.at_most(end));
        Ok(secrets.current.credential(&who.identity.id.short(), end))
    }

    /// The secrets that relays are to take, if there are any yet.
    pub async fn turn_secrets(&self, _permit: &InstallationPermit) -> Result<Option<TurnSecrets>, AuthError> {
        let sealer = std::sync::Arc::clone(&self.sealer);
        self.store.read(move |tx| stored(tx, |sealed| sealer.open(sealed, TURN_SECRETS))).await
    }

    /// A secret to give to the relays before [`Self::adopt_turn_secret`] makes credentials with it.
    pub fn fresh_turn_secret(&self) -> TurnSecret {
        TurnSecret::mint(self.entropy.as_ref())
    }

    /// Makes credentials with `new` from now on; the present secret counts until the next time, older ones no more.
    pub async fn adopt_turn_secret(
        &self,
        ctx: &Ctx,
        permit: &InstallationPermit,
        new: TurnSecret,
    ) -> Result<TurnSecrets, AuthError> {
        let (sealer, entropy) = (std::sync::Arc::clone(&self.sealer), std::sync::Arc::clone(&self.entropy));
        let (now, actor) = (ctx.now, permit.actor());
        self.commit(ctx, move |tx, log| {
            let present = stored(tx, |sealed| sealer.open(sealed, TURN_SECRETS))?;
            let secrets = TurnSecrets { current: new, previous: present.map(|present| present.current), since: now };
            let plain = zeroize::Zeroizing::new(serde_json::to_vec(&secrets).map_err(AuthError::internal)?);
            let blob = sealer.seal(&plain, TURN_SECRETS, entropy.as_ref());
            tx.set_installation_fact(TURN_SECRETS, blob.as_str())?;
            log.record(Audit::new(ProjectId::INSTALLATION, actor, "turn_secret.adopted", &"installation"));
            Ok(secrets)
        })
        .await
    }
}

type Plain = zeroize::Zeroizing<Vec<u8>>;

fn stored(
    tx: &mut dyn Tx,
    open: impl FnOnce(&Sealed) -> Result<Plain, AuthError>,
) -> Result<Option<TurnSecrets>, AuthError> {
    let Some(sealed) = tx.installation_fact(TURN_SECRETS)? else { return Ok(None) };
    serde_json::from_slice(&open(&Sealed::stored(sealed))?).map(Some).map_err(AuthError::internal)
}
