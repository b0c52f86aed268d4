//! One-time links: the first owner, and whoever was made or reset, set a password and enrol a second factor.

use super::{
    super::{Authority, Log},
    HalfConsole, has_factor, noted, seed_context,
    sign_in::recovery_digest,
};
use crate::{
    administrator::{
        Administrator, ConsoleLink, LINK_LIFETIME, MIN_PASSWORD, Passkey, PasskeyRegistration, RECOVERY_CODES,
        RelyingParty, Role, Stage, Totp, TotpSeed,
    },
    audit::Audit,
    caller::Actor,
    context::Ctx,
    entropy::random,
    error::{AuthError, Noun, Rule, TokenFault},
    ids::{AdministratorId, PasskeyId, ProjectId},
    password::PasswordPolicy,
    secret::{Password, RawToken, TokenKind},
    store::Tx,
};

/// How many administrators are looked through; an installation has a handful.
pub(super) const ALL: u32 = 1000;

/// Somebody whose second factor is enrolled.
#[derive(Debug)]
pub struct Enrolled {
    /// The token of their full session.
    pub token: RawToken,
    /// Their recovery codes, to be shown once.
    pub recovery: Vec<RawToken>,
}

impl Authority {
    /// A one-time link for the first owner, as long as nobody can sign in to the console; earlier ones close.
    pub async fn first_administrator_link(&self, ctx: &Ctx) -> Result<Option<RawToken>, AuthError> {
        if self.store.read(is_administrated).await? {
            return Ok(None);
        }
        let secret = TokenKind::ConsoleLink.mint(self.entropy.as_ref());
        let (digest, link) =
            (secret.digest(), ConsoleLink { administrator: None, expires_at: ctx.now + LINK_LIFETIME });
        self.commit(ctx, move |tx, log| {
            tx.close_console_links(None)?;
            tx.insert_console_link(&link, &digest)?;
            log.record(Audit::new(ProjectId::INSTALLATION, Actor::System, "console_link.made", &"first administrator"));
            Ok(())
        })
        .await?;
        Ok(Some(secret))
    }

    /// Whom an open link is for; nobody yet, if it is the first owner's. Looking does not use it up.
    pub async fn console_link(&self, ctx: &Ctx, secret: &RawToken) -> Result<Option<Administrator>, AuthError> {
        let (digest, now) = (secret.digest(), ctx.now);
        self.store
            .read(move |tx| {
                let link = tx.console_link(&digest, now)?.ok_or(AuthError::VerificationInvalid)?;
                match link.administrator {
                    Some(id) => tx.administrator(id)?.map(Some).ok_or(AuthError::VerificationInvalid),
                    None if is_administrated(tx)? => Err(AuthError::VerificationInvalid),
                    None => Ok(None),
                }
            })
            .await
    }

    /// Sets a password by a one-time link and gives the token of a session in which a factor is to be enrolled. The first owner
    /// chooses a name.
    pub async fn begin_console(
        &self,
        ctx: &Ctx,
        secret: &RawToken,
        name: Option<&str>,
        password: Password,
    ) -> Result<RawToken, AuthError> {
        let whom = self.console_link(ctx, secret).await?;
        let name = match &whom {
            Some(known) => known.name.clone(),
            None => Administrator::check_name(name.unwrap_or_default())?,
        };
        let policy = PasswordPolicy { min_length: MIN_PASSWORD };
        let hash = self.hasher.hash(policy.check(&password, &[&name, "ringfence"])?).await?;
        let fresh = AdministratorId::mint(ctx.now, self.entropy.as_ref());
        let (mut session, token) = self.console_seed(ctx, fresh, Stage::Enrolling, "pwd");
        let (digest, secret, now) = (token.digest(), secret.digest(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let link = tx.take_console_link(&secret, now)?.ok_or(AuthError::VerificationInvalid)?;
            let id = match link.administrator {
                Some(id) => tx.administrator_to_change(id)?.ok_or(AuthError::VerificationInvalid)?.id,
                None => first_owner(tx, log, fresh, &name, now)?,
            };
            tx.set_administrator_password(id, Some(&hash))?;
            tx.end_console_sessions(id, None)?;
            session.administrator = id;
            tx.insert_console_session(&session, &digest)?;
            log.record(noted(Actor::Administrator(id), "administrator.password_set", id));
            Ok(())
        })
        .await?;
        Ok(token)
    }

    /// The seed of the generator that this session enrols: made once, so that a page that is loaded again shows the same.
    pub async fn enrolling_totp(&self, ctx: &Ctx, half: &HalfConsole) -> Result<TotpSeed, AuthError> {
        self.pending_totp(ctx, &half.administrator, &half.session).await
    }

    pub(super) async fn pending_totp(
        &self,
        _ctx: &Ctx,
        administrator: &Administrator,
        session: &crate::administrator::ConsoleSession,
    ) -> Result<TotpSeed, AuthError> {
        let place = seed_context(administrator.id);
        if let Some(sealed) = &session.pending {
            return Ok(TotpSeed::opened(self.sealer.open(sealed, &place)?));
        }
        let seed = TotpSeed::mint(self.entropy.as_ref());
        let (sealed, id) = (self.sealer.seal(seed.expose(), &place, self.entropy.as_ref()), session.id);
        self.store.write(move |tx| Ok(tx.set_pending_totp(id, Some(&sealed))?)).await?;
        Ok(seed)
    }

    /// Ends enrolment with a code of the new generator.
    pub async fn enrol_totp(&self, ctx: &Ctx, half: &HalfConsole, code: &str) -> Result<Enrolled, AuthError> {
        let totp = self.proved_totp(ctx, &half.administrator, &half.session, code)?;
        let id = half.administrator.id;
        self.finish_enrolment(ctx, half, "pwd otp", move |tx, log| {
            tx.set_totp(id, Some(&totp))?;
            log.record(noted(Actor::Administrator(id), "administrator.totp_enrolled", id));
            Ok(())
        })
        .await
    }

    /// The generator whose seed the session holds, if this is a code of it.
    pub(super) fn proved_totp(
        &self,
        ctx: &Ctx,
        administrator: &Administrator,
        session: &crate::administrator::ConsoleSession,
        code: &str,
    ) -> Result<Totp, AuthError> {
        let sealed = session.pending.clone().ok_or(AuthError::invalid("code", Rule::Malformed))?;
        let seed = TotpSeed::opened(self.sealer.open(&sealed, &seed_context(administrator.id))?);
        let used_step = seed.step_of(code, ctx.now).ok_or(AuthError::invalid("code", Rule::Malformed))?;
        Ok(Totp { seed: sealed, used_step })
    }

    /// Ends enrolment with a new passkey.
    pub async fn enrol_passkey(
        &self,
        ctx: &Ctx,
        half: &HalfConsole,
        new: &PasskeyRegistration,
        party: &RelyingParty,
    ) -> Result<Enrolled, AuthError> {
        let (passkey, challenge) = self.new_passkey(ctx, half.administrator.id, half.session.id, new, party)?;
        self.finish_enrolment(ctx, half, "pwd hwk", move |tx, log| {
            if !challenge.take(tx)? {
                return Err(AuthError::invalid("passkey", Rule::Malformed));
            }
            store_passkey(tx, log, &passkey)
        })
        .await
    }

    pub(super) fn new_passkey(
        &self,
        ctx: &Ctx,
        owner: AdministratorId,
        session: crate::ids::ConsoleSessionId,
        new: &PasskeyRegistration,
        party: &RelyingParty,
    ) -> Result<(Passkey, super::passkeys::Answered), AuthError> {
        let refuse = |fault| {
            tracing::info!(%fault, "a passkey was not registered");
            AuthError::invalid("passkey", Rule::Malformed)
        };
        let challenge = self.challenge_of(ctx, new.challenge(), Some(session)).map_err(refuse)?;
        let passkey = new.check(party).map_err(refuse)?;
        let (credential, sign_count) = passkey;
        let name: String = new.name.trim().chars().filter(|c| !c.is_control()).take(64).collect();
        let passkey = Passkey {
            id: PasskeyId::mint(ctx.now, self.entropy.as_ref()),
            administrator: owner,
            name: if name.is_empty() { "passkey".to_owned() } else { name },
            credential,
            public_key: base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &new.public_key),
            alg: new.alg,
            sign_count,
            created_at: ctx.now,
            used_at: None,
        };
        Ok((passkey, challenge))
    }

    async fn finish_enrolment(
        &self,
        ctx: &Ctx,
        half: &HalfConsole,
        amr: &str,
        bind: impl FnOnce(&mut dyn Tx, &mut Log) -> Result<(), AuthError> + Send + 'static,
    ) -> Result<Enrolled, AuthError> {
        if half.session.stage != Stage::Enrolling {
            return Err(TokenFault::Type.into());
        }
        let id = half.administrator.id;
        let (session, token) = self.console_seed(ctx, id, Stage::Full, amr);
        let recovery = self.fresh_recovery_codes();
        let codes: Vec<_> = recovery.iter().map(|code| recovery_digest(code.expose())).collect();
        let (digest, before, now) = (token.digest(), half.session.id, ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut administrator = tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
            if !tx.end_console_session(before)? {
                return Err(TokenFault::Unknown.into());
            }
            bind(tx, log)?;
            tx.replace_recovery_codes(id, &codes)?;
            tx.insert_console_session(&session, &digest)?;
            administrator.signed_in_at = Some(now);
            tx.update_administrator(&administrator)?;
            log.record(
                noted(Actor::Administrator(id), "administrator.signed_in", id).with("amr", session.amr.as_str()),
            );
            Ok(())
        })
        .await?;
        Ok(Enrolled { token, recovery })
    }

    /// Ten codes of 80 bits, in groups that can be typed.
    pub(super) fn fresh_recovery_codes(&self) -> Vec<RawToken> {
        const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let code = || {
            let letters = random::<16>(self.entropy.as_ref()).map(|byte| char::from(DIGITS[usize::from(byte & 31)]));
            let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
            RawToken::new(groups.join("-"))
        };
        (0..RECOVERY_CODES).map(|_| code()).collect()
    }
}

pub(super) fn store_passkey(tx: &mut dyn Tx, log: &mut Log, passkey: &Passkey) -> Result<(), AuthError> {
    if !tx.insert_passkey(passkey)? {
        return Err(AuthError::Conflict(Noun::Passkey));
    }
    let owner = passkey.administrator;
    log.record(noted(Actor::Administrator(owner), "administrator.passkey_added", owner));
    Ok(())
}

/// Whether anybody can sign in to the console: one who never enrolled a factor cannot.
fn is_administrated(tx: &mut dyn Tx) -> Result<bool, AuthError> {
    for found in tx.administrators(ALL)? {
        if has_factor(tx, found.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first owner: new, or of that name and never got further.
fn first_owner(
    tx: &mut dyn Tx,
    log: &mut Log,
    fresh: AdministratorId,
    name: &str,
    now: crate::time::Timestamp,
) -> Result<AdministratorId, AuthError> {
    if is_administrated(tx)? {
        return Err(AuthError::VerificationInvalid);
    }
    let new = Administrator {
        id: fresh,
        name: name.to_owned(),
        role: Role::Owner,
        version: 1,
        created_at: now,
        signed_in_at: None,
    };
    if tx.insert_administrator(&new)? {
        log.record(noted(Actor::System, "administrator.created", fresh).with("role", Role::Owner.as_str()));
        return Ok(fresh);
    }
    let mut known = tx.administrator_by_name(name)?.ok_or(AuthError::VerificationInvalid)?;
    known.role = Role::Owner;
    known.version += 1;
    tx.update_administrator(&known)?;
    tx.close_console_links(Some(known.id))?;
    Ok(known.id)
}
