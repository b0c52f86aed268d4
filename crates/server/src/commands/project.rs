//! `project`: tenants.

use anyhow::Result;
use ringfence_core::{
    authority::ProjectRequest,
    caller::Scope,
    error::Noun,
    project::{Project, ProjectPolicy},
};

use crate::{
    admin::{Admin, id, installation, installation_view},
    cli,
    exit::explain,
    output::{fields, table},
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Project) -> Result<()> {
    let ctx = admin.ctx();
    let authority = admin.authority();
    match command {
        cli::Project::List(page) => {
            let after = page.after.as_deref().map(|after| id(after, Noun::Project)).transpose()?;
            let found = authority.projects(&installation_view(), after, page.limit).await.map_err(explain)?;
            list(admin, &found)
        }
        cli::Project::Show { name } => show(admin, &admin.project(name).await?),
        cli::Project::Create { name } => {
            let wanted = ProjectRequest { name: name.clone(), policy: ProjectPolicy::default() };
            let made = authority.create_project(&ctx, &installation(), wanted).await;
            show(admin, &made.map_err(explain)?)
        }
        cli::Project::Disable { name } | cli::Project::Enable { name } => {
            let permit = admin.permit(name, Scope::ProjectsWrite).await?;
            let disabled = matches!(command, cli::Project::Disable { .. });
            show(admin, &authority.disable_project(&ctx, &permit, disabled).await.map_err(explain)?)
        }
    }
}

fn list(admin: &Admin, found: &[Project]) -> Result<()> {
    let views: Vec<_> = found.iter().map(views::project).collect();
    let row = |(project, view): (&Project, &_)| vec![project.id.to_string(), project.name.clone(), views::state(view)];
    let rows: Vec<_> = found.iter().zip(&views).map(row).collect();
    admin.show(&views.into(), || table(&["id", "name", "state"], &rows))
}

fn show(admin: &Admin, project: &Project) -> Result<()> {
    let view = views::project(project);
    admin.show(&view, || fields(&view))
}
