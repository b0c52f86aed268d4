//! The way in: a password, then a second factor; or a passkey, which is both.

use super::{
    super::{Authority, Log, passwords::refuse_blocked},
    HalfConsole, has_factor, noted, seed_context,
};
use crate::{
    administrator::{Administrator, PasskeyProof, RelyingParty, Stage, TotpSeed},
    caller::Actor,
    context::Ctx,
    error::{AuthError, TokenFault},
    ids::AdministratorId,
    password::{PasswordHash, Verdict},
    secret::{Password, RawToken, TokenDigest},
    store::Tx,
    throttle::ThrottleKey,
};

/// What is shown after the password.
#[derive(Debug)]
pub enum SecondFactor {
    /// A code of a generator.
    Totp(String),
    /// A recovery code.
    Recovery(String),
    /// An answer of a passkey.
    Passkey(PasskeyProof, RelyingParty),
}

impl SecondFactor {
    /// What it is called in `amr` (RFC 8176).
    const fn amr(&self) -> &'static str {
        match self {
            Self::Totp(_) => "pwd otp",
            Self::Recovery(_) => "pwd kba",
            Self::Passkey(..) => "pwd hwk",
        }
    }
}

impl Authority {
    /// Judges name and password, and gives the token of a session that the second factor is still missing in.
    pub async fn console_sign_in(&self, ctx: &Ctx, name: &str, password: Password) -> Result<RawToken, AuthError> {
        // A name that cannot be anybody's is compared like others.
        let name = Administrator::check_name(name).unwrap_or_default();
        let mut keys = vec![ThrottleKey::administrator(&name)];
        keys.extend(ctx.address.map(ThrottleKey::address));
        let (looked, now) = (keys.clone(), ctx.now);
        let (found, hash) = self
            .store
            .read(move |tx| {
                refuse_blocked(tx, &looked, now)?;
                let found = tx.administrator_by_name(&name)?;
                let hash = match &found {
                    Some(found) => tx.administrator_password(found.id)?,
                    None => None,
                };
                Ok((found, hash))
            })
            .await?;
        let verdict = self.hasher.verify(password, hash.clone()).await?;
        let (Verdict::Right | Verdict::RightNeedsRehash, Some(found)) = (verdict, &found) else {
            let whose = found.map(|found| found.id);
            return Err(self.count_console_failure(ctx, keys, whose, "administrator.password_refused").await?);
        };
        self.accept_password(ctx, found.id, hash, keys).await
    }

    async fn accept_password(
        &self,
        ctx: &Ctx,
        id: AdministratorId,
        compared: Option<PasswordHash>,
        keys: Vec<ThrottleKey>,
    ) -> Result<RawToken, AuthError> {
        let (session, token) = self.console_seed(ctx, id, Stage::Half, "pwd");
        let (digest, now) = (token.digest(), ctx.now);
        self.commit(ctx, move |tx, _| {
            refuse_blocked(tx, &keys, now)?;
            tx.administrator_to_change(id)?.ok_or(AuthError::InvalidCredentials)?;
            // Changed meanwhile, or nothing else can be proved: a password alone opens nothing.
            if tx.administrator_password(id)? != compared || !has_factor(tx, id)? {
                return Err(AuthError::InvalidCredentials);
            }
            tx.reset_throttle(&keys[0])?;
            Ok(tx.insert_console_session(&session, &digest)?)
        })
        .await?;
        Ok(token)
    }

    /// Judges the second factor and gives the token of a full session; the unfinished one ends.
    pub async fn console_second(
        &self,
        ctx: &Ctx,
        half: &HalfConsole,
        shown: SecondFactor,
    ) -> Result<RawToken, AuthError> {
        if half.session.stage != Stage::Half {
            return Err(TokenFault::Type.into());
        }
        let (id, key, now) = (half.administrator.id, ThrottleKey::factor(half.administrator.id), ctx.now);
        let blocked = key.clone();
        self.store.read(move |tx| refuse_blocked(tx, &[blocked], now)).await?;
        let (session, token) = self.console_seed(ctx, id, Stage::Full, shown.amr());
        let (digest, before, counted) = (token.digest(), half.session.id, key.clone());
        let sealer = std::sync::Arc::clone(&self.sealer);
        let passkey = match &shown {
            SecondFactor::Passkey(proof, _) => self.challenge_of(ctx, proof.challenge(), Some(before)).ok(),
            SecondFactor::Totp(_) | SecondFactor::Recovery(_) => None,
        };
        let accepted = self
            .commit(ctx, move |tx, log| {
                refuse_blocked(tx, std::slice::from_ref(&key), now)?;
                let Some(mut administrator) = tx.administrator_to_change(id)? else { return Ok(false) };
                let right = match &shown {
                    SecondFactor::Totp(code) => match tx.totp(id)? {
                        Some(totp) => {
                            let seed = TotpSeed::opened(sealer.open(&totp.seed, &seed_context(id))?);
                            match seed.step_of(code, now) {
                                Some(step) => tx.use_totp_step(id, step)?,
                                None => false,
                            }
                        }
                        None => false,
                    },
                    SecondFactor::Recovery(code) => tx.use_recovery_code(id, &recovery_digest(code))?,
                    SecondFactor::Passkey(proof, party) => match &passkey {
                        Some(challenge) => {
                            let checked = challenge.check(tx, proof, party, now)?;
                            matches!(checked, Some(owner) if owner == id)
                        }
                        None => false,
                    },
                };
                // Of two that show the same factor at once only one finds the unfinished session.
                if !right || !tx.end_console_session(before)? {
                    return Ok(false);
                }
                tx.reset_throttle(&key)?;
                tx.insert_console_session(&session, &digest)?;
                note_sign_in(tx, log, &mut administrator, &session.amr, now)?;
                Ok(true)
            })
            .await?;
        if accepted {
            return Ok(token);
        }
        Err(self.count_console_failure(ctx, vec![counted], Some(id), "administrator.factor_refused").await?)
    }

    /// Judges a passkey by itself, which is something one has and something one is or knows.
    pub async fn console_passkey(
        &self,
        ctx: &Ctx,
        proof: PasskeyProof,
        party: RelyingParty,
    ) -> Result<RawToken, AuthError> {
        let keys: Vec<_> = ctx.address.map(ThrottleKey::address).into_iter().collect();
        let (blocked, now) = (keys.clone(), ctx.now);
        self.store.read(move |tx| refuse_blocked(tx, &blocked, now)).await?;
        let challenge = self.challenge_of(ctx, proof.challenge(), None);
        let Ok(challenge) = challenge else {
            return Err(self.count_console_failure(ctx, keys, None, "administrator.passkey_refused").await?);
        };
        // Whose it is turns out inside; until then it is nobody's.
        let (mut session, token) =
            self.console_seed(ctx, AdministratorId::mint(now, self.entropy.as_ref()), Stage::Full, "hwk user");
        let digest = token.digest();
        let accepted = self
            .commit(ctx, move |tx, log| {
                let Some(owner) = challenge.check(tx, &proof, &party, now)? else { return Ok(false) };
                let Some(mut administrator) = tx.administrator_to_change(owner)? else { return Ok(false) };
                session.administrator = owner;
                tx.insert_console_session(&session, &digest)?;
                note_sign_in(tx, log, &mut administrator, &session.amr, now)?;
                Ok(true)
            })
            .await?;
        if accepted {
            return Ok(token);
        }
        Err(self.count_console_failure(ctx, keys, None, "administrator.passkey_refused").await?)
    }
}

fn note_sign_in(
    tx: &mut dyn Tx,
    log: &mut Log,
    administrator: &mut Administrator,
    amr: &str,
    now: crate::time::Timestamp,
) -> Result<(), AuthError> {
    administrator.signed_in_at = Some(now);
    tx.update_administrator(administrator)?;
    let actor = Actor::Administrator(administrator.id);
    log.record(noted(actor, "administrator.signed_in", administrator.id).with("amr", amr));
    Ok(())
}

/// What is stored of a recovery code, however it was typed.
pub(super) fn recovery_digest(code: &str) -> TokenDigest {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    TokenDigest::of(plain.as_bytes())
}
