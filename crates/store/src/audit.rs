//! The audit log and the heads of its chains.

use ringfence_core::{
    audit::{AuditEvent, AuditStore, Link},
    ids::{AuditId, ProjectId},
    store::StoreResult,
};

use crate::{
    row::{Row, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! audit_columns {
    () => {
        "id, project_id, happened_at, actor, action, subject, detail"
    };
}

fn event(row: &mut Row) -> StoreResult<AuditEvent> {
    Ok(AuditEvent {
        id: row.id()?,
        project: row.id()?,
        at: row.time()?,
        actor: row.text()?,
        action: row.text()?,
        subject: row.text()?,
        detail: row.json()?,
    })
}

fn link(row: &mut Row) -> StoreResult<Link> {
    Ok(Link { seq: row.int()?, hash: row.text()? })
}

impl AuditStore for SqlTx<'_> {
    fn append_audit(&mut self, event: &AuditEvent) -> StoreResult<()> {
        if event.project == ProjectId::INSTALLATION {
            // What its entries and its chain refer to: a project that is none, has no people and is in no list.
            self.later(
                "INSERT INTO project (id, name, policy, disabled_at, created_at, updated_at)
                 VALUES ($1, '', '{}', 0, 0, 0) ON CONFLICT (id) DO NOTHING",
                values![event.project],
            )?;
        }
        self.later(
            "INSERT INTO audit_event (id, project_id, happened_at, actor, action, subject, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![
                event.id,
                event.project,
                event.at,
                &event.actor,
                &event.action,
                &event.subject,
                json(&event.detail)?
            ],
        )
    }

    fn projects_with_unlinked_audit(&mut self, limit: u32) -> StoreResult<Vec<ProjectId>> {
        // One look into the index per project; DISTINCT would read every entry that waits.
        self.all(
            "SELECT id FROM project WHERE EXISTS (
                 SELECT 1 FROM audit_event WHERE audit_event.project_id = project.id AND audit_event.seq IS NULL)
             ORDER BY id LIMIT $1",
            values![limit],
            Row::id,
        )
    }

    fn unlinked_audit(&mut self, project: ProjectId, limit: u32) -> StoreResult<Vec<AuditEvent>> {
        self.all(
            concat!(
                "SELECT ",
                audit_columns!(),
                " FROM audit_event WHERE project_id = $1 AND seq IS NULL ORDER BY id LIMIT $2"
            ),
            values![project, limit],
            event,
        )
    }

    fn audit_head(&mut self, project: ProjectId) -> StoreResult<Option<Link>> {
        self.one("SELECT seq, hash FROM audit_head WHERE project_id = $1", values![project], link)
    }

    fn advance_audit_head(&mut self, project: ProjectId, from: Option<&Link>, to: &Link) -> StoreResult<bool> {
        match from {
            None => self.changed(
                "INSERT INTO audit_head (project_id, seq, hash) VALUES ($1, $2, $3)
                 ON CONFLICT (project_id) DO NOTHING",
                values![project, to.seq, &to.hash],
            ),
            Some(from) => self.changed(
                "UPDATE audit_head SET seq = $1, hash = $2 WHERE project_id = $3 AND seq = $4 AND hash = $5",
                values![to.seq, &to.hash, project, from.seq, &from.hash],
            ),
        }
    }

    fn link_audit(&mut self, id: AuditId, link: &Link) -> StoreResult<()> {
        self.later("UPDATE audit_event SET seq = $1, hash = $2 WHERE id = $3", values![link.seq, &link.hash, id])
    }

    fn audit_log(&mut self, project: ProjectId, after_seq: i64, limit: u32) -> StoreResult<Vec<(AuditEvent, Link)>> {
        self.all(
            concat!(
                "SELECT ",
                audit_columns!(),
                ", seq, hash FROM audit_event WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
            ),
            values![project, after_seq, limit],
            |row| Ok((event(row)?, link(row)?)),
        )
    }

    fn sweep_audit(&mut self, project: ProjectId, through_seq: i64, limit: u32) -> StoreResult<u64> {
        self.execute(
            "DELETE FROM audit_event WHERE id IN (
                 SELECT id FROM audit_event WHERE project_id = $1 AND seq <= $2 ORDER BY seq LIMIT $3)",
            values![project, through_seq, limit],
        )
    }
}
