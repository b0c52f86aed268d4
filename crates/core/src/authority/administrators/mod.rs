//! Administrators: how they come to the console, what they prove there, and who looks after them.

mod begin;
mod factors;
mod manage;
mod passkeys;
mod sign_in;

use std::{fmt, time::Duration};

pub use self::{begin::Enrolled, manage::MintedAdministrator, sign_in::SecondFactor};
use super::{Authority, passwords::refuse_blocked};
use crate::{
    administrator::{Administrator, ConsoleSession, HALF_LIFETIME, SESSION_LIFETIME, Stage},
    audit::Audit,
    caller::{Actor, Caller, Scope},
    context::Ctx,
    error::{AuthError, TokenFault},
    ids::{AdministratorId, ConsoleSessionId, ProjectId},
    password::Verdict,
    secret::{Password, RawToken, TokenKind},
    store::Tx,
    throttle::{MAX_CONSECUTIVE_FAILURES, ThrottleKey},
    time::Timestamp,
};

/// A session is noted as used at most so often.
const SEEN_STEP: Duration = Duration::from_mins(1);
/// The wait after as many wrong attempts as SP 800-63B allows: until an owner or the operator resets the administrator.
const UNTIL_RESET: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// An administrator at the console, both factors proved.
#[derive(Clone, Debug)]
pub struct Console {
    /// Who.
    pub administrator: Administrator,
    /// Their session.
    pub session: ConsoleSession,
}

impl Console {
    /// Who asks, for operations.
    pub fn caller(&self) -> Caller {
        Caller::Administrator { administrator: self.administrator.id, scopes: self.administrator.role.scopes() }
    }

    /// How the audit log names them.
    pub fn actor(&self) -> Actor {
        Actor::Administrator(self.administrator.id)
    }

    /// Refuses whoever may change nothing but what is their own: asked before any change, whatever permit it needs besides.
    pub fn require_changes(&self) -> Result<(), AuthError> {
        if self.administrator.role.changes() {
            return Ok(());
        }
        Err(AuthError::Forbidden { needs: Scope::ProjectsWrite })
    }
}

/// An administrator on the way to the console. Nothing but the second factor takes it (ATTACKS N81).
#[derive(Clone, Debug)]
pub struct HalfConsole {
    /// Who.
    pub administrator: Administrator,
    /// The session so far.
    pub session: ConsoleSession,
}

/// An administrator at the console who has just shown the present password, for changes of what they prove themselves by and of
/// other administrators (ATTACKS N78).
#[derive(Clone, Debug)]
pub struct Confirmed(Console);

impl Confirmed {
    /// Who.
    pub const fn console(&self) -> &Console {
        &self.0
    }
}

impl Authority {
    /// The administrator whose console session this token is, if both factors were proved.
    pub async fn console(&self, ctx: &Ctx, token: &RawToken) -> Result<Console, AuthError> {
        let (session, administrator) = self.console_session(ctx, token).await?;
        if session.stage != Stage::Full {
            return Err(AuthError::StepUpRequired { acr: "mfa" });
        }
        if ctx.now.since(session.seen_at) >= SEEN_STEP {
            let (id, now) = (session.id, ctx.now);
            self.store.write(move |tx| Ok(tx.see_console_session(id, now)?)).await?;
        }
        Ok(Console { administrator, session })
    }

    /// The administrator whose unfinished session this token is.
    pub async fn half_console(&self, ctx: &Ctx, token: &RawToken) -> Result<HalfConsole, AuthError> {
        let (session, administrator) = self.console_session(ctx, token).await?;
        match session.stage {
            Stage::Half | Stage::Enrolling => Ok(HalfConsole { administrator, session }),
            Stage::Full => Err(TokenFault::Type.into()),
        }
    }

    async fn console_session(&self, ctx: &Ctx, token: &RawToken) -> Result<(ConsoleSession, Administrator), AuthError> {
        if TokenKind::of(token) != Some(TokenKind::Console) {
            return Err(TokenFault::Unknown.into());
        }
        let (digest, now) = (token.digest(), ctx.now);
        self.store
            .read(move |tx| {
                let (session, administrator) = tx.console_session(&digest)?.ok_or(TokenFault::Unknown)?;
                if session.counts(now) { Ok((session, administrator)) } else { Err(AuthError::TokenExpired) }
            })
            .await
    }

    /// Ends a console session, whatever its stage.
    pub async fn leave_console(&self, ctx: &Ctx, token: &RawToken) -> Result<(), AuthError> {
        let digest = token.digest();
        self.commit(ctx, move |tx, log| {
            if let Some((session, administrator)) = tx.console_session(&digest)?
                && tx.end_console_session(session.id)?
            {
                log.record(noted(Actor::Administrator(administrator.id), "administrator.signed_out", administrator.id));
            }
            Ok(())
        })
        .await
    }

    /// What forms of this session carry, so that no other page can send them (the synchroniser token of the session).
    pub fn form_token(&self, token: &RawToken) -> String {
        self.sealer.lookup(token.expose().as_bytes(), "console form").as_str().to_owned()
    }

    /// Whether a form came from a page of this session. Older master keys count, for pages that were open before a rotation.
    pub fn is_form_token(&self, token: &RawToken, shown: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        let known = self.sealer.lookups(token.expose().as_bytes(), "console form");
        known.fold(false, |found, one| found | bool::from(one.as_str().as_bytes().ct_eq(shown.as_bytes())))
    }

    /// Whether these are the administrator's present words.
    pub async fn confirm_administrator(
        &self,
        ctx: &Ctx,
        console: &Console,
        password: Password,
    ) -> Result<Confirmed, AuthError> {
        let (id, now) = (console.administrator.id, ctx.now);
        let key = ThrottleKey::factor(id);
        let looked = key.clone();
        let hash = self
            .store
            .read(move |tx| {
                refuse_blocked(tx, &[looked], now)?;
                Ok(tx.administrator_password(id)?)
            })
            .await?;
        match self.hasher.verify(password, hash).await? {
            Verdict::Right | Verdict::RightNeedsRehash => {
                self.forget_failures(key).await?;
                Ok(Confirmed(console.clone()))
            }
            Verdict::Wrong => {
                Err(self.count_console_failure(ctx, vec![key], Some(id), "administrator.password_refused").await?)
            }
        }
    }

    async fn forget_failures(&self, key: ThrottleKey) -> Result<(), AuthError> {
        let looked = key.clone();
        if self.store.read(move |tx| Ok(tx.throttle(&looked)?.is_some())).await? {
            self.store.write(move |tx| Ok(tx.reset_throttle(&key)?)).await?;
        }
        Ok(())
    }

    /// Counts a wrong proof and gives the refusal.
    async fn count_console_failure(
        &self,
        ctx: &Ctx,
        keys: Vec<ThrottleKey>,
        whose: Option<AdministratorId>,
        action: &'static str,
    ) -> Result<AuthError, AuthError> {
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            // Guesses that were on their way when the limit was reached are answered like all others.
            refuse_blocked(tx, &keys, now)?;
            for (at, key) in keys.iter().enumerate() {
                let failures = tx.count_failure(key, now, key.forgets_before(now))?;
                // The first key is the administrator's, others are shared.
                if at == 0 && failures >= MAX_CONSECUTIVE_FAILURES {
                    tx.block(key, UNTIL_RESET)?;
                } else if !key.wait_after(failures).is_zero() {
                    tx.block(key, now + key.wait_after(failures))?;
                }
            }
            let subject = whose.map_or_else(|| "nobody".to_owned(), |id| format!("administrator:{id}"));
            log.record(Audit::new(ProjectId::INSTALLATION, Actor::Anonymous, action, &subject));
            Ok(AuthError::InvalidCredentials)
        })
        .await
    }

    /// A new session and its token.
    fn console_seed(&self, ctx: &Ctx, of: AdministratorId, stage: Stage, amr: &str) -> (ConsoleSession, RawToken) {
        let lifetime = if stage == Stage::Full { SESSION_LIFETIME } else { HALF_LIFETIME };
        let session = ConsoleSession {
            id: ConsoleSessionId::mint(ctx.now, self.entropy.as_ref()),
            administrator: of,
            stage,
            amr: amr.to_owned(),
            pending: None,
            began_at: ctx.now,
            seen_at: ctx.now,
            expires_at: ctx.now + lifetime,
        };
        (session, TokenKind::Console.mint(self.entropy.as_ref()))
    }
}

/// Where the seed of a generator is sealed for.
pub(super) fn seed_context(of: AdministratorId) -> String {
    format!("administrator/{of}/totp")
}

/// An entry in the installation's chain about an administrator.
fn noted(actor: Actor, action: &'static str, about: AdministratorId) -> Audit {
    Audit::new(ProjectId::INSTALLATION, actor, action, &Named(about))
}

/// How the audit log names an administrator.
struct Named(AdministratorId);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "administrator:{}", self.0)
    }
}

/// Whether somebody can prove more than a password.
fn has_factor(tx: &mut dyn Tx, id: AdministratorId) -> Result<bool, AuthError> {
    Ok(tx.totp(id)?.is_some() || !tx.passkeys(id)?.is_empty())
}
