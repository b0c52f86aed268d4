//! The caller's own account: profile, picture and address, changed together or not at all.

use super::{Authenticated, Authority, LinkTemplate, Log, ProfileChange};
use crate::{
    audit::Audit,
    context::Ctx,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::{HeldIdentifier, Identifier, Identity, is_email},
    ids::IdentityId,
    mail::Message,
    picture::Picture,
    project::EmailChange,
    secret::RawToken,
    store::Tx,
    time::Timestamp,
    verification::Purpose,
};

/// Changes somebody makes to their own account.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// What they say of themselves.
    pub profile: ProfileChange,
    /// Their picture: `None` leaves as is, `Some(None)` takes it away.
    pub picture: Option<Option<Picture>>,
    /// Their address.
    pub email: Option<NewEmail>,
}

/// An address to be had instead of the present one.
#[derive(Debug)]
pub struct NewEmail {
    /// The address.
    pub address: String,
    /// Where the link leads that proves it.
    pub link: LinkTemplate,
}

impl Authority {
    /// Changes the caller's own account.
    ///
    /// Another address needs a recent sign-in. It counts at once, or, where the project asks for it, when the link that is
    /// mailed to it was used; either way the present address is told when it goes.
    pub async fn change_account(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        change: AccountChange,
    ) -> Result<Identity, AuthError> {
        who.refuse_vouched()?;
        let new = self.judge_address(ctx, who, change.email).await?;
        let at_once = who.project.policy.email_change == EmailChange::Immediate;
        let (id, now, actor) = (who.identity.id, ctx.now, who.actor());
        let (profile, picture) = (change.profile, change.picture);
        let moved = new.as_ref().filter(|_| at_once).map(|(address, _)| address.clone());
        let (identity, old) = self
            .commit(ctx, move |tx, log| {
                let mut identity = tx.identity_to_change(id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
                profile.apply(&mut identity);
                if let Some(picture) = picture {
                    put_picture(tx, &mut identity, picture.as_ref(), now)?;
                }
                let old = match &moved {
                    Some(address) => move_to(tx, log, &identity, address, None, now)?,
                    None => Vec::new(),
                };
                identity.updated_at = now;
                tx.update_identity(&identity)?;
                log.record(Audit::new(identity.project, actor, "profile.changed", &format_args!("identity:{id}")));
                log.announce(SecurityEvent::IdentityChanged(id));
                Ok((identity, old))
            })
            .await?;
        self.tell_addresses(ctx, &who.project, &identity, old, &Message::EmailChanged);
        if let Some((address, link)) = new {
            let purpose = if at_once { Purpose::EmailVerification } else { Purpose::EmailChange };
            self.send_verification(ctx, &who.project, &identity, &address, purpose, &link).await?;
        }
        Ok(identity)
    }

    /// The address that is really new, if its form is right and the caller proved lately who they are (ATTACKS N78).
    async fn judge_address(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        new: Option<NewEmail>,
    ) -> Result<Option<(Identifier, LinkTemplate)>, AuthError> {
        let Some(new) = new else { return Ok(None) };
        if !is_email(new.address.trim()) {
            return Err(AuthError::invalid("email", Rule::Malformed));
        }
        let address = Identifier::email(&new.address);
        let held = self.identifiers(who.identity.id).await?;
        if held.iter().any(|held| held.identifier == address) {
            return Ok(None);
        }
        who.require_recent(ctx.now)?;
        Ok(Some((address, new.link)))
    }

    /// Has an address count that a secret was mailed to: proves the present one, or puts a new one in its place.
    /// `claimed` is whose the caller says it is: another one's secret is refused and stays open.
    pub async fn confirm_email(&self, ctx: &Ctx, claimed: IdentityId, secret: &RawToken) -> Result<(), AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        let open = self.store.read(move |tx| Ok(tx.open_verification(&digest, Purpose::EmailChange, now)?)).await?;
        match open {
            None => self.verify_email(ctx, claimed, secret).await.map(drop),
            Some(open) if open.identity == claimed => self.take_new_address(ctx, secret).await,
            Some(_) => Err(AuthError::VerificationInvalid),
        }
    }

    async fn take_new_address(&self, ctx: &Ctx, secret: &RawToken) -> Result<(), AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        let (identity, project, old) = self
            .commit(ctx, move |tx, log| {
                let redeemed = tx.redeem_verification(&digest, Purpose::EmailChange, now)?;
                let redeemed = redeemed.ok_or(AuthError::VerificationInvalid)?;
                let identity = tx.identity_to_change(redeemed.identity)?.ok_or(AuthError::VerificationInvalid)?;
                let project = tx.project(identity.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
                super::authenticate::admit(&project, None, Some(&identity), None, None, now)?;
                let old = move_to(tx, log, &identity, &redeemed.identifier, Some(now), now)?;
                log.announce(SecurityEvent::IdentityChanged(identity.id));
                Ok((identity, project, old))
            })
            .await?;
        self.tell_addresses(ctx, &project, &identity, old, &Message::EmailChanged);
        Ok(())
    }

    /// The picture of an identity that the caller may see.
    pub async fn picture(&self, identity: &Identity) -> Result<Option<Picture>, AuthError> {
        let id = identity.id;
        self.store.read(move |tx| Ok(tx.picture(id)?)).await
    }
}

fn put_picture(
    tx: &mut dyn Tx,
    identity: &mut Identity,
    picture: Option<&Picture>,
    now: Timestamp,
) -> Result<(), AuthError> {
    identity.profile.picture = picture.map(|picture| picture.name().as_str().to_owned());
    match picture {
        Some(picture) => tx.put_picture(identity.id, picture, now)?,
        None => drop(tx.delete_picture(identity.id)?),
    }
    Ok(())
}

/// Gives an identity an address instead of those it has, which are returned, and ends what was mailed to them.
fn move_to(
    tx: &mut dyn Tx,
    log: &mut Log,
    identity: &Identity,
    address: &Identifier,
    verified_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Identifier>, AuthError> {
    let held = tx.identifiers(identity.id)?.into_iter().map(|held| held.identifier);
    let old: Vec<_> = held.filter(|found| found.scheme() == Identifier::EMAIL && found != address).collect();
    for gone in &old {
        tx.release_identifier(identity.id, gone)?;
    }
    if !tx.add_identifier(identity, &HeldIdentifier { identifier: address.clone(), verified_at })? {
        return Err(AuthError::Conflict(Noun::Identifier));
    }
    for purpose in Purpose::ALL {
        tx.supersede_verifications(identity.id, purpose, now)?;
    }
    let subject = format!("identity:{}", identity.id);
    log.record(Audit::new(identity.project, crate::caller::Actor::Identity(identity.id), "email.changed", &subject));
    log.announce(SecurityEvent::CredentialChanged(identity.id));
    Ok(old)
}
