//! Administrators, their factors, the sessions and links of their console.

use ringfence_core::{
    administrator::{Administrator, AdministratorStore, ConsoleLink, ConsoleSession, Passkey, Role, Stage, Totp},
    ids::{AdministratorId, ConsoleSessionId, PasskeyId},
    password::PasswordHash,
    seal::Sealed,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::Row,
    sql::{backend, values},
    tx::SqlTx,
};

macro_rules! administrator_columns {
    () => {
        "administrator.id, administrator.name, administrator.role, administrator.version, administrator.created_at, \
         administrator.signed_in_at"
    };
}

fn administrator(row: &mut Row) -> StoreResult<Administrator> {
    Ok(Administrator {
        id: row.id()?,
        name: row.text()?,
        role: row.word(Role::parse)?,
        version: row.int()?,
        created_at: row.time()?,
        signed_in_at: row.opt_time()?,
    })
}

macro_rules! passkey_columns {
    () => {
        "id, administrator_id, name, credential, public_key, alg, sign_count, created_at, used_at"
    };
}

fn passkey(row: &mut Row) -> StoreResult<Passkey> {
    Ok(Passkey {
        id: row.id()?,
        administrator: row.id()?,
        name: row.text()?,
        credential: row.text()?,
        public_key: row.text()?,
        alg: row.int()?,
        sign_count: row.count()?,
        created_at: row.time()?,
        used_at: row.opt_time()?,
    })
}

macro_rules! session_columns {
    () => {
        "console_session.id, console_session.administrator_id, console_session.stage, console_session.amr, \
         console_session.pending_totp, console_session.began_at, console_session.seen_at, console_session.expires_at"
    };
}

fn session(row: &mut Row) -> StoreResult<ConsoleSession> {
    Ok(ConsoleSession {
        id: row.id()?,
        administrator: row.id()?,
        stage: row.word(Stage::parse)?,
        amr: row.text()?,
        pending: row.opt_text()?.map(Sealed::stored),
        began_at: row.time()?,
        seen_at: row.time()?,
        expires_at: row.time()?,
    })
}

fn totp(row: &mut Row) -> StoreResult<Option<Totp>> {
    let (seed, used_step) = (row.opt_text()?, row.opt_int()?);
    Ok(seed.map(|seed| Totp { seed: Sealed::stored(seed), used_step: used_step.unwrap_or(0) }))
}

fn link(row: &mut Row) -> StoreResult<ConsoleLink> {
    Ok(ConsoleLink { administrator: row.opt_id()?, expires_at: row.time()? })
}

impl AdministratorStore for SqlTx<'_> {
    fn insert_administrator(&mut self, new: &Administrator) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO administrator (id, name, role, version, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO NOTHING",
            values![new.id, &new.name, new.role.as_str(), new.version, new.created_at],
        )
    }

    fn administrator(&mut self, id: AdministratorId) -> StoreResult<Option<Administrator>> {
        self.one(
            concat!("SELECT ", administrator_columns!(), " FROM administrator WHERE id = $1"),
            values![id],
            administrator,
        )
    }

    fn administrator_to_change(&mut self, id: AdministratorId) -> StoreResult<Option<Administrator>> {
        self.one(
            concat!("UPDATE administrator SET version = version WHERE id = $1 RETURNING ", administrator_columns!()),
            values![id],
            administrator,
        )
    }

    fn administrator_by_name(&mut self, name: &str) -> StoreResult<Option<Administrator>> {
        self.one(
            concat!("SELECT ", administrator_columns!(), " FROM administrator WHERE name = $1"),
            values![name],
            administrator,
        )
    }

    fn administrators(&mut self, limit: u32) -> StoreResult<Vec<Administrator>> {
        self.all(
            concat!("SELECT ", administrator_columns!(), " FROM administrator ORDER BY id LIMIT $1"),
            values![limit],
            administrator,
        )
    }

    fn update_administrator(&mut self, changed: &Administrator) -> StoreResult<()> {
        self.later(
            "UPDATE administrator SET role = $1, version = $2, signed_in_at = $3 WHERE id = $4",
            values![changed.role.as_str(), changed.version, changed.signed_in_at, changed.id],
        )
    }

    fn delete_administrator(&mut self, id: AdministratorId) -> StoreResult<bool> {
        self.changed("DELETE FROM administrator WHERE id = $1", values![id])
    }

    fn administrator_password(&mut self, id: AdministratorId) -> StoreResult<Option<PasswordHash>> {
        let found = self.one("SELECT password FROM administrator WHERE id = $1", values![id], Row::opt_text)?;
        Ok(found.flatten().map(PasswordHash::stored))
    }

    fn set_administrator_password(&mut self, id: AdministratorId, hash: Option<&PasswordHash>) -> StoreResult<()> {
        self.later("UPDATE administrator SET password = $1 WHERE id = $2", values![hash, id])
    }

    fn totp(&mut self, id: AdministratorId) -> StoreResult<Option<Totp>> {
        let found = self.one("SELECT totp_seed, totp_used_step FROM administrator WHERE id = $1", values![id], totp)?;
        Ok(found.flatten())
    }

    fn set_totp(&mut self, id: AdministratorId, totp: Option<&Totp>) -> StoreResult<()> {
        let (seed, step) = (totp.map(|totp| &totp.seed), totp.map(|totp| totp.used_step));
        self.later(
            "UPDATE administrator SET totp_seed = $1, totp_used_step = $2 WHERE id = $3",
            values![seed, step, id],
        )
    }

    fn use_totp_step(&mut self, id: AdministratorId, step: i64) -> StoreResult<bool> {
        self.changed(
            "UPDATE administrator SET totp_used_step = $1 WHERE id = $2 AND totp_used_step < $1",
            values![step, id],
        )
    }

    fn all_totp(&mut self) -> StoreResult<Vec<(AdministratorId, Totp)>> {
        let all = self.all(
            "SELECT id, totp_seed, totp_used_step FROM administrator WHERE totp_seed IS NOT NULL ORDER BY id",
            &[],
            |row| Ok((row.id()?, totp(row)?)),
        )?;
        Ok(all.into_iter().filter_map(|(id, totp)| Some((id, totp?))).collect())
    }

    fn replace_recovery_codes(&mut self, id: AdministratorId, codes: &[TokenDigest]) -> StoreResult<()> {
        self.later("DELETE FROM administrator_recovery WHERE administrator_id = $1", values![id])?;
        for code in codes {
            self.later(
                "INSERT INTO administrator_recovery (administrator_id, code) VALUES ($1, $2)",
                values![id, code],
            )?;
        }
        Ok(())
    }

    fn use_recovery_code(&mut self, id: AdministratorId, code: &TokenDigest) -> StoreResult<bool> {
        self.changed("DELETE FROM administrator_recovery WHERE administrator_id = $1 AND code = $2", values![id, code])
    }

    fn recovery_codes(&mut self, id: AdministratorId) -> StoreResult<u32> {
        let codes =
            self.all("SELECT code FROM administrator_recovery WHERE administrator_id = $1", values![id], |row| {
                row.text().map(drop)
            })?;
        u32::try_from(codes.len()).map_err(backend)
    }

    fn insert_passkey(&mut self, passkey: &Passkey) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO passkey (id, administrator_id, name, credential, public_key, alg, sign_count, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (credential) DO NOTHING",
            values![
                passkey.id,
                passkey.administrator,
                &passkey.name,
                &passkey.credential,
                &passkey.public_key,
                passkey.alg,
                passkey.sign_count,
                passkey.created_at
            ],
        )
    }

    fn passkeys(&mut self, id: AdministratorId) -> StoreResult<Vec<Passkey>> {
        self.all(
            concat!("SELECT ", passkey_columns!(), " FROM passkey WHERE administrator_id = $1 ORDER BY id"),
            values![id],
            passkey,
        )
    }

    fn passkey(&mut self, credential: &str) -> StoreResult<Option<Passkey>> {
        self.one(
            concat!("SELECT ", passkey_columns!(), " FROM passkey WHERE credential = $1"),
            values![credential],
            passkey,
        )
    }

    fn use_passkey(&mut self, id: PasskeyId, from: u32, to: u32, at: Timestamp) -> StoreResult<bool> {
        self.changed(
            "UPDATE passkey SET sign_count = $1, used_at = $2 WHERE id = $3 AND sign_count = $4",
            values![to, at, id, from],
        )
    }

    fn delete_passkey(&mut self, owner: AdministratorId, id: PasskeyId) -> StoreResult<bool> {
        self.changed("DELETE FROM passkey WHERE administrator_id = $1 AND id = $2", values![owner, id])
    }

    fn delete_passkeys(&mut self, owner: AdministratorId) -> StoreResult<()> {
        self.later("DELETE FROM passkey WHERE administrator_id = $1", values![owner])
    }

    fn insert_console_session(&mut self, session: &ConsoleSession, token: &TokenDigest) -> StoreResult<()> {
        self.later(
            "INSERT INTO console_session (id, token, administrator_id, stage, amr, pending_totp, began_at, seen_at,
                 expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            values![
                session.id,
                token,
                session.administrator,
                session.stage.as_str(),
                &session.amr,
                session.pending.as_ref(),
                session.began_at,
                session.seen_at,
                session.expires_at
            ],
        )
    }

    fn console_session(&mut self, token: &TokenDigest) -> StoreResult<Option<(ConsoleSession, Administrator)>> {
        self.one(
            concat!(
                "SELECT ",
                session_columns!(),
                ", ",
                administrator_columns!(),
                " FROM console_session JOIN administrator ON administrator.id = console_session.administrator_id
                  WHERE console_session.token = $1"
            ),
            values![token],
            |row| Ok((session(row)?, administrator(row)?)),
        )
    }

    fn console_sessions(&mut self, of: AdministratorId) -> StoreResult<Vec<ConsoleSession>> {
        self.all(
            concat!("SELECT ", session_columns!(), " FROM console_session WHERE administrator_id = $1 ORDER BY id"),
            values![of],
            session,
        )
    }

    fn see_console_session(&mut self, id: ConsoleSessionId, at: Timestamp) -> StoreResult<()> {
        self.later("UPDATE console_session SET seen_at = $1 WHERE id = $2 AND seen_at < $1", values![at, id])
    }

    fn set_pending_totp(&mut self, id: ConsoleSessionId, seed: Option<&Sealed>) -> StoreResult<()> {
        self.later("UPDATE console_session SET pending_totp = $1 WHERE id = $2", values![seed, id])
    }

    fn end_console_session(&mut self, id: ConsoleSessionId) -> StoreResult<bool> {
        self.changed("DELETE FROM console_session WHERE id = $1", values![id])
    }

    fn end_console_sessions(&mut self, of: AdministratorId, but: Option<ConsoleSessionId>) -> StoreResult<u64> {
        let but = but.map_or_else(String::new, |id| id.to_string());
        self.execute("DELETE FROM console_session WHERE administrator_id = $1 AND id <> $2", values![of, &but])
    }

    fn insert_console_link(&mut self, link: &ConsoleLink, secret: &TokenDigest) -> StoreResult<()> {
        self.later(
            "INSERT INTO console_link (secret, administrator_id, expires_at) VALUES ($1, $2, $3)",
            values![secret, link.administrator, link.expires_at],
        )
    }

    fn console_link(&mut self, secret: &TokenDigest, now: Timestamp) -> StoreResult<Option<ConsoleLink>> {
        self.one(
            "SELECT administrator_id, expires_at FROM console_link WHERE secret = $1 AND expires_at > $2",
            values![secret, now],
            link,
        )
    }

    fn take_console_link(&mut self, secret: &TokenDigest, now: Timestamp) -> StoreResult<Option<ConsoleLink>> {
        self.one(
            "DELETE FROM console_link WHERE secret = $1 AND expires_at > $2 RETURNING administrator_id, expires_at",
            values![secret, now],
            link,
        )
    }

    fn close_console_links(&mut self, of: Option<AdministratorId>) -> StoreResult<()> {
        match of {
            Some(id) => self.later("DELETE FROM console_link WHERE administrator_id = $1", values![id]),
            None => self.later("DELETE FROM console_link WHERE administrator_id IS NULL", &[]),
        }
    }

    fn use_challenge(&mut self, challenge: &TokenDigest, expires_at: Timestamp) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO passkey_challenge (challenge, expires_at) VALUES ($1, $2) ON CONFLICT (challenge) DO NOTHING",
            values![challenge, expires_at],
        )
    }

    fn sweep_console(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let sessions = self.execute(
            "DELETE FROM console_session WHERE id IN (
                 SELECT id FROM console_session WHERE expires_at < $1 LIMIT $2)",
            values![before, limit],
        )?;
        let links = self.execute("DELETE FROM console_link WHERE expires_at < $1", values![before])?;
        let challenges = self.execute(
            "DELETE FROM passkey_challenge WHERE challenge IN (
                 SELECT challenge FROM passkey_challenge WHERE expires_at < $1 LIMIT $2)",
            values![before, limit],
        )?;
        Ok(sessions.max(links).max(challenges))
    }
}
