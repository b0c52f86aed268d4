//! Applications and their aliases.

use ringfence_core::{
    application::{Alias, Application, ApplicationStore},
    ids::{ApplicationId, ProjectId},
    project::Project,
    store::StoreResult,
};

use crate::{
    project::{project, project_columns},
    row::{Row, after, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! application_columns {
    () => {
        "application.id, application.project_id, application.name, application.settings, application.disabled_at, \
         application.created_at, application.updated_at"
    };
}
pub(crate) use application_columns;

/// How many those are.
pub const APPLICATION_COLUMNS: usize = 7;

pub fn application(row: &mut Row) -> StoreResult<Application> {
    Ok(Application {
        id: row.id()?,
        project: row.id()?,
        name: row.text()?,
        settings: row.json()?,
        disabled_at: row.opt_time()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

fn home(row: &mut Row) -> StoreResult<(Application, Project)> {
    Ok((application(row)?, project(row)?))
}

impl ApplicationStore for SqlTx<'_> {
    fn insert_application(&mut self, application: &Application) -> StoreResult<()> {
        self.later(
            "INSERT INTO application (id, project_id, name, settings, disabled_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![
                application.id,
                application.project,
                &application.name,
                json(&application.settings)?,
                application.disabled_at,
                application.created_at,
                application.updated_at
            ],
        )
    }

    fn application(&mut self, id: ApplicationId) -> StoreResult<Option<Application>> {
        self.one(
            concat!("SELECT ", application_columns!(), " FROM application WHERE id = $1"),
            values![id],
            application,
        )
    }

    fn application_to_change(&mut self, id: ApplicationId) -> StoreResult<Option<Application>> {
        self.one(
            concat!("UPDATE application SET updated_at = updated_at WHERE id = $1 RETURNING ", application_columns!()),
            values![id],
            application,
        )
    }

    fn application_by_name(&mut self, project: ProjectId, name: &str) -> StoreResult<Option<Application>> {
        self.one(
            concat!(
                "SELECT ",
                application_columns!(),
                " FROM application WHERE project_id = $1 AND name = $2 ORDER BY id LIMIT 1"
            ),
            values![project, name],
            application,
        )
    }

    fn home(&mut self, id: ApplicationId) -> StoreResult<Option<(Application, Project)>> {
        self.one(
            concat!(
                "SELECT ",
                application_columns!(),
                ", ",
                project_columns!(),
                " FROM application JOIN project ON project.id = application.project_id WHERE application.id = $1"
            ),
            values![id],
            home,
        )
    }

    fn home_by_alias(&mut self, scheme: &str, value: &str) -> StoreResult<Option<(Application, Project)>> {
        self.one(
            concat!(
                "SELECT ",
                application_columns!(),
                ", ",
                project_columns!(),
                " FROM application_alias JOIN application ON application.id = application_alias.application_id
                  JOIN project ON project.id = application.project_id
                  WHERE application_alias.scheme = $1 AND application_alias.value = $2"
            ),
            values![scheme, value],
            home,
        )
    }

    fn applications(
        &mut self,
        project: ProjectId,
        after_id: Option<ApplicationId>,
        limit: u32,
    ) -> StoreResult<Vec<Application>> {
        self.all(
            concat!(
                "SELECT ",
                application_columns!(),
                " FROM application WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3"
            ),
            values![project, after(after_id), limit],
            application,
        )
    }

    fn update_application(&mut self, application: &Application) -> StoreResult<()> {
        self.later(
            "UPDATE application SET name = $1, settings = $2, disabled_at = $3, updated_at = $4 WHERE id = $5",
            values![
                &application.name,
                json(&application.settings)?,
                application.disabled_at,
                application.updated_at,
                application.id
            ],
        )
    }

    fn set_alias(&mut self, application: ApplicationId, alias: &Alias) -> StoreResult<bool> {
        // The update changes nothing; it makes "has it already" count as a touched row and "another has it" not.
        self.changed(
            "INSERT INTO application_alias (scheme, value, application_id) VALUES ($1, $2, $3)
             ON CONFLICT (scheme, value) DO UPDATE SET application_id = excluded.application_id
             WHERE application_alias.application_id = excluded.application_id",
            values![&alias.scheme, &alias.value, application],
        )
    }

    fn remove_alias(&mut self, application: ApplicationId, alias: &Alias) -> StoreResult<bool> {
        self.changed(
            "DELETE FROM application_alias WHERE scheme = $1 AND value = $2 AND application_id = $3",
            values![&alias.scheme, &alias.value, application],
        )
    }

    fn aliases(&mut self, application: ApplicationId) -> StoreResult<Vec<Alias>> {
        let mut aliases = self.all(
            "SELECT scheme, value FROM application_alias WHERE application_id = $1",
            values![application],
            |row| Ok(Alias { scheme: row.text()?, value: row.text()? }),
        )?;
        aliases.sort();
        Ok(aliases)
    }
}
