//! `application`: what requests come from.

use anyhow::{Context as _, Result};
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::ApplicationRequest,
    caller::{Permit, Scope},
    error::{AuthError, Noun},
    ids::ApplicationId,
    project::ProjectRef,
};

use crate::{
    admin::{Admin, id},
    cli,
    exit::explain,
    output::{fields, table},
    provision::{ALIAS_SCHEMES, alias_scheme},
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Application) -> Result<()> {
    let authority = admin.authority();
    match command {
        cli::Application::List { of, page } => {
            let permit = admin.permit(&of.project, Scope::ProjectsRead).await?;
            let after = page.after.as_deref().map(|after| id(after, Noun::Application)).transpose()?;
            list(admin, &authority.applications(&permit, after, page.limit).await.map_err(explain)?)
        }
        cli::Application::Show { of, name } => {
            let permit = admin.permit(&of.project, Scope::ProjectsRead).await?;
            show(admin, &by_name(admin, &permit, name).await?).await
        }
        cli::Application::Create { of, name, publishable_key, aliases } => {
            let permit = admin.permit(&of.project, Scope::ProjectsWrite).await?;
            let mut names = Vec::new();
            let key = publishable_key.iter().map(|key| ("publishable_key", key));
            for (dialect, value) in key.chain(aliases.iter().map(|(dialect, value)| (dialect.as_str(), value))) {
                names.push(Alias { scheme: alias_scheme(dialect)?.to_owned(), value: value.clone() });
            }
            let settings = ApplicationSettings::default();
            let wanted = ApplicationRequest { name: name.clone(), settings, aliases: names };
            let made = authority.create_application(&admin.ctx(), &permit, wanted).await;
            show(admin, &made.map_err(explain)?).await
        }
        cli::Application::Disable { of, name } | cli::Application::Enable { of, name } => {
            let permit = admin.permit(&of.project, Scope::ProjectsWrite).await?;
            let found = by_name(admin, &permit, name).await?;
            let disabled = matches!(command, cli::Application::Disable { .. });
            let changed = authority.disable_application(&admin.ctx(), &permit, found.id, disabled).await;
            show(admin, &changed.map_err(explain)?).await
        }
    }
}

/// An application of the permit's project by name, id in either form, or alias.
pub async fn by_name(admin: &Admin, permit: &Permit, named: &str) -> Result<Application> {
    let authority = admin.authority();
    let id = named.parse().ok().or_else(|| ApplicationId::from_short(named));
    let mut references: Vec<_> = id.map(ProjectRef::Application).into_iter().collect();
    references.extend(ALIAS_SCHEMES.iter().map(|scheme| ProjectRef::Alias { scheme, value: named.to_owned() }));
    match authority.application_by_name(permit, named).await {
        Err(AuthError::NotFound(_)) => {}
        found => return found.map_err(explain),
    }
    for reference in references {
        match authority.find_application(reference).await {
            Ok((project, found)) if project.id == permit.project() => return Ok(found),
            Ok(_) | Err(AuthError::NotFound(_)) => {}
            Err(error) => return Err(explain(error)),
        }
    }
    Err(explain(AuthError::NotFound(Noun::Application))).with_context(|| format!("application {named}"))
}

fn list(admin: &Admin, found: &[Application]) -> Result<()> {
    let views: Vec<_> = found.iter().map(|application| views::application(application, None)).collect();
    let row = |(found, view): (&Application, &_)| vec![found.id.to_string(), found.name.clone(), views::state(view)];
    let rows: Vec<_> = found.iter().zip(&views).map(row).collect();
    admin.show(&views.into(), || table(&["id", "name", "state"], &rows))
}

async fn show(admin: &Admin, application: &Application) -> Result<()> {
    let aliases = admin.authority().aliases(application.id).await.map_err(explain)?;
    let view = views::application(application, Some(&aliases));
    admin.show(&view, || fields(&view))
}
