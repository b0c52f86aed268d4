//! Storage of administrators.

use super::{Administrator, ConsoleLink, ConsoleSession, Passkey, Totp};
use crate::{
    ids::{AdministratorId, ConsoleSessionId, PasskeyId},
    password::PasswordHash,
    seal::Sealed,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// Storage of administrators, their factors and their sessions.
pub trait AdministratorStore {
    /// Adds an administrator; `false` when the name is taken.
    fn insert_administrator(&mut self, new: &Administrator) -> StoreResult<bool>;
    /// An administrator.
    fn administrator(&mut self, id: AdministratorId) -> StoreResult<Option<Administrator>>;
    /// An administrator, held until the unit ends.
    fn administrator_to_change(&mut self, id: AdministratorId) -> StoreResult<Option<Administrator>>;
    /// The administrator of a name.
    fn administrator_by_name(&mut self, name: &str) -> StoreResult<Option<Administrator>>;
    /// All of them in order of id; an installation has few.
    fn administrators(&mut self, limit: u32) -> StoreResult<Vec<Administrator>>;
    /// Writes role and version, and when they last signed in.
    fn update_administrator(&mut self, changed: &Administrator) -> StoreResult<()>;
    /// Removes an administrator with everything of theirs.
    fn delete_administrator(&mut self, id: AdministratorId) -> StoreResult<bool>;

    /// The password, if one was set.
    fn administrator_password(&mut self, id: AdministratorId) -> StoreResult<Option<PasswordHash>>;
    /// Sets or takes away the password.
    fn set_administrator_password(&mut self, id: AdministratorId, hash: Option<&PasswordHash>) -> StoreResult<()>;

    /// The generator of one-time codes, if there is one.
    fn totp(&mut self, id: AdministratorId) -> StoreResult<Option<Totp>>;
    /// Sets or takes away the generator.
    fn set_totp(&mut self, id: AdministratorId, totp: Option<&Totp>) -> StoreResult<()>;
    /// Uses up a step and all before it; `false` when it was.
    fn use_totp_step(&mut self, id: AdministratorId, step: i64) -> StoreResult<bool>;
    /// Every generator, for rewrapping.
    fn all_totp(&mut self) -> StoreResult<Vec<(AdministratorId, Totp)>>;

    /// Replaces the recovery codes.
    fn replace_recovery_codes(&mut self, id: AdministratorId, codes: &[TokenDigest]) -> StoreResult<()>;
    /// Uses up a recovery code; of concurrent callers exactly one gets it.
    fn use_recovery_code(&mut self, id: AdministratorId, code: &TokenDigest) -> StoreResult<bool>;
    /// How many are left.
    fn recovery_codes(&mut self, id: AdministratorId) -> StoreResult<u32>;

    /// Adds a passkey; `false` when the credential is known.
    fn insert_passkey(&mut self, passkey: &Passkey) -> StoreResult<bool>;
    /// The passkeys of an administrator, oldest first.
    fn passkeys(&mut self, id: AdministratorId) -> StoreResult<Vec<Passkey>>;
    /// The passkey of a credential.
    fn passkey(&mut self, credential: &str) -> StoreResult<Option<Passkey>>;
    /// Moves the counter on from what it was; `false` when somebody else did.
    fn use_passkey(&mut self, id: PasskeyId, from: u32, to: u32, at: Timestamp) -> StoreResult<bool>;
    /// Removes a passkey of an administrator.
    fn delete_passkey(&mut self, owner: AdministratorId, id: PasskeyId) -> StoreResult<bool>;
    /// Removes all of an administrator.
    fn delete_passkeys(&mut self, owner: AdministratorId) -> StoreResult<()>;

    /// Adds a session.
    fn insert_console_session(&mut self, session: &ConsoleSession, token: &TokenDigest) -> StoreResult<()>;
    /// The session of a token, with its administrator.
    fn console_session(&mut self, token: &TokenDigest) -> StoreResult<Option<(ConsoleSession, Administrator)>>;
    /// Sessions of an administrator.
    fn console_sessions(&mut self, of: AdministratorId) -> StoreResult<Vec<ConsoleSession>>;
    /// Notes that a session was used.
    fn see_console_session(&mut self, id: ConsoleSessionId, at: Timestamp) -> StoreResult<()>;
    /// Keeps the seed of a generator that is being enrolled.
    fn set_pending_totp(&mut self, id: ConsoleSessionId, seed: Option<&Sealed>) -> StoreResult<()>;
    /// Ends a session; `false` when it had ended.
    fn end_console_session(&mut self, id: ConsoleSessionId) -> StoreResult<bool>;
    /// Ends the sessions of an administrator but for one, and says how many.
    fn end_console_sessions(&mut self, of: AdministratorId, but: Option<ConsoleSessionId>) -> StoreResult<u64>;

    /// Adds a one-time link.
    fn insert_console_link(&mut self, link: &ConsoleLink, secret: &TokenDigest) -> StoreResult<()>;
    /// The link of a secret, if it is open.
    fn console_link(&mut self, secret: &TokenDigest, now: Timestamp) -> StoreResult<Option<ConsoleLink>>;
    /// Uses a link up; of concurrent callers exactly one gets it.
    fn take_console_link(&mut self, secret: &TokenDigest, now: Timestamp) -> StoreResult<Option<ConsoleLink>>;
    /// Closes the links of an administrator, or those for a first one.
    fn close_console_links(&mut self, of: Option<AdministratorId>) -> StoreResult<()>;

    /// Uses a challenge up, which is remembered until it ends by itself; of concurrent callers exactly one gets `true`.
    fn use_challenge(&mut self, challenge: &TokenDigest, expires_at: Timestamp) -> StoreResult<bool>;

    /// Removes sessions, links and challenges that ended before `before`, and says how many.
    fn sweep_console(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
