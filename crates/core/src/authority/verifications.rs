//! Verifications: a secret goes out by mail and comes back once.

use super::{
    Authenticated, Authority,
    authenticate::{admit, resolve},
    passwords::{put_password, rebind},
};
use crate::{
    audit::Audit,
    caller::Actor,
    context::Ctx,
    error::{AuthError, Noun},
    event::SecurityEvent,
    identity::{Identifier, Identity},
    ids::{CredentialId, IdentityId, VerificationId},
    mail::{Mail, Message},
    project::{Project, ProjectRef},
    secret::{Password, RawToken, TokenKind},
    verification::{Purpose, Verification},
};

/// Where a mailed link leads: configuration of ours with `{token}` and `{identity}` in it, never a request header
/// (ATTACKS N43). The secret comes last where no place is said.
#[derive(Clone, Debug)]
pub struct LinkTemplate(pub String);

impl LinkTemplate {
    fn fill(&self, token: &RawToken, identity: IdentityId) -> String {
        let token = token.expose();
        let filled = self.0.replace("{identity}", &identity.short());
        if filled.contains("{token}") { filled.replace("{token}", token) } else { filled + token }
    }
}

/// Who has a new password now.
#[derive(Debug)]
pub struct ResetOutcome {
    /// The identity.
    pub identity: Identity,
}

impl Authority {
    /// Mails a link to set a new password, if somebody has this address; the answer is the same if nobody has.
    pub async fn request_password_reset(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        email: &str,
        link: LinkTemplate,
    ) -> Result<(), AuthError> {
        let address = Identifier::email(email);
        let wanted = address.clone();
        let (project, application, found) = self
            .store
            .read(move |tx| {
                let (project, application) = resolve(tx, &reference)?;
                let found = tx.identity_by_identifier(project.id, &wanted)?;
                Ok((project, application, found.map(|(identity, _)| identity)))
            })
            .await?;
        admit(&project, application.as_ref(), None, None, None, ctx.now)?;
        // Locked identities may come back this way; suspended and erased ones may not, and nobody is told.
        let Some(identity) = found.filter(|found| found.standing.suspended_at.is_none()) else {
            return self.record_vain_reset(ctx, &project).await;
        };
        let own = application.and_then(|application| application.settings.reset_url);
        let link = own.or_else(|| project.policy.reset_url.clone()).map_or(link, LinkTemplate);
        self.send_verification(ctx, &project, &identity, &address, Purpose::PasswordReset, &link).await
    }

    /// Leaves a trace of a request for nobody, as durable as one for somebody, so that both take the same time (N75).
    async fn record_vain_reset(&self, ctx: &Ctx, project: &Project) -> Result<(), AuthError> {
        let project = project.id;
        self.commit(ctx, move |_, log| {
            log.record(
                Audit::new(project, Actor::Anonymous, "verification.requested", &"nobody")
                    .with("purpose", Purpose::PasswordReset.as_str()),
            );
            Ok(())
        })
        .await
    }

    /// Mails the caller a new link to prove their address.
    pub async fn resend_email_verification(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        link: LinkTemplate,
    ) -> Result<(), AuthError> {
        who.refuse_vouched()?;
        let held = self.identifiers(who.identity.id).await?;
        let address = held.into_iter().find(|held| held.identifier.scheme() == Identifier::EMAIL);
        let address = address.ok_or(AuthError::NotFound(Noun::Identifier))?.identifier;
        self.send_verification(ctx, &who.project, &who.identity, &address, Purpose::EmailVerification, &link).await
    }

    /// Opens a verification, closing older ones, and mails its link.
    pub(super) async fn send_verification(
        &self,
        ctx: &Ctx,
        project: &Project,
        identity: &Identity,
        address: &Identifier,
        purpose: Purpose,
        link: &LinkTemplate,
    ) -> Result<(), AuthError> {
        let secret = TokenKind::Verification.mint(self.entropy.as_ref());
        let verification = Verification {
            id: VerificationId::mint(ctx.now, self.entropy.as_ref()),
            project: project.id,
            application: None,
            identity: identity.id,
            purpose,
            identifier: address.clone(),
            digest: secret.digest(),
            created_at: ctx.now,
            expires_at: ctx.now + purpose.lifetime(),
        };
        let (id, now) = (identity.id, ctx.now);
        self.commit(ctx, move |tx, log| {
            tx.supersede_verifications(id, purpose, now)?;
            tx.insert_verification(&verification)?;
            log.record(
                Audit::new(
                    verification.project,
                    Actor::Anonymous,
                    "verification.requested",
                    &format_args!("identity:{id}"),
                )
                .with("purpose", purpose.as_str()),
            );
            Ok(())
        })
        .await?;
        let (link, minutes) = (link.fill(&secret, identity.id), purpose.lifetime().as_secs() / 60);
        let message = match purpose {
            Purpose::PasswordReset => Message::PasswordReset { link, minutes },
            Purpose::EmailVerification | Purpose::EmailChange => Message::VerifyEmail { link, minutes },
            Purpose::GuestMerge => return Err(AuthError::internal("merge tickets are not mailed")),
        };
        self.mail(ctx, project, identity, address, message);
        Ok(())
    }

    pub(super) fn mail(&self, ctx: &Ctx, project: &Project, identity: &Identity, to: &Identifier, message: Message) {
        self.outbox.send(Mail {
            to: to.value().to_owned(),
            language: identity.profile.locale.clone().or_else(|| ctx.language.clone()),
            sender: project.name.clone(),
            message,
        });
    }

    /// Whose password an open reset secret of this project would set. It stays open.
    pub async fn open_password_reset(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        secret: &RawToken,
    ) -> Result<Identity, AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        self.store
            .read(move |tx| {
                let (project, _) = resolve(tx, &reference)?;
                let open = tx.open_verification(&digest, Purpose::PasswordReset, now)?;
                let open = open.filter(|found| found.project == project.id);
                let id = open.ok_or(AuthError::VerificationInvalid)?.identity;
                tx.identity(id)?.ok_or(AuthError::VerificationInvalid)
            })
            .await
    }

    /// Where an open reset secret would set a password, and the address it was mailed to: for pages of our own, which belong
    /// to all projects. It stays open.
    pub async fn reset_home(&self, ctx: &Ctx, secret: &RawToken) -> Result<(Project, Identifier), AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        self.store
            .read(move |tx| {
                let open = tx.open_verification(&digest, Purpose::PasswordReset, now)?;
                let open = open.ok_or(AuthError::VerificationInvalid)?;
                let home = tx.project(open.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
                Ok((home, open.identifier))
            })
            .await
    }

    /// Sets a new password with a reset secret, ends every session of the identity and lifts its lock.
    ///
    /// A password that is refused does not use the secret up.
    pub async fn reset_password(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        secret: &RawToken,
        new: Password,
    ) -> Result<ResetOutcome, AuthError> {
        let identity = self.open_password_reset(ctx, reference, secret).await?;
        let hash = self.hash_new(identity.project, &identity, &new).await?;
        let credential = CredentialId::mint(ctx.now, self.entropy.as_ref());
        let (digest, now) = (secret.digest(), ctx.now);
        let (identity, address) = self
            .commit(ctx, move |tx, log| {
                let redeemed = tx.redeem_verification(&digest, Purpose::PasswordReset, now)?;
                let redeemed = redeemed.ok_or(AuthError::VerificationInvalid)?;
                let identity = tx.identity_to_change(redeemed.identity)?.ok_or(AuthError::VerificationInvalid)?;
                let project = tx.project(identity.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
                let identity = rebind(tx, identity, now)?;
                admit(&project, None, Some(&identity), None, None, now)?;
                put_password(tx, log, credential, identity.project, identity.id, &hash, now)?;
                // Whoever read the mail controls the address.
                tx.verify_identifier(identity.id, &redeemed.identifier, now)?;
                log.record(Audit::new(
                    identity.project,
                    Actor::Identity(identity.id),
                    "password.reset",
                    &format_args!("identity:{}", identity.id),
                ));
                Ok((identity, (redeemed.identifier, project)))
            })
            .await?;
        let (address, project) = address;
        self.mail(ctx, &project, &identity, &address, Message::PasswordChanged);
        Ok(ResetOutcome { identity })
    }

    /// Has the address count as proved that this secret was mailed to. `claimed` is whose the caller says it is:
    /// another one's secret is refused with `Conflict(Identity)` and stays open.
    pub async fn verify_email(&self, ctx: &Ctx, claimed: IdentityId, secret: &RawToken) -> Result<Identity, AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let open = tx.open_verification(&digest, Purpose::EmailVerification, now)?;
            if open.ok_or(AuthError::VerificationInvalid)?.identity != claimed {
                return Err(AuthError::Conflict(Noun::Identity));
            }
            let redeemed = tx.redeem_verification(&digest, Purpose::EmailVerification, now)?;
            let redeemed = redeemed.ok_or(AuthError::VerificationInvalid)?;
            let identity = tx.identity(redeemed.identity)?.ok_or(AuthError::VerificationInvalid)?;
            let project = tx.project(identity.project)?.ok_or(AuthError::NotFound(Noun::Project))?;
            admit(&project, None, Some(&identity), None, None, now)?;
            if !tx.verify_identifier(identity.id, &redeemed.identifier, now)? {
                return Err(AuthError::VerificationInvalid);
            }
            log.record(Audit::new(
                identity.project,
                Actor::Identity(identity.id),
                "email.verified",
                &format_args!("identity:{}", identity.id),
            ));
            log.announce(SecurityEvent::IdentityChanged(identity.id));
            Ok(identity)
        })
        .await
    }
}
