//! Who looks after administrators: owners, and the operator at the machine.

use super::{super::Authority, begin::ALL, noted};
use crate::{
    administrator::{Administrator, ConsoleLink, LINK_LIFETIME, Role},
    caller::{Actor, Permit, Scope},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    ids::{AdministratorId, ProjectId},
    secret::{RawToken, TokenKind},
    store::Tx,
    throttle::ThrottleKey,
};

/// An administrator with the one-time link to begin by.
#[derive(Debug)]
pub struct MintedAdministrator {
    /// Who.
    pub administrator: Administrator,
    /// The secret of the link, shown once.
    pub link: RawToken,
}

impl Authority {
    /// Every administrator.
    pub async fn administrators(&self, permit: &Permit) -> Result<Vec<Administrator>, AuthError> {
        if permit.project() != ProjectId::INSTALLATION {
            return Err(AuthError::Forbidden { needs: Scope::All });
        }
        self.store.read(|tx| Ok(tx.administrators(ALL)?)).await
    }

    /// The administrator of a name.
    pub async fn administrator_by_name(&self, permit: &Permit, name: &str) -> Result<Administrator, AuthError> {
        permit.over_administrators()?;
        let name = Administrator::check_name(name)?;
        self.store
            .read(move |tx| tx.administrator_by_name(&name)?.ok_or(AuthError::NotFound(Noun::Administrator)))
            .await
    }

    /// Makes an administrator, who begins by a one-time link.
    pub async fn create_administrator(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        name: &str,
        role: Role,
    ) -> Result<MintedAdministrator, AuthError> {
        permit.over_administrators()?;
        let administrator = Administrator {
            id: AdministratorId::mint(ctx.now, self.entropy.as_ref()),
            name: Administrator::check_name(name)?,
            role,
            version: 1,
            created_at: ctx.now,
            signed_in_at: None,
        };
        let link = TokenKind::ConsoleLink.mint(self.entropy.as_ref());
        let (made, digest, actor, now) = (administrator.clone(), link.digest(), permit.actor(), ctx.now);
        self.commit(ctx, move |tx, log| {
            if !tx.insert_administrator(&made)? {
                return Err(AuthError::Conflict(Noun::Administrator));
            }
            let link = ConsoleLink { administrator: Some(made.id), expires_at: now + LINK_LIFETIME };
            tx.insert_console_link(&link, &digest)?;
            log.record(noted(actor, "administrator.created", made.id).with("role", role.as_str()));
            Ok(())
        })
        .await?;
        Ok(MintedAdministrator { administrator, link })
    }

    /// Gives an administrator another role. `seen` is the version that whoever decided has seen; if it is no longer the present
    /// one, nothing changes.
    pub async fn set_administrator_role(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: AdministratorId,
        role: Role,
        seen: Option<i64>,
    ) -> Result<Administrator, AuthError> {
        permit.over_administrators()?;
        let actor = permit.actor();
        self.commit(ctx, move |tx, log| {
            let mut found = tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
            if seen.is_some_and(|seen| seen != found.version) {
                return Err(AuthError::Conflict(Noun::Administrator));
            }
            if role != Role::Owner {
                keep_an_owner(tx, &found, actor)?;
            }
            found.role = role;
            found.version += 1;
            tx.update_administrator(&found)?;
            log.record(noted(actor, "administrator.role_set", id).with("role", role.as_str()));
            Ok(found)
        })
        .await
    }

    /// Removes an administrator; their sessions end.
    pub async fn delete_administrator(&self, ctx: &Ctx, permit: &Permit, id: AdministratorId) -> Result<(), AuthError> {
        permit.over_administrators()?;
        let actor = permit.actor();
        self.commit(ctx, move |tx, log| {
            let found = tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
            keep_an_owner(tx, &found, actor)?;
            tx.delete_administrator(id)?;
            log.record(noted(actor, "administrator.deleted", id).with("name", found.name.as_str()));
            Ok(())
        })
        .await
    }

    /// Takes away what an administrator proves themselves by, ends their sessions and gives a one-time link to begin anew.
    pub async fn reset_administrator(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: AdministratorId,
    ) -> Result<MintedAdministrator, AuthError> {
        permit.over_administrators()?;
        let link = TokenKind::ConsoleLink.mint(self.entropy.as_ref());
        let (digest, actor, now) = (link.digest(), permit.actor(), ctx.now);
        let administrator = self
            .commit(ctx, move |tx, log| {
                let mut found = tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
                tx.set_administrator_password(id, None)?;
                tx.set_totp(id, None)?;
                tx.delete_passkeys(id)?;
                tx.replace_recovery_codes(id, &[])?;
                tx.end_console_sessions(id, None)?;
                tx.reset_throttle(&ThrottleKey::administrator(&found.name))?;
                tx.reset_throttle(&ThrottleKey::factor(id))?;
                tx.close_console_links(Some(id))?;
                let link = ConsoleLink { administrator: Some(id), expires_at: now + LINK_LIFETIME };
                tx.insert_console_link(&link, &digest)?;
                found.version += 1;
                tx.update_administrator(&found)?;
                log.record(noted(actor, "administrator.reset", id));
                Ok(found)
            })
            .await?;
        Ok(MintedAdministrator { administrator, link })
    }
}

/// Refuses to leave an installation without an owner, unless the operator wants it so, who can make another.
fn keep_an_owner(tx: &mut dyn Tx, leaving: &Administrator, actor: Actor) -> Result<(), AuthError> {
    let others = tx.administrators(ALL)?;
    let other_owner = others.iter().any(|other| other.role == Role::Owner && other.id != leaving.id);
    if leaving.role != Role::Owner || other_owner || actor == Actor::Operator {
        return Ok(());
    }
    Err(AuthError::invalid("owner", Rule::Required))
}
