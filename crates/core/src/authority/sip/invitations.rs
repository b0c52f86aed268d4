//! Invitations into a SIP domain: whoever has the token may make one user of it.

use super::{SipDomainRef, SipUserRequest, users::project_held};
use crate::{
    audit::Audit,
    authority::{Authority, Log, authenticate::admit, projects::check_name},
    caller::{Actor, Permit},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    ids::SipInvitationId,
    secret::{RawToken, TokenKind},
    sip::{SipDomain, SipInvitation, SipUser},
    store::Tx,
    time::Timestamp,
};

/// What an invitation is to be.
#[derive(Clone, Debug)]
pub struct SipInvitationRequest {
    /// What people call it.
    pub name: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is to change of an invitation: `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct SipInvitationChange {
    /// What people call it.
    pub name: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A new invitation. Its token is shown this once.
#[derive(Debug)]
pub struct MintedSipInvitation {
    /// What is stored.
    pub invitation: SipInvitation,
    /// What the invited show.
    pub token: RawToken,
}

impl Authority {
    /// Makes an invitation into a domain.
    pub async fn create_sip_invitation(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        wanted: SipInvitationRequest,
    ) -> Result<MintedSipInvitation, AuthError> {
        check_name(&wanted.name)?;
        check_end(wanted.expires_at, ctx.now)?;
        let token = TokenKind::Verification.mint(self.entropy.as_ref());
        let id = SipInvitationId::mint(ctx.now, self.entropy.as_ref());
        let (permit, now, digest) = (permit.clone(), ctx.now, token.digest());
        let invitation = self
            .commit(ctx, move |tx, log| {
                let domain = domain.find_to_change(tx, permit.project())?;
                let invitation = SipInvitation {
                    id,
                    group: domain.group.id,
                    name: wanted.name,
                    digest,
                    created_by: permit.actor().to_string(),
                    created_at: now,
                    updated_at: now,
                    expires_at: wanted.expires_at,
                };
                tx.insert_sip_invitation(&invitation)?;
                record_invitation(log, &permit, "sip_invitation.created", id);
                Ok(invitation)
            })
            .await?;
        Ok(MintedSipInvitation { invitation, token })
    }

    /// An invitation into a domain.
    pub async fn sip_invitation(
        &self,
        permit: &Permit,
        domain: SipDomainRef,
        id: SipInvitationId,
    ) -> Result<SipInvitation, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let domain = domain.find(tx, project)?;
                invitation_of(tx, &domain, id)
            })
            .await
    }

    /// Changes an invitation.
    pub async fn change_sip_invitation(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        id: SipInvitationId,
        change: SipInvitationChange,
    ) -> Result<SipInvitation, AuthError> {
        change.name.as_deref().map_or(Ok(()), check_name)?;
        change.expires_at.map_or(Ok(()), |end| check_end(end, ctx.now))?;
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let domain = domain.find_to_change(tx, permit.project())?;
            let mut invitation = invitation_of(tx, &domain, id)?;
            invitation.name = change.name.unwrap_or(invitation.name);
            invitation.expires_at = change.expires_at.unwrap_or(invitation.expires_at);
            invitation.updated_at = now;
            tx.update_sip_invitation(&invitation)?;
            record_invitation(log, &permit, "sip_invitation.changed", id);
            Ok(invitation)
        })
        .await
    }

    /// Takes an invitation back.
    pub async fn delete_sip_invitation(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        id: SipInvitationId,
    ) -> Result<SipInvitation, AuthError> {
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| {
            let domain = domain.find_to_change(tx, permit.project())?;
            let invitation = invitation_of(tx, &domain, id)?;
            tx.delete_sip_invitation(id)?;
            record_invitation(log, &permit, "sip_invitation.deleted", id);
            Ok(invitation)
        })
        .await
    }

    /// The domain that whoever has this token is invited into. Refuses with `VerificationInvalid` whatever is not open.
    pub async fn sip_invitation_domain(&self, ctx: &Ctx, token: &RawToken) -> Result<SipDomain, AuthError> {
        let (digest, now) = (token.digest(), ctx.now);
        self.store
            .read(move |tx| {
                let (name, _) = tx.open_sip_invitation(&digest, now)?.ok_or(AuthError::VerificationInvalid)?;
                let domain = tx.sip_domain(&name)?.ok_or(AuthError::VerificationInvalid)?;
                let project = tx.project(domain.group.project)?.ok_or(AuthError::VerificationInvalid)?;
                admit(&project, None, None, None, None, now)?;
                let live = domain.group.disabled_at.is_none();
                if live { Ok(domain) } else { Err(AuthError::Disabled(Noun::SipDomain)) }
            })
            .await
    }

    /// Makes a user of the domain that the token invites into; the token is used up. What it may call is not for it to say.
    pub async fn accept_sip_invitation(
        &self,
        ctx: &Ctx,
        token: &RawToken,
        wanted: SipUserRequest,
    ) -> Result<SipUser, AuthError> {
        let domain = self.sip_invitation_domain(ctx, token).await?;
        let wanted = SipUserRequest { same_domain_calls_only: true, ..wanted };
        let draft = self.draft_sip_user(ctx, domain.group.project, wanted).await?;
        let (digest, now) = (token.digest(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let project = project_held(tx, domain.group.project)?;
            let (name, invitation) = tx.open_sip_invitation(&digest, now)?.ok_or(AuthError::VerificationInvalid)?;
            // Of two who come with one token, the second finds nothing to delete.
            if !tx.delete_sip_invitation(invitation.id)? {
                return Err(AuthError::VerificationInvalid);
            }
            let domain = SipDomainRef::named(name).find_to_change(tx, project.id)?;
            let user = draft.put(tx, &project, &domain)?;
            log.record(
                Audit::new(
                    project.id,
                    Actor::Anonymous,
                    "sip_user.created",
                    &format_args!("identity:{}", user.identity.id),
                )
                .with("invitation", invitation.id.to_string()),
            );
            Ok(user)
        })
        .await
    }
}

fn check_end(end: Timestamp, now: Timestamp) -> Result<(), AuthError> {
    if end > now { Ok(()) } else { Err(AuthError::invalid("expires_at", Rule::Malformed)) }
}

fn invitation_of(tx: &mut dyn Tx, domain: &SipDomain, id: SipInvitationId) -> Result<SipInvitation, AuthError> {
    tx.sip_invitation(id)?.filter(|found| found.group == domain.group.id).ok_or(AuthError::NotFound(Noun::Invitation))
}

fn record_invitation(log: &mut Log, permit: &Permit, action: &'static str, id: SipInvitationId) {
    log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("sip_invitation:{id}")));
}
