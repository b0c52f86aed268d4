//! Signing keys: made on first need, held parsed, rotated by calendar, published as JWKS.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Authority, Log};
use crate::{
    audit::Audit,
    caller::{Actor, Permit},
    context::Ctx,
    entropy::Entropy,
    error::{AuthError, Noun, TokenFault},
    event::SecurityEvent,
    ids::ProjectId,
    jose::{Alg, Family, Signer, SigningKeyPair, VerifyingKey},
    key::{KeySet, SIGNING_PERIOD, SigningKey},
    seal::Sealer,
    time::Timestamp,
};

/// After this the store is asked again, in case an announcement was missed.
const RECHECK: Duration = Duration::from_secs(30);

/// A key that verifies, parsed.
pub(super) struct VerifyingEntry {
    kid: String,
    pub(super) project: ProjectId,
    pub(super) verifying: VerifyingKey,
    expires_at: Option<Timestamp>,
    since: Timestamp,
}

impl VerifyingEntry {
    /// Refuses when tokens that it verifies no longer count.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), AuthError> {
        if self.expires_at.is_some_and(|end| end <= now) { Err(TokenFault::Key.into()) } else { Ok(()) }
    }
}

struct SigningEntry {
    signer: Arc<Signer>,
    since: Timestamp,
    until: Timestamp,
}

/// Whether what was read at `since` is still as good as read.
fn is_fresh(since: Timestamp, now: Timestamp) -> bool {
    since <= now && now.since(since) < RECHECK
}

type SignerName = (ProjectId, KeySet, Alg, &'static str);

/// Parsed keys, so that no request parses one.
#[derive(Default)]
pub(super) struct KeyCache {
    verifying: RwLock<HashMap<String, Arc<VerifyingEntry>>>,
    signing: RwLock<HashMap<SignerName, SigningEntry>>,
}

impl KeyCache {
    pub(super) fn forget(&self, project: ProjectId) {
        self.verifying.write().unwrap_or_else(PoisonError::into_inner).retain(|_, entry| entry.project != project);
        self.signing.write().unwrap_or_else(PoisonError::into_inner).retain(|(owner, ..), _| *owner != project);
    }

    pub(super) fn clear(&self) {
        self.verifying.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.signing.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Authority {
    /// Whether `entry` is what is known of its key, and known recently enough.
    pub(super) fn still_knows(&self, ctx: &Ctx, entry: &Arc<VerifyingEntry>) -> bool {
        let known = self.keys.verifying.read().unwrap_or_else(PoisonError::into_inner);
        is_fresh(entry.since, ctx.now) && known.get(&entry.kid).is_some_and(|known| Arc::ptr_eq(known, entry))
    }

    /// The key that a `kid` names, be it that its tokens no longer count: an old token says so whenever it is shown.
    pub(super) async fn verifying_key(&self, ctx: &Ctx, kid: &str) -> Result<Arc<VerifyingEntry>, AuthError> {
        let known = self.keys.verifying.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned();
        match known {
            Some(entry) if is_fresh(entry.since, ctx.now) => Ok(entry),
            _ => self.load_key(ctx, kid).await,
        }
    }

    async fn load_key(&self, ctx: &Ctx, kid: &str) -> Result<Arc<VerifyingEntry>, AuthError> {
        let wanted = kid.to_owned();
        let key = self.store.read(move |tx| Ok(tx.signing_key(&wanted)?)).await?.ok_or(TokenFault::Key)?;
        // Keys shared with another server sign for it only; we do not take them back.
        if key.set != KeySet::Published.as_str() && key.set != KeySet::Private.as_str() {
            return Err(TokenFault::Key.into());
        }
        // The master key of an expired one may be gone: those are not rewrapped.
        let pair = match open_key(&self.sealer, &key) {
            Err(_) if !key.verifies(ctx.now) => return Err(TokenFault::Key.into()),
            opened => opened?,
        };
        let entry = Arc::new(VerifyingEntry {
            kid: key.kid.clone(),
            project: key.project,
            verifying: pair.verifying_key().clone(),
            expires_at: key.expires_at,
            since: ctx.now,
        });
        self.keys.verifying.write().unwrap_or_else(PoisonError::into_inner).insert(key.kid, Arc::clone(&entry));
        Ok(entry)
    }

    /// The signer of a set for new tokens; a key is made when there is none yet or the calendar wants a new one.
    pub(super) async fn signer(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        set: KeySet,
        alg: Alg,
        typ: &'static str,
    ) -> Result<Arc<Signer>, AuthError> {
        let name = (project, set, alg, typ);
        {
            let known = self.keys.signing.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) =
                known.get(&name).filter(|entry| ctx.now < entry.until && is_fresh(entry.since, ctx.now))
            {
                return Ok(Arc::clone(&entry.signer));
            }
        }
        let key = self.current_key(ctx, project, set, alg).await?;
        let pair = open_key(&self.sealer, &key)?;
        let signer = Arc::new(Signer::new(Arc::new(pair), Some(&key.kid), typ)?);
        let entry = SigningEntry { signer: Arc::clone(&signer), since: ctx.now, until: signs_until(&key) };
        self.keys.signing.write().unwrap_or_else(PoisonError::into_inner).insert(name, entry);
        Ok(signer)
    }

    async fn current_key(&self, ctx: &Ctx, project: ProjectId, set: KeySet, alg: Alg) -> Result<SigningKey, AuthError> {
        let now = ctx.now;
        let find = move |keys: Vec<SigningKey>| {
            keys.into_iter()
                .find(|key| key.set == set.as_str() && key.alg == alg && key.signs(now) && now < signs_until(key))
        };
        if let Some(key) = find(self.store.read(move |tx| Ok(tx.signing_keys(project, now)?)).await?) {
            return Ok(key);
        }
        self.make_key(ctx, project, set, alg, Actor::System).await?;
        // Another node may have been faster: the store has the one that counts.
        find(self.store.read(move |tx| Ok(tx.signing_keys(project, now)?)).await?)
            .ok_or(AuthError::NotFound(Noun::SigningKey))
    }

    /// Makes a key that takes over signing; the present one verifies on until all its tokens have ended.
    async fn make_key(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        set: KeySet,
        alg: Alg,
        actor: Actor,
    ) -> Result<(), AuthError> {
        let (entropy, sealer, now) = (Arc::clone(&self.entropy), Arc::clone(&self.sealer), ctx.now);
        // An RSA key takes a good part of a second of a core.
        let key = tokio::task::spawn_blocking(move || generate(project, set, alg, now, entropy.as_ref(), &sealer))
            .await
            .map_err(AuthError::internal)??;
        self.commit(ctx, move |tx, log: &mut Log| {
            let longest = tx.project(project)?.ok_or(AuthError::NotFound(Noun::Project))?.policy.tokens;
            let verifies_until = now + longest.refresh.duration().max(longest.access.duration());
            for old in tx.signing_keys(project, now)? {
                let replaced = old.set == set.as_str() && old.alg == alg && old.retired_at.is_none();
                let due = actor != Actor::System || now >= signs_until(&old);
                if replaced && due {
                    tx.retire_signing_key(&old.kid, now, verifies_until)?;
                }
            }
            if tx.insert_signing_key(&key)? {
                log.record(Audit::new(project, actor, "key.created", &format_args!("key:{}", key.kid)));
                log.announce(SecurityEvent::KeysChanged(project));
            }
            Ok(())
        })
        .await
    }

    /// Makes a new key for every set that the project uses, at once.
    pub async fn rotate_keys(&self, ctx: &Ctx, permit: &Permit) -> Result<Vec<SigningKey>, AuthError> {
        for key in self.signing_keys(ctx, permit).await? {
            let Some(set) = set_of(&key) else { continue };
            if key.retired_at.is_none() {
                self.make_key(ctx, permit.project(), set, key.alg, permit.actor()).await?;
            }
        }
        self.signing_keys(ctx, permit).await
    }

    /// Keys of the project that still verify, newest first.
    pub async fn signing_keys(&self, ctx: &Ctx, permit: &Permit) -> Result<Vec<SigningKey>, AuthError> {
        let (now, project) = (ctx.now, permit.project());
        self.store.read(move |tx| Ok(tx.signing_keys(project, now)?)).await
    }

    /// The public halves as a JWK Set (RFC 7517). Symmetric keys are never in it.
    pub async fn jwks(&self, ctx: &Ctx) -> Result<Value, AuthError> {
        let now = ctx.now;
        let keys = self.store.read(move |tx| Ok(tx.all_signing_keys(now)?)).await?;
        Ok(json!({ "keys": keys.into_iter().filter_map(|key| key.public).collect::<Vec<_>>() }))
    }

    /// The same, of one project: whoever trusts its issuer trusts no other's keys.
    pub async fn jwks_of(&self, ctx: &Ctx, project: ProjectId) -> Result<Value, AuthError> {
        let now = ctx.now;
        let keys = self
            .store
            .read(move |tx| {
                tx.project(project)?.ok_or(AuthError::NotFound(Noun::Project))?;
                Ok(tx.signing_keys(project, now)?)
            })
            .await?;
        Ok(json!({ "keys": keys.into_iter().filter_map(|key| key.public).collect::<Vec<_>>() }))
    }

    /// A token for another server, signed with the key that only it and we have.
    pub async fn sign_for(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        server: KeySet,
        claims: &impl serde::Serialize,
    ) -> Result<crate::secret::RawToken, AuthError> {
        let signer = self.signer(ctx, project, server, Alg::HS256, "JWT").await?;
        signer.mint(claims)
    }
}

/// Until when the calendar lets a key sign. A key that another server shares is not changed behind that server's back.
fn signs_until(key: &SigningKey) -> Timestamp {
    if set_of(key).is_some() { key.created_at + SIGNING_PERIOD } else { Timestamp::from_millis(i64::MAX) }
}

fn set_of(key: &SigningKey) -> Option<KeySet> {
    [KeySet::Published, KeySet::Private].into_iter().find(|set| set.as_str() == key.set)
}

fn open_key(sealer: &Sealer, key: &SigningKey) -> Result<SigningKeyPair, AuthError> {
    let bytes = sealer.open(&key.private, &context(&key.kid))?;
    SigningKeyPair::from_bytes(key.alg, &bytes).map_err(AuthError::from)
}

pub(super) fn context(kid: &str) -> String {
    format!("signing_key:{kid}")
}

fn generate(
    project: ProjectId,
    set: KeySet,
    alg: Alg,
    now: Timestamp,
    entropy: &dyn Entropy,
    sealer: &Sealer,
) -> Result<SigningKey, AuthError> {
    let symmetric = alg.family() == Family::Symmetric;
    if symmetric == (set == KeySet::Published) {
        return Err(AuthError::internal("a key of this kind does not belong into this set"));
    }
    let pair = SigningKeyPair::generate(alg, entropy)?;
    let kid = pair.new_kid(entropy);
    Ok(SigningKey {
        private: sealer.seal(&pair.to_bytes()?, &context(&kid), entropy),
        public: pair.public_jwk(&kid),
        kid,
        project,
        set: set.as_str().to_owned(),
        alg,
        created_at: now,
        retired_at: None,
        expires_at: None,
    })
}
