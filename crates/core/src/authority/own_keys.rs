//! API keys of people: made by their owners for their own programs, good for what the owner may do, never for more keys.

use std::time::Duration;

use super::{Authenticated, Authority, Log, MintedApiKey};
use crate::{
    audit::Audit,
    caller::{Scope, ScopeSet},
    context::Ctx,
    credential::{Credential, CredentialKind},
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::Identity,
    ids::{CredentialId, IdentityId},
    mail::Message,
    secret::{RawToken, TokenKind},
    store::Tx,
    time::Timestamp,
};

/// Keys of one owner.
const MOST: u64 = 100;
/// Characters of a key that a list shows: its prefix and four more, 24 of its bits.
const SHOWN: usize = 8;

/// One key of somebody.
#[derive(Debug)]
pub enum OwnKey {
    /// By its id.
    Id(CredentialId),
    /// By its value.
    Value(RawToken),
}

impl Authority {
    /// Makes an API key of the caller's own that ends after `life`. Its value is shown this once.
    pub async fn create_own_key(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        label: String,
        life: Duration,
    ) -> Result<MintedApiKey, AuthError> {
        who.may_manage_keys()?;
        let value = TokenKind::ApiKey.mint(self.entropy.as_ref());
        let credential = Credential {
            id: CredentialId::mint(ctx.now, self.entropy.as_ref()),
            project: who.project.id,
            application: None,
            identity: who.identity.id,
            kind: CredentialKind::ApiKey,
            label,
            lookup: Some(value.digest()),
            hint: value.expose().get(..SHOWN).map(str::to_owned),
            scopes: ScopeSet::default(),
            created_at: ctx.now,
            expires_at: Some(ctx.now + life),
            revoked_at: None,
        };
        let stored = credential.clone();
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            // Held, so that the limit holds and nobody gets a key while they are being shut out.
            let owner = tx.identity_to_change(stored.identity)?.filter(|owner| owner.standing.is_active());
            let owner = owner.ok_or(AuthError::IdentitySuspended)?;
            let usable = tx.credentials_of(owner.id, CredentialKind::ApiKey)?;
            if usable.iter().filter(|key| key.is_usable(now)).count() as u64 >= MOST {
                return Err(AuthError::invalid("name", Rule::TooMany(MOST)));
            }
            if !tx.insert_credential(&stored)? {
                return Err(AuthError::Conflict(Noun::Credential));
            }
            note(log, &owner, "api_key.created", stored.id);
            Ok(())
        })
        .await?;
        self.tell_owner(ctx, credential.project, credential.identity, Message::ApiKeyMade).await;
        Ok(MintedApiKey { credential, value })
    }

    /// The caller's own API keys that are not revoked, oldest first.
    pub async fn own_keys(&self, who: &Authenticated) -> Result<Vec<Credential>, AuthError> {
        who.may_manage_keys()?;
        let owner = who.identity.id;
        self.store.read(move |tx| Ok(tx.credentials_of(owner, CredentialKind::ApiKey)?)).await
    }

    /// Changes label and end of one of the caller's own API keys. One that has ended stays so.
    pub async fn change_own_key(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        id: CredentialId,
        label: Option<String>,
        life: Option<Duration>,
    ) -> Result<Credential, AuthError> {
        who.may_manage_keys()?;
        let (owner, now) = (who.identity.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut key = usable(tx, owner.id, OwnKey::Id(id), now)?;
            key.label = label.unwrap_or(key.label);
            key.expires_at = life.map_or(key.expires_at, |life| Some(now + life));
            if !tx.relabel_credential(key.id, &key.label, key.expires_at)? {
                return Err(AuthError::NotFound(Noun::Credential));
            }
            note(log, &owner, "api_key.changed", key.id);
            Ok(key)
        })
        .await
    }

    /// Revokes one of the caller's own API keys. A key may be shown to revoke itself.
    pub async fn revoke_own_key(&self, ctx: &Ctx, who: &Authenticated, key: OwnKey) -> Result<(), AuthError> {
        let (owner, now, by) = (who.identity.clone(), ctx.now, who.key);
        who.require_account()?;
        self.commit(ctx, move |tx, log| {
            let key = usable(tx, owner.id, key, now)?;
            if by.is_some_and(|own| own != key.id) {
                return Err(AuthError::Forbidden { needs: Scope::CredentialsWrite });
            }
            if tx.revoke_credential(key.id, now)? {
                note(log, &owner, "api_key.revoked", key.id);
            }
            Ok(())
        })
        .await
    }

    /// Revokes all of the caller's own API keys and reports how many.
    pub async fn revoke_own_keys(&self, ctx: &Ctx, who: &Authenticated) -> Result<usize, AuthError> {
        who.may_manage_keys()?;
        let (owner, now) = (who.identity.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let keys = tx.credentials_of(owner.id, CredentialKind::ApiKey)?;
            for key in &keys {
                tx.revoke_credential(key.id, now)?;
                note(log, &owner, "api_key.revoked", key.id);
            }
            Ok(keys.len())
        })
        .await
    }
}

impl Authenticated {
    /// Refuses everybody but an account that came otherwise than by a key.
    fn may_manage_keys(&self) -> Result<(), AuthError> {
        self.require_account()?;
        self.refuse_key()
    }

    /// Refuses whoever came by a key: one that leaked must not make others, prolong itself, or take its owner's account away.
    pub(super) fn refuse_key(&self) -> Result<(), AuthError> {
        match self.key {
            Some(_) => Err(AuthError::Forbidden { needs: Scope::CredentialsWrite }),
            None => Ok(()),
        }
    }
}

/// The key, if it is this owner's and still good; another's is as good as none (ATTACKS N89).
fn usable(tx: &mut dyn Tx, owner: IdentityId, key: OwnKey, now: Timestamp) -> Result<Credential, AuthError> {
    let found = match key {
        OwnKey::Id(id) => tx.credential(id)?,
        OwnKey::Value(value) => tx.credential_by_lookup(&value.digest())?,
    };
    found
        .filter(|found| found.kind == CredentialKind::ApiKey && found.identity == owner && found.is_usable(now))
        .ok_or(AuthError::NotFound(Noun::Credential))
}

fn note(log: &mut Log, owner: &Identity, action: &'static str, id: CredentialId) {
    let actor = crate::caller::Actor::Identity(owner.id);
    log.record(Audit::new(owner.project, actor, action, &format_args!("credential:{id}")));
    log.announce(SecurityEvent::CredentialChanged(owner.id));
}
