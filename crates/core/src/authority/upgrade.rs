//! Guests who become members: the same identity with an address and a password, or, where the address is somebody's already,
//! a guest who is left as it was and a ticket to become one with that account.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    Authenticated, Authority, LinkTemplate, Log,
    authenticate::{admit, allow_way},
    identities::erase,
    memberships::accept_invitations,
    sessions::start_session,
};
use crate::{
    application::WayIn,
    audit::Audit,
    caller::ScopeSet,
    context::Ctx,
    error::{AuthError, Noun, Rule},
    event::SecurityEvent,
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind, is_email},
    ids::{CredentialId, IdentityId, MembershipId, VerificationId},
    outbox::EventKind,
    password::PasswordHash,
    secret::{Password, RawToken, TokenKind},
    session::Session,
    store::Tx,
    verification::{Purpose, Verification},
};

/// For so long the guest's own sessions go on: its open sockets move to the member's session meanwhile.
const HANDOVER: Duration = Duration::from_mins(1);

/// What a guest gives to become a member.
#[derive(Debug)]
pub struct Upgrade {
    /// The address.
    pub email: String,
    /// The password.
    pub password: Password,
    /// Where the link that proves the address leads; no mail without one.
    pub verify: Option<LinkTemplate>,
}

/// What became of a guest who wanted to be a member.
#[derive(Debug)]
pub enum Upgraded {
    /// A member with the same id, in a session of its own.
    Member(Box<Authenticated>),
    /// The address has an account. The guest is as it was; whoever signs in to that account may take the guest in with this.
    Taken(RawToken),
}

impl Authority {
    /// Makes a guest a member. Its id stays; its sessions give way to a new one within a minute.
    ///
    /// Refuses with `Conflict(Identity)` whoever is no guest (ATTACKS N86).
    pub async fn upgrade_guest(&self, ctx: &Ctx, who: &Authenticated, wanted: Upgrade) -> Result<Upgraded, AuthError> {
        if who.identity.kind != IdentityKind::Guest {
            return Err(AuthError::Conflict(Noun::Identity));
        }
        if !is_email(wanted.email.trim()) {
            return Err(AuthError::invalid("email", Rule::Malformed));
        }
        allow_way(who.application.as_deref(), WayIn::Password)?;
        let email = Identifier::email(&wanted.email);
        let hash = self.hash_for(who, &email, &wanted.password).await?;
        let Some(member) = self.make_member(ctx, who, &email, hash).await? else {
            return self.merge_ticket(ctx, who, email).await.map(Upgraded::Taken);
        };
        if let Some(link) = wanted.verify {
            let (project, purpose) = (&member.project, Purpose::EmailVerification);
            self.send_verification(ctx, project, &member.identity, &email, purpose, &link).await?;
        }
        Ok(Upgraded::Member(Box::new(member)))
    }

    async fn hash_for(
        &self,
        who: &Authenticated,
        email: &Identifier,
        password: &Password,
    ) -> Result<PasswordHash, AuthError> {
        let mut context = vec![who.project.name.as_str(), email.value()];
        context.extend(who.identity.profile.nickname.as_deref());
        self.hasher.hash(who.project.policy.password.check(password, &context)?).await
    }

    /// One transaction for all of it; none when the address is somebody's.
    async fn make_member(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        email: &Identifier,
        hash: PasswordHash,
    ) -> Result<Option<Authenticated>, AuthError> {
        let (who, email, now) = (who.clone(), email.clone(), ctx.now);
        let seed = self.session_seed(ctx, &["pwd"]);
        let credential = CredentialId::mint(now, self.entropy.as_ref());
        let entropy = Arc::clone(&self.entropy);
        self.commit(ctx, move |tx, log: &mut Log| {
            let mut identity = still_guest(tx, &who, now)?;
            identity.kind = IdentityKind::Member;
            identity.updated_at = now;
            if !tx.add_identifier(&identity, &HeldIdentifier { identifier: email.clone(), verified_at: None })? {
                return Ok(None);
            }
            tx.update_identity(&identity)?;
            tx.replace_password(credential, identity.project, identity.id, &hash, now)?;
            let membership = || MembershipId::mint(now, entropy.as_ref());
            accept_invitations(tx, log, &identity, &email, membership, now)?;
            tx.curtail_sessions(identity.id, now + HANDOVER)?;
            let session = Session {
                target: who.session.as_ref().and_then(|session| session.target),
                ..seed.session(&identity, &who.project, who.application.as_deref())
            };
            start_session(tx, log, &session, None)?;
            let id = identity.id;
            log.record(Audit::new(identity.project, who.actor(), "guest.upgraded", &format_args!("identity:{id}")));
            log.announce(SecurityEvent::IdentityChanged(id));
            // Who checks tokens without asking us lets them go when we do.
            let until = (now + HANDOVER).seconds();
            let kind = json!({ "claims": { "kind": IdentityKind::Member.as_str() }, "old_tokens_until": until });
            log.tell(EventKind::TokenClaimsChange, id, kind);
            let level =
                json!({ "namespace": "NIST-AAL", "current_level": "nist-aal1", "change_direction": "increase" });
            log.tell(EventKind::AssuranceLevelChange, id, level);
            Ok(Some(Authenticated {
                identity: Arc::new(identity),
                session: Some(Arc::new(session)),
                scopes: ScopeSet::default(),
                ..who
            }))
        })
        .await
    }

    async fn merge_ticket(&self, ctx: &Ctx, who: &Authenticated, email: Identifier) -> Result<RawToken, AuthError> {
        let ticket = TokenKind::Verification.mint(self.entropy.as_ref());
        let (id, now, purpose) = (who.identity.id, ctx.now, Purpose::GuestMerge);
        let open = Verification {
            id: VerificationId::mint(now, self.entropy.as_ref()),
            project: who.project.id,
            application: None,
            identity: id,
            purpose,
            identifier: email,
            digest: ticket.digest(),
            created_at: now,
            expires_at: now + purpose.lifetime(),
        };
        self.commit(ctx, move |tx, _| {
            tx.supersede_verifications(id, purpose, now)?;
            Ok(tx.insert_verification(&open)?)
        })
        .await?;
        Ok(ticket)
    }

    /// Has a member take in the guest that a merge ticket was given to: the guest's name where the member has none, the end of
    /// the guest. Whose address the guest wanted must be the one who asks.
    pub async fn merge_guest(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        ticket: &RawToken,
    ) -> Result<IdentityId, AuthError> {
        who.require_account()?;
        let (who, digest, now) = (who.clone(), ticket.digest(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let member = who.identity.id;
            let redeemed = tx.redeem_verification(&digest, Purpose::GuestMerge, now)?;
            let redeemed = redeemed.ok_or(AuthError::VerificationInvalid)?;
            if !tx.identifiers(member)?.iter().any(|held| held.identifier == redeemed.identifier) {
                return Err(AuthError::VerificationInvalid);
            }
            let guest = tx.identity_to_change(redeemed.identity)?;
            let guest = guest.filter(|guest| guest.project == who.project.id && guest.kind == IdentityKind::Guest);
            let mut guest = guest.ok_or(AuthError::VerificationInvalid)?;
            let mut member = tx.identity_to_change(member)?.ok_or(AuthError::NotFound(Noun::Identity))?;
            if member.profile.nickname.is_none() {
                member.profile.nickname = guest.profile.nickname.take();
                member.updated_at = now;
                tx.update_identity(&member)?;
            }
            erase(tx, log, &mut guest, now)?;
            let merged = format!("identity:{}", guest.id);
            log.record(Audit::new(member.project, who.actor(), "guest.merged", &merged));
            log.announce(SecurityEvent::IdentityChanged(member.id));
            Ok(guest.id)
        })
        .await
    }
}

/// The guest's row, held, if it still is one and may still act.
fn still_guest(tx: &mut dyn Tx, who: &Authenticated, now: crate::time::Timestamp) -> Result<Identity, AuthError> {
    let identity = tx.identity_to_change(who.identity.id)?.ok_or(AuthError::SessionRevoked)?;
    if identity.kind != IdentityKind::Guest {
        return Err(AuthError::Conflict(Noun::Identity));
    }
    let session = match &who.session {
        Some(session) => tx.session(session.id)?,
        None => None,
    };
    admit(&who.project, who.application.as_deref(), Some(&identity), None, session.as_ref(), now)?;
    Ok(identity)
}
