//! Projects, guest targets and facts about the installation.

use ringfence_core::{
    ids::{GuestTargetId, ProjectId},
    project::{GuestTarget, Project, ProjectStore},
    store::StoreResult,
};

use crate::{
    row::{Row, after, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! project_columns {
    () => {
        "project.id, project.name, project.policy, project.disabled_at, project.created_at, project.updated_at"
    };
}
pub(crate) use project_columns;

pub fn project(row: &mut Row) -> StoreResult<Project> {
    Ok(Project {
        id: row.id()?,
        name: row.text()?,
        policy: row.json()?,
        disabled_at: row.opt_time()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

macro_rules! guest_target_columns {
    () => {
        "id, project_id, kind, name, created_at"
    };
}

fn guest_target(row: &mut Row) -> StoreResult<GuestTarget> {
    Ok(GuestTarget { id: row.id()?, project: row.id()?, kind: row.text()?, name: row.text()?, created_at: row.time()? })
}

impl ProjectStore for SqlTx<'_> {
    fn insert_project(&mut self, project: &Project) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO project (id, name, policy, disabled_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
            values![
                project.id,
                &project.name,
                json(&project.policy)?,
                project.disabled_at,
                project.created_at,
                project.updated_at
            ],
        )
    }

    fn project(&mut self, id: ProjectId) -> StoreResult<Option<Project>> {
        self.one(concat!("SELECT ", project_columns!(), " FROM project WHERE id = $1"), values![id], project)
    }

    fn project_to_change(&mut self, id: ProjectId) -> StoreResult<Option<Project>> {
        self.one(
            concat!("UPDATE project SET updated_at = updated_at WHERE id = $1 RETURNING ", project_columns!()),
            values![id],
            project,
        )
    }

    fn project_by_name(&mut self, name: &str) -> StoreResult<Option<Project>> {
        self.one(
            concat!("SELECT ", project_columns!(), " FROM project WHERE name = $1 AND id <> $2"),
            values![name, ProjectId::INSTALLATION],
            project,
        )
    }

    fn projects(&mut self, after_id: Option<ProjectId>, limit: u32) -> StoreResult<Vec<Project>> {
        self.all(
            concat!("SELECT ", project_columns!(), " FROM project WHERE id > $1 AND id <> $2 ORDER BY id LIMIT $3"),
            // The installation has an audit chain and is no project.
            values![after(after_id), ProjectId::INSTALLATION, limit],
            project,
        )
    }

    fn update_project(&mut self, project: &Project) -> StoreResult<()> {
        self.later(
            "UPDATE project SET policy = $1, disabled_at = $2, updated_at = $3 WHERE id = $4",
            values![json(&project.policy)?, project.disabled_at, project.updated_at, project.id],
        )
    }

    fn insert_guest_target(&mut self, target: &GuestTarget) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO guest_target (id, project_id, kind, name, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project_id, kind, name) DO NOTHING",
            values![target.id, target.project, &target.kind, &target.name, target.created_at],
        )
    }

    fn guest_target(&mut self, project: ProjectId, kind: &str, name: &str) -> StoreResult<Option<GuestTarget>> {
        self.one(
            concat!(
                "SELECT ",
                guest_target_columns!(),
                " FROM guest_target WHERE project_id = $1 AND kind = $2 AND name = $3"
            ),
            values![project, kind, name],
            guest_target,
        )
    }

    fn guest_targets(&mut self, project: ProjectId) -> StoreResult<Vec<GuestTarget>> {
        self.all(
            concat!("SELECT ", guest_target_columns!(), " FROM guest_target WHERE project_id = $1 ORDER BY id"),
            values![project],
            guest_target,
        )
    }

    fn delete_guest_target(&mut self, id: GuestTargetId) -> StoreResult<bool> {
        self.changed("DELETE FROM guest_target WHERE id = $1", values![id])
    }

    fn installation_fact(&mut self, name: &str) -> StoreResult<Option<String>> {
        self.one("SELECT fact FROM installation_fact WHERE name = $1", values![name], Row::text)
    }

    fn set_installation_fact(&mut self, name: &str, value: &str) -> StoreResult<()> {
        self.later(
            "INSERT INTO installation_fact (name, fact) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET fact = excluded.fact",
            values![name, value],
        )
    }
}
