//! Verifications: a secret goes out by mail and comes back once.

use super::{
    Authenticated, Authority, Log,
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
    ids::{CredentialId, IdentityId, ProjectId, VerificationId},
    mail::{Mail, Message},
    password::Verdict,
    project::{Project, ProjectRef},
    secret::{Password, RawToken, TokenKind},
    store::Tx,
    throttle::ThrottleKey,
    time::Timestamp,
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

/// A verification on its way, and its mail.
pub(super) struct Letter {
    pub(super) verification: Verification,
    message: Option<Message>,
}

/// Opens a verification in place of older ones of its purpose; `false` when its address was sent too many.
pub(super) fn open(tx: &mut dyn Tx, log: &mut Log, new: &Verification) -> Result<bool, AuthError> {
    let now = new.created_at;
    let counted = count_mail(tx, new.project, new.purpose, &new.identifier, now)?;
    if counted {
        tx.supersede_verifications(new.identity, new.purpose, now)?;
        tx.insert_verification(new)?;
    }
    let subject = format_args!("identity:{}", new.identity);
    let requested = Audit::new(new.project, Actor::Anonymous, "verification.requested", &subject);
    log.record(purposed(requested, new.purpose, counted));
    Ok(counted)
}

/// Counts a mail to an address, and says whether it may go out.
fn count_mail(
    tx: &mut dyn Tx,
    project: ProjectId,
    purpose: Purpose,
    address: &Identifier,
    now: Timestamp,
) -> Result<bool, AuthError> {
    let key = ThrottleKey::mail(project, purpose, address);
    let blocked = tx.throttle(&key)?.and_then(|counter| counter.blocked_until);
    if blocked.is_some_and(|until| until > now) {
        return Ok(false);
    }
    let sent = tx.count_failure(&key, now, key.forgets_before(now))?;
    let wait = key.wait_after(sent);
    if !wait.is_zero() {
        tx.block(&key, now + wait)?;
    }
    Ok(true)
}

fn purposed(requested: Audit, purpose: Purpose, sent: bool) -> Audit {
    let requested = requested.with("purpose", purpose.as_str());
    if sent { requested } else { requested.with("throttled", true) }
}

impl Authority {
    /// Mails a link to set a new password, if somebody has this address; the answer is the same if nobody has.
    ///
    /// Asking costs as much as guessing: beside a hash the few rows that only somebody's request leaves take no time (N75), and
    /// nobody has mail sent at will.
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
        let _: Verdict = self.hasher.verify(Password::new(email), None).await?;
        // Locked identities may come back this way; suspended and erased ones may not, and nobody is told.
        let Some(identity) = found.filter(|found| found.standing.suspended_at.is_none()) else {
            return self.record_vain_reset(ctx, &project, address).await;
        };
        let own = application.and_then(|application| application.settings.reset_url);
        let link = own.or_else(|| project.policy.reset_url.clone()).map_or(link, LinkTemplate);
        self.send_verification(ctx, &project, &identity, &address, Purpose::PasswordReset, &link).await
    }

    /// Leaves a trace of a request for nobody, counted and as durable as one for somebody, so that both take the same time
    /// (N75).
    async fn record_vain_reset(&self, ctx: &Ctx, project: &Project, address: Identifier) -> Result<(), AuthError> {
        let (project, now) = (project.id, ctx.now);
        self.commit(ctx, move |tx, log| {
            let requested = Audit::new(project, Actor::Anonymous, "verification.requested", &"nobody");
            let counted = count_mail(tx, project, Purpose::PasswordReset, &address, now)?;
            log.record(purposed(requested, Purpose::PasswordReset, counted));
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

    /// Opens a verification, closing older ones, and mails its link; nothing of it once the address was sent too many.
    pub(super) async fn send_verification(
        &self,
        ctx: &Ctx,
        project: &Project,
        identity: &Identity,
        address: &Identifier,
        purpose: Purpose,
        link: &LinkTemplate,
    ) -> Result<(), AuthError> {
        let letter = self.verification(ctx, identity, address, purpose, link);
        let opened = letter.verification.clone();
        let sent = self.commit(ctx, move |tx, log| open(tx, log, &opened)).await?;
        self.send(ctx, project, identity, letter, sent);
        Ok(())
    }

    /// A verification that is not open yet, and the mail that goes with it.
    pub(super) fn verification(
        &self,
        ctx: &Ctx,
        identity: &Identity,
        address: &Identifier,
        purpose: Purpose,
        link: &LinkTemplate,
    ) -> Letter {
        let secret = TokenKind::Verification.mint(self.entropy.as_ref());
        let (link, minutes) = (link.fill(&secret, identity.id), purpose.lifetime().as_secs() / 60);
        let message = match purpose {
            Purpose::PasswordReset => Some(Message::PasswordReset { link, minutes }),
            Purpose::EmailVerification | Purpose::EmailChange => Some(Message::VerifyEmail { link, minutes }),
            // Handed over where it is asked for.
            Purpose::GuestMerge => None,
        };
        let verification = Verification {
            id: VerificationId::mint(ctx.now, self.entropy.as_ref()),
            project: identity.project,
            application: None,
            identity: identity.id,
            purpose,
            identifier: address.clone(),
            digest: secret.digest(),
            created_at: ctx.now,
            expires_at: ctx.now + purpose.lifetime(),
        };
        Letter { verification, message }
    }

    /// Mails what was opened.
    pub(super) fn send(&self, ctx: &Ctx, project: &Project, identity: &Identity, letter: Letter, opened: bool) {
        if let (true, Some(message)) = (opened, letter.message) {
            self.mail(ctx, project, identity, &letter.verification.identifier, message);
        }
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
        self.tell_addresses(ctx, &project, &identity, [address], &Message::PasswordChanged);
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
