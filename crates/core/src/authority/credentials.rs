//! API keys of back ends: each belongs to a service identity of its own, so that standing and audit work as for people.

use std::sync::Arc;

use serde_json::Map;

use super::{Authenticated, Authority, authenticate::refuse_other_kind, liveness::concerns, memory::Memory};
use crate::{
    audit::Audit,
    caller::{Permit, ScopeSet},
    context::Ctx,
    credential::{Credential, CredentialKind},
    error::{AuthError, Noun, Rule, TokenFault},
    event::SecurityEvent,
    identity::{Identity, IdentityKind, Profile, Standing},
    ids::{ApplicationId, CredentialId, IdentityId},
    secret::{Fingerprint, RawToken, TokenDigest, TokenKind},
    store::Tx,
    time::Timestamp,
};

/// The least length of a key that somebody brings along: as many characters as carry 128 random bits.
const LEAST_KEY_LENGTH: usize = 22;

/// What an API key is to be.
#[derive(Debug)]
pub struct ApiKeyRequest {
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// The application it is confined to.
    pub application: Option<ApplicationId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// A value from elsewhere, e.g. from the provisioning file; made by us when absent.
    pub value: Option<RawToken>,
}

/// A new API key. Its value is shown this once.
#[derive(Debug)]
pub struct MintedApiKey {
    /// What is stored.
    pub credential: Credential,
    /// What the back end sends.
    pub value: RawToken,
}

impl Authority {
    /// Makes an API key. Nobody can give it a scope that they do not have.
    pub async fn create_api_key(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: ApiKeyRequest,
    ) -> Result<MintedApiKey, AuthError> {
        permit.may_hand_on(&wanted.scopes)?;
        let value = wanted.value.unwrap_or_else(|| TokenKind::ApiKey.mint(self.entropy.as_ref()));
        if value.expose().len() < LEAST_KEY_LENGTH {
            return Err(AuthError::invalid("value", Rule::KeyTooWeak));
        }
        let (permit, now) = (permit.clone(), ctx.now);
        let service = Identity {
            id: IdentityId::mint(now, self.entropy.as_ref()),
            project: permit.project(),
            application: None,
            kind: IdentityKind::Service,
            profile: Profile { nickname: Some(wanted.label.clone()), ..Profile::default() },
            attributes: Map::new(),
            standing: Standing::default(),
            created_at: now,
            updated_at: now,
        };
        let credential = Credential {
            id: CredentialId::mint(now, self.entropy.as_ref()),
            project: permit.project(),
            application: wanted.application,
            identity: service.id,
            kind: CredentialKind::ApiKey,
            label: wanted.label,
            lookup: Some(value.digest()),
            hint: None,
            scopes: wanted.scopes,
            created_at: now,
            expires_at: wanted.expires_at,
            revoked_at: None,
        };
        let stored = credential.clone();
        self.commit(ctx, move |tx, log| {
            if let Some(id) = stored.application {
                let found = tx.application(id)?.filter(|found| found.project == permit.project());
                found.ok_or(AuthError::NotFound(Noun::Application))?;
            }
            tx.insert_identity(&service)?;
            if !tx.insert_credential(&stored)? {
                return Err(AuthError::Conflict(Noun::Credential));
            }
            log.record(Audit::new(
                permit.project(),
                permit.actor(),
                "api_key.created",
                &format_args!("credential:{}", stored.id),
            ));
            Ok(())
        })
        .await?;
        Ok(MintedApiKey { credential, value })
    }

    /// API keys of the permit's project in order of id, revoked ones included.
    pub async fn api_keys(
        &self,
        permit: &Permit,
        after: Option<CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.credentials(project, CredentialKind::ApiKey, after, limit)?)).await
    }

    /// Makes another key like one that counts; the one before counts until it is revoked.
    pub async fn replace_api_key(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: CredentialId,
    ) -> Result<MintedApiKey, AuthError> {
        let (project, now) = (permit.project(), ctx.now);
        let found = self.store.read(move |tx| Ok(tx.credential(id)?)).await?.filter(|found| {
            let over = found.revoked_at.is_some() || found.expires_at.is_some_and(|end| end <= now);
            found.project == project && found.kind == CredentialKind::ApiKey && !over
        });
        let Credential { label, scopes, application, expires_at, .. } =
            found.ok_or(AuthError::NotFound(Noun::Credential))?;
        self.create_api_key(ctx, permit, ApiKeyRequest { label, scopes, application, expires_at, value: None }).await
    }

    /// Revokes an API key.
    pub async fn revoke_api_key(&self, ctx: &Ctx, permit: &Permit, id: CredentialId) -> Result<(), AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let found = tx.credential(id)?.filter(|found| found.project == permit.project());
            let identity = found.ok_or(AuthError::NotFound(Noun::Credential))?.identity;
            if tx.revoke_credential(id, now)? {
                log.record(Audit::new(
                    permit.project(),
                    permit.actor(),
                    "api_key.revoked",
                    &format_args!("credential:{id}"),
                ));
                log.announce(SecurityEvent::CredentialChanged(identity));
            }
            Ok(())
        })
        .await
    }
}

/// A key as it was found.
#[derive(Clone)]
struct KnownKey {
    who: Arc<Authenticated>,
    ends: Option<Timestamp>,
}

impl KnownKey {
    /// Whether it counts now: time passes without an event.
    fn admit(&self, now: Timestamp) -> Result<(), AuthError> {
        self.who.admit(now)?;
        if self.ends.is_some_and(|end| end <= now) { Err(TokenFault::Unknown.into()) } else { Ok(()) }
    }
}

/// Bounded memory of keys that counted when last looked at, by the digest of the whole key.
pub(super) struct KnownKeys(Memory<Fingerprint, KnownKey>);

impl Default for KnownKeys {
    fn default() -> Self {
        Self(Memory::of(4_096))
    }
}

impl KnownKeys {
    /// Forgets every key that the event may concern.
    pub(super) fn forget(&self, event: SecurityEvent) {
        match event {
            SecurityEvent::CredentialChanged(_)
            | SecurityEvent::IdentityChanged(_)
            | SecurityEvent::ApplicationChanged(_)
            | SecurityEvent::ProjectChanged(_) => self.0.forget_where(|known| concerns(event, &known.who)),
            SecurityEvent::SessionRevoked(_)
            | SecurityEvent::MembershipChanged(_)
            | SecurityEvent::EndpointGroupChanged(_)
            | SecurityEvent::KeysChanged(_)
            | SecurityEvent::PresenceChanged(_) => {}
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl Authority {
    /// Whoever shows an API key.
    pub(super) async fn by_api_key(&self, ctx: &Ctx, key: &RawToken) -> Result<Authenticated, AuthError> {
        self.require_contact()?;
        refuse_other_kind(key, TokenKind::ApiKey)?;
        if let Some(known) = self.known_keys.0.recall(key.fingerprint(), ctx.now, self.confirm_within) {
            known.admit(ctx.now)?;
            return Ok(Authenticated::clone(&known.who));
        }
        let (digest, look) = (key.digest(), self.known_keys.0.look());
        let known = self.store.read(move |tx| known_key(tx, &digest)).await?;
        known.admit(ctx.now)?;
        self.known_keys.0.remember(*key.fingerprint(), known.clone(), ctx.now, look);
        Ok(Arc::unwrap_or_clone(known.who))
    }
}

/// A key with all that it depends on.
fn known_key(tx: &mut dyn Tx, digest: &TokenDigest) -> Result<KnownKey, AuthError> {
    let credential = tx.credential_by_lookup(digest)?;
    let credential = credential.filter(|found| found.kind == CredentialKind::ApiKey).ok_or(TokenFault::Unknown)?;
    let application = match credential.application {
        Some(id) => tx.application(id)?,
        None => None,
    };
    let project = tx.project(credential.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
    let identity = tx.identity(credential.identity)?.ok_or(AuthError::InvalidCredentials)?;
    let who = Authenticated {
        identity: Arc::new(identity),
        endpoint: None,
        project: Arc::new(project),
        application: application.map(Arc::new),
        session: None,
        key: Some(credential.id),
        scopes: credential.scopes,
    };
    // Another node's clock may be ahead: what is revoked ended long ago.
    let revoked = credential.revoked_at.map(|_| Timestamp::from_millis(i64::MIN));
    Ok(KnownKey { who: Arc::new(who), ends: revoked.or(credential.expires_at) })
}
