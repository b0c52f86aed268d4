//! What an administrator proves themselves by, changed by themselves after the present password was shown.

use super::{
    super::{Authority, Log},
    Confirmed, Console,
    begin::store_passkey,
    noted,
    sign_in::recovery_digest,
};
use crate::{
    administrator::{ConsoleSession, MAX_PASSKEYS, MIN_PASSWORD, Passkey, PasskeyRegistration, RelyingParty, TotpSeed},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    ids::{ConsoleSessionId, PasskeyId},
    password::PasswordPolicy,
    secret::{Password, RawToken},
    store::Tx,
};

impl Authority {
    /// The seed of a new generator for somebody who has the console already.
    pub async fn new_totp(&self, ctx: &Ctx, console: &Console) -> Result<TotpSeed, AuthError> {
        self.pending_totp(ctx, &console.administrator, &console.session).await
    }

    /// Whether somebody has a generator, how many recovery codes are left, and their passkeys.
    pub async fn own_factors(&self, console: &Console) -> Result<(bool, u32, Vec<Passkey>), AuthError> {
        let id = console.administrator.id;
        self.store.read(move |tx| Ok((tx.totp(id)?.is_some(), tx.recovery_codes(id)?, tx.passkeys(id)?))).await
    }

    /// Somebody's own console sessions.
    pub async fn own_console_sessions(&self, console: &Console) -> Result<Vec<ConsoleSession>, AuthError> {
        let id = console.administrator.id;
        self.store.read(move |tx| Ok(tx.console_sessions(id)?)).await
    }

    /// Ends one of somebody's own console sessions.
    pub async fn end_own_console_session(
        &self,
        ctx: &Ctx,
        console: &Console,
        session: ConsoleSessionId,
    ) -> Result<(), AuthError> {
        self.change_own(ctx, console, "administrator.signed_out", false, move |tx, console| {
            let own = tx.console_sessions(console.administrator.id)?.iter().any(|found| found.id == session);
            if own && tx.end_console_session(session)? { Ok(()) } else { Err(AuthError::NotFound(Noun::Session)) }
        })
        .await
    }

    /// Changes somebody's own password; their other sessions end.
    pub async fn change_own_password(&self, ctx: &Ctx, confirmed: &Confirmed, new: Password) -> Result<(), AuthError> {
        let name = &confirmed.0.administrator.name;
        let policy = PasswordPolicy { min_length: MIN_PASSWORD };
        let hash = self.hasher.hash(policy.check(&new, &[name, "ringfence"])?).await?;
        self.change_own(ctx, &confirmed.0, "administrator.password_changed", true, move |tx, console| {
            Ok(tx.set_administrator_password(console.administrator.id, Some(&hash))?)
        })
        .await
    }

    /// Replaces the generator by the one whose code this is; other sessions end.
    pub async fn replace_totp(&self, ctx: &Ctx, confirmed: &Confirmed, code: &str) -> Result<(), AuthError> {
        let console = &confirmed.0;
        let totp = self.proved_totp(ctx, &console.administrator, &console.session, code)?;
        self.change_own(ctx, console, "administrator.totp_enrolled", true, move |tx, console| {
            tx.set_pending_totp(console.session.id, None)?;
            Ok(tx.set_totp(console.administrator.id, Some(&totp))?)
        })
        .await
    }

    /// Adds a passkey; other sessions end.
    pub async fn add_passkey(
        &self,
        ctx: &Ctx,
        confirmed: &Confirmed,
        new: &PasskeyRegistration,
        party: &RelyingParty,
    ) -> Result<(), AuthError> {
        let console = &confirmed.0;
        let (passkey, challenge) = self.new_passkey(ctx, console.administrator.id, console.session.id, new, party)?;
        let (id, own) = (console.administrator.id, console.session.id);
        self.commit(ctx, move |tx, log: &mut Log| {
            tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
            if !challenge.take(tx)? {
                return Err(AuthError::invalid("passkey", Rule::Malformed));
            }
            if tx.passkeys(id)?.len() >= MAX_PASSKEYS {
                return Err(AuthError::invalid("passkey", Rule::TooMany(MAX_PASSKEYS as u64)));
            }
            store_passkey(tx, log, &passkey)?;
            tx.end_console_sessions(id, Some(own))?;
            Ok(())
        })
        .await
    }

    /// Takes a passkey away, unless nothing would be left to prove; other sessions end.
    pub async fn remove_passkey(&self, ctx: &Ctx, confirmed: &Confirmed, passkey: PasskeyId) -> Result<(), AuthError> {
        self.change_own(ctx, &confirmed.0, "administrator.passkey_removed", true, move |tx, console| {
            let id = console.administrator.id;
            if !tx.delete_passkey(id, passkey)? {
                return Err(AuthError::NotFound(Noun::Passkey));
            }
            if super::has_factor(tx, id)? { Ok(()) } else { Err(AuthError::invalid("factor", Rule::Required)) }
        })
        .await
    }

    /// Takes the generator away, unless nothing would be left to prove; other sessions end.
    pub async fn remove_totp(&self, ctx: &Ctx, confirmed: &Confirmed) -> Result<(), AuthError> {
        self.change_own(ctx, &confirmed.0, "administrator.totp_removed", true, move |tx, console| {
            let id = console.administrator.id;
            tx.set_totp(id, None)?;
            if super::has_factor(tx, id)? { Ok(()) } else { Err(AuthError::invalid("factor", Rule::Required)) }
        })
        .await
    }

    /// New recovery codes instead of the old ones, to be shown once.
    pub async fn renew_recovery_codes(&self, ctx: &Ctx, confirmed: &Confirmed) -> Result<Vec<RawToken>, AuthError> {
        let recovery = self.fresh_recovery_codes();
        let codes: Vec<_> = recovery.iter().map(|code| recovery_digest(code.expose())).collect();
        self.change_own(ctx, &confirmed.0, "administrator.recovery_renewed", false, move |tx, console| {
            Ok(tx.replace_recovery_codes(console.administrator.id, &codes)?)
        })
        .await?;
        Ok(recovery)
    }

    async fn change_own(
        &self,
        ctx: &Ctx,
        console: &Console,
        action: &'static str,
        ends_others: bool,
        change: impl FnOnce(&mut dyn Tx, &Console) -> Result<(), AuthError> + Send + 'static,
    ) -> Result<(), AuthError> {
        let console = console.clone();
        self.commit(ctx, move |tx, log| {
            let id = console.administrator.id;
            tx.administrator_to_change(id)?.ok_or(AuthError::NotFound(Noun::Administrator))?;
            change(tx, &console)?;
            if ends_others {
                tx.end_console_sessions(id, Some(console.session.id))?;
            }
            log.record(noted(console.actor(), action, id));
            Ok(())
        })
        .await
    }
}
