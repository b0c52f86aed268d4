//! The outbox: events written with what they tell of, placed after the commit, read in order, swept.

use ringfence_core::{
    ids::{EventId, ProjectId},
    outbox::{EventKind, EventSubject, NewEvent, OutboxEvent, OutboxState, OutboxStore, Place},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! outbox_columns {
    () => {
        "outbox.id, outbox.project_id, outbox.kind, outbox.session_id, outbox.identity_id, outbox.detail, \
         outbox.occurred_at, outbox.stored_at"
    };
}

pub fn event(row: &mut Row) -> StoreResult<OutboxEvent> {
    Ok(OutboxEvent {
        id: row.id()?,
        project: row.id()?,
        kind: row.word(EventKind::parse)?,
        session: row.opt_id()?,
        identity: row.id()?,
        detail: row.json()?,
        occurred_at: row.time()?,
        stored_at: row.time()?,
    })
}

fn placed(row: &mut Row) -> StoreResult<(Place, OutboxEvent)> {
    Ok((Place(row.int()?), event(row)?))
}

pub(crate) use outbox_columns;

impl OutboxStore for SqlTx<'_> {
    fn append_event(&mut self, event: &NewEvent) -> StoreResult<()> {
        let told = &event.told;
        let (id, kind, detail) = (event.id, told.kind.as_str(), json(&told.detail)?);
        match told.subject {
            EventSubject::Session(session) => self.later(
                "INSERT INTO outbox (id, project_id, kind, session_id, identity_id, detail, occurred_at, stored_at)
                 SELECT CAST($1 AS TEXT), session.project_id, CAST($2 AS TEXT), session.id, session.identity_id,
                     CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT)
                 FROM session WHERE session.id = $6",
                values![id, kind, detail, event.occurred_at, event.stored_at, session],
            ),
            EventSubject::Identity(identity) => self.later(
                "INSERT INTO outbox (id, project_id, kind, identity_id, detail, occurred_at, stored_at)
                 SELECT CAST($1 AS TEXT), identity.project_id, CAST($2 AS TEXT), identity.id, CAST($3 AS TEXT),
                     CAST($4 AS BIGINT), CAST($5 AS BIGINT)
                 FROM identity WHERE identity.id = $6",
                values![id, kind, detail, event.occurred_at, event.stored_at, identity],
            ),
        }
    }

    fn outbox_state(&mut self) -> StoreResult<OutboxState> {
        let state = self.one(
            "SELECT place, (SELECT count(*) FROM (SELECT id FROM outbox WHERE place IS NULL LIMIT 1) AS waiting),
                 (SELECT count(*) FROM (SELECT id FROM webhook WHERE disabled_at IS NULL LIMIT 1) AS listening)
             FROM outbox_mark WHERE name = 'placed'",
            &[],
            |row| Ok(OutboxState { placed: Place(row.int()?), waiting: row.int()? > 0, webhooks: row.int()? > 0 }),
        )?;
        Ok(state.unwrap_or(OutboxState { placed: Place(0), waiting: false, webhooks: false }))
    }

    fn place_events(&mut self, limit: u32) -> StoreResult<u64> {
        // Takes the row, so that on PostgreSQL another one waits here, and then sees what this one did.
        let last =
            self.one("UPDATE outbox_mark SET place = place WHERE name = 'placed' RETURNING place", &[], Row::int)?;
        let count = self.execute(
            "UPDATE outbox SET place = $1 + numbered.number
             FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM outbox WHERE place IS NULL
                 ORDER BY id LIMIT $2) AS numbered
             WHERE outbox.id = numbered.id",
            values![last.unwrap_or(0), limit],
        )?;
        let count_in_sql = i64::try_from(count).unwrap_or(i64::MAX);
        self.later("UPDATE outbox_mark SET place = place + $1 WHERE name = 'placed'", values![count_in_sql])?;
        Ok(count)
    }

    fn events_after(
        &mut self,
        project: ProjectId,
        after: Place,
        since: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(Place, OutboxEvent)>> {
        self.all(
            concat!(
                "SELECT outbox.place, ",
                outbox_columns!(),
                " FROM outbox WHERE project_id = $1 AND place > $2 AND stored_at >= $3 ORDER BY place LIMIT $4"
            ),
            values![project, after.0, since, limit],
            placed,
        )
    }

    fn event(&mut self, id: EventId) -> StoreResult<Option<OutboxEvent>> {
        self.one(concat!("SELECT ", outbox_columns!(), " FROM outbox WHERE id = $1"), values![id], event)
    }

    fn events_forgotten_to(&mut self, project: ProjectId) -> StoreResult<Place> {
        let mark = self.one("SELECT place FROM outbox_mark WHERE name = $1", values![project], Row::int)?;
        Ok(Place(mark.unwrap_or(0)))
    }

    fn projects_with_events(&mut self, before: Timestamp) -> StoreResult<Vec<ProjectId>> {
        self.all("SELECT DISTINCT project_id FROM outbox WHERE stored_at < $1", values![before], Row::id)
    }

    fn sweep_events(&mut self, project: ProjectId, before: Timestamp, limit: u32) -> StoreResult<u64> {
        let gone: Vec<i64> = self.all(
            "DELETE FROM outbox WHERE id IN (
                 SELECT id FROM outbox WHERE project_id = $1 AND stored_at < $2 AND place IS NOT NULL
                 ORDER BY place LIMIT $3)
             RETURNING place",
            values![project, before, limit],
            Row::int,
        )?;
        if let Some(last) = gone.iter().max() {
            self.later(
                "INSERT INTO outbox_mark (name, place) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET place = excluded.place WHERE outbox_mark.place < excluded.place",
                values![project, *last],
            )?;
        }
        Ok(gone.len() as u64)
    }
}
