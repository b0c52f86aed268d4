//! Sessions: started, looked at, ended, swept.

use std::sync::LazyLock;

use ringfence_core::{
    ids::{IdentityId, SessionId},
    secret::TokenDigest,
    session::{Session, SessionStore, SessionsOf, Standpoint},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    application::{APPLICATION_COLUMNS, application, application_columns},
    endpoint::{endpoint_columns, opt_endpoint},
    identity::{identity, identity_columns},
    project::{project, project_columns},
    row::{Row, after, json, opt_json},
    sql::{Value, values},
    tx::SqlTx,
};

macro_rules! session_columns {
    () => {
        "session.id, session.project_id, session.application_id, session.confined, session.identity_id, \
         session.issuer_id, session.dialect, session.amr, session.scopes, session.target_id, session.claims, \
         session.auth_time, session.expires_at, session.revoked_at"
    };
}

fn session(row: &mut Row) -> StoreResult<Session> {
    Ok(Session {
        id: row.id()?,
        project: row.id()?,
        application: row.opt_id()?,
        confined: row.int()? != 0,
        identity: row.id()?,
        issuer: row.opt_id()?,
        dialect: row.text()?,
        amr: row.json()?,
        scopes: row.scopes()?,
        target: row.opt_id()?,
        claims: row.opt_json()?,
        auth_time: row.time()?,
        expires_at: row.time()?,
        revoked_at: row.opt_time()?,
    })
}

fn standpoint(row: &mut Row) -> StoreResult<Standpoint> {
    let (session, identity, project) = (session(row)?, identity(row)?, project(row)?);
    let application = if session.application.is_some() {
        Some(application(row)?)
    } else {
        row.skip(APPLICATION_COLUMNS);
        None
    };
    // Last, because all its columns are absent when there is none.
    let endpoint = opt_endpoint(row)?;
    Ok(Standpoint { session, identity, endpoint, application, project })
}

/// One statement per way to name sessions: `$2` names them and `$3` is left out, or narrows them down.
macro_rules! statement_of {
    ($of:expr, $head:expr, $tail:literal) => {
        match $of {
            SessionsOf::Session(_) => concat!($head, "id = $2 AND id <> $3", $tail),
            SessionsOf::Identity(_) | SessionsOf::IdentityExcept(..) => {
                concat!($head, "identity_id = $2 AND id <> $3", $tail)
            }
            SessionsOf::Application(_) => concat!($head, "application_id = $2 AND id <> $3", $tail),
            SessionsOf::Members(..) => concat!(
                $head,
                "identity_id IN (SELECT identity_id FROM membership WHERE application_id = $2) AND dialect = $3",
                $tail
            ),
            SessionsOf::Issuer(_) => concat!($head, "issuer_id = $2 AND id <> $3", $tail),
            SessionsOf::EndpointGroup(_) => concat!(
                $head,
                "identity_id IN (SELECT identity_id FROM endpoint WHERE group_id = $2) AND id <> $3",
                $tail
            ),
            SessionsOf::Project(_) => concat!($head, "project_id = $2 AND id <> $3", $tail),
        }
    };
}

/// The values of `$2` and `$3`.
fn named(of: SessionsOf) -> (Value<'static>, Value<'static>) {
    match of {
        SessionsOf::Session(id) => (id.into(), "".into()),
        SessionsOf::Identity(id) => (id.into(), "".into()),
        SessionsOf::IdentityExcept(id, but) => (id.into(), but.into()),
        SessionsOf::Application(id) => (id.into(), "".into()),
        SessionsOf::Members(id, dialect) => (id.into(), dialect.into()),
        SessionsOf::Issuer(id) => (id.into(), "".into()),
        SessionsOf::EndpointGroup(id) => (id.into(), "".into()),
        SessionsOf::Project(id) => (id.into(), "".into()),
    }
}

/// How many sessions one statement asks about: a node re-checks thousands at a time.
const LIVE_BATCH: usize = 64;

static STILL_LIVE: LazyLock<String> = LazyLock::new(|| {
    let numbers: Vec<_> = (2..LIVE_BATCH + 2).map(|number| format!("${number}")).collect();
    format!(
        "SELECT id, expires_at FROM session WHERE revoked_at IS NULL AND expires_at > $1 AND id IN ({})",
        numbers.join(", ")
    )
});

impl SessionStore for SqlTx<'_> {
    fn insert_session(&mut self, session: &Session, bearer: Option<&TokenDigest>) -> StoreResult<bool> {
        let sql = "INSERT INTO session (id, project_id, application_id, confined, identity_id, issuer_id, dialect, amr,
                 scopes, target_id, claims, bearer, auth_time, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT (bearer) DO NOTHING";
        let values: &[Value<'_>] = values![
            session.id,
            session.project,
            session.application,
            i64::from(session.confined),
            session.identity,
            session.issuer,
            &session.dialect,
            json(&session.amr)?,
            json(&session.scopes)?,
            session.target,
            opt_json(session.claims.as_ref())?,
            bearer,
            session.auth_time,
            session.expires_at,
            session.revoked_at
        ];
        if bearer.is_none() {
            // Nothing can be in its way.
            return self.later(sql, values).map(|()| true);
        }
        self.changed(sql, values)
    }

    fn session(&mut self, id: SessionId) -> StoreResult<Option<Session>> {
        self.one(concat!("SELECT ", session_columns!(), " FROM session WHERE id = $1"), values![id], session)
    }

    fn standpoint(&mut self, id: SessionId) -> StoreResult<Option<Standpoint>> {
        self.one(
            concat!(
                "SELECT ",
                session_columns!(),
                ", ",
                identity_columns!(),
                ", ",
                project_columns!(),
                ", ",
                application_columns!(),
                ", ",
                endpoint_columns!(),
                " FROM session
                  JOIN identity ON identity.id = session.identity_id
                  JOIN project ON project.id = session.project_id
                  LEFT JOIN application ON application.id = session.application_id
                  LEFT JOIN endpoint ON endpoint.identity_id = session.identity_id
                  LEFT JOIN endpoint_group ON endpoint_group.id = endpoint.group_id
                  WHERE session.id = $1"
            ),
            values![id],
            standpoint,
        )
    }

    fn session_by_bearer(&mut self, bearer: &TokenDigest) -> StoreResult<Option<SessionId>> {
        self.one("SELECT id FROM session WHERE bearer = $1", values![bearer], Row::id)
    }

    fn sessions(
        &mut self,
        of: SessionsOf,
        now: Timestamp,
        after_id: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Vec<Session>> {
        let sql = statement_of!(
            of,
            concat!("SELECT ", session_columns!(), " FROM session WHERE expires_at > $1 AND revoked_at IS NULL AND "),
            " AND id > $4 ORDER BY id LIMIT $5"
        );
        let (name, but) = named(of);
        self.all(sql, values![now, name, but, after(after_id), limit], session)
    }

    fn revoke_sessions(&mut self, of: SessionsOf, at: Timestamp) -> StoreResult<Vec<SessionId>> {
        let sql = statement_of!(
            of,
            "UPDATE session SET revoked_at = $1 WHERE ",
            " AND revoked_at IS NULL AND expires_at > $1 RETURNING id"
        );
        let (name, but) = named(of);
        self.all(sql, values![at, name, but], Row::id)
    }

    fn curtail_sessions(&mut self, identity: IdentityId, end: Timestamp) -> StoreResult<()> {
        self.later(
            "UPDATE session SET expires_at = $1 WHERE identity_id = $2 AND expires_at > $1 AND revoked_at IS NULL",
            values![end, identity],
        )
    }

    fn still_live(&mut self, ids: &[SessionId], now: Timestamp) -> StoreResult<Vec<(SessionId, Timestamp)>> {
        let mut live = Vec::with_capacity(ids.len());
        for batch in ids.chunks(LIVE_BATCH) {
            // A short batch repeats its last id, so that one statement serves every length.
            let padding = batch.last().into_iter().cycle().take(LIVE_BATCH - batch.len());
            let mut values = vec![Value::from(now)];
            values.extend(batch.iter().chain(padding).map(|id| Value::from(*id)));
            live.extend(self.all(&STILL_LIVE, &values, |row| Ok((row.id()?, row.time()?)))?);
        }
        Ok(live)
    }

    fn sweep_sessions(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        // Two arms, so that each uses its index; the second skips what the first has, and keeps ended sessions of foreign
        // tokens as long as those could be shown again.
        let owners: Vec<IdentityId> = self.all(
            "DELETE FROM session WHERE id IN (
                 SELECT id FROM session WHERE expires_at < $1
                 UNION ALL
                 SELECT id FROM session WHERE revoked_at < $1 AND expires_at >= $1 AND bearer IS NULL
                 LIMIT $2)
             RETURNING identity_id",
            values![before, limit],
            Row::id,
        )?;
        for owner in &owners {
            self.later(
                "DELETE FROM identifier WHERE identity_id = $1
                 AND EXISTS (SELECT 1 FROM identity WHERE id = $1 AND kind = 'guest')
                 AND NOT EXISTS (SELECT 1 FROM session WHERE identity_id = $1)",
                values![*owner],
            )?;
            self.later(
                "DELETE FROM identity WHERE id = $1 AND kind = 'guest'
                 AND NOT EXISTS (SELECT 1 FROM session WHERE identity_id = $1)",
                values![*owner],
            )?;
        }
        Ok(owners.len() as u64)
    }
}
