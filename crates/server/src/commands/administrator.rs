//! `administrator`: who may use the console.

use anyhow::{Context as _, Result};
use ringfence_core::{
    administrator::{Administrator, Role},
    authority::{Authority, MintedAdministrator},
    caller::{Caller, Permit, Scope},
    context::Ctx,
    ids::ProjectId,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    admin::Admin,
    cli::{self, AdministratorRole},
    exit::explain,
    output::{fields, table},
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Administrator) -> Result<()> {
    let (authority, ctx, permit) = (admin.authority(), admin.ctx(), over_administrators());
    match command {
        cli::Administrator::Create { name, role } => {
            let made = authority.create_administrator(&ctx, &permit, name, role.into()).await;
            show_link(admin, &made.map_err(explain)?)
        }
        cli::Administrator::List => list(admin, &authority.administrators(&permit).await.map_err(explain)?),
        cli::Administrator::Role { name, role } => {
            let found = by_name(authority, &permit, name).await?;
            let changed = authority.set_administrator_role(&ctx, &permit, found.id, role.into(), None).await;
            let value = view(&changed.map_err(explain)?);
            admin.show(&value, || fields(&value))
        }
        cli::Administrator::Delete { name } => {
            let found = by_name(authority, &permit, name).await?;
            authority.delete_administrator(&ctx, &permit, found.id).await.map_err(explain)?;
            admin.show(&json!({ "name": found.name, "deleted": true }), || format!("Deleted {}.", found.name))
        }
        cli::Administrator::ResetFactor { name } => {
            let found = by_name(authority, &permit, name).await?;
            show_link(admin, &authority.reset_administrator(&ctx, &permit, found.id).await.map_err(explain)?)
        }
    }
}

impl From<&AdministratorRole> for Role {
    fn from(role: &AdministratorRole) -> Self {
        match role {
            AdministratorRole::Owner => Self::Owner,
            AdministratorRole::Operator => Self::Operator,
            AdministratorRole::ReadOnly => Self::ReadOnly,
        }
    }
}

/// The address of the first owner's one-time link, as long as nobody can use the console.
pub async fn first_link(authority: &Authority, ctx: &Ctx) -> Result<Option<String>> {
    let secret = authority.first_administrator_link(ctx).await.map_err(explain)?;
    Ok(secret.map(|secret| format!("{}/console/begin/{}", authority.public_url(), secret.expose())))
}

fn over_administrators() -> Permit {
    Caller::Operator.permit(Scope::All, ProjectId::INSTALLATION).expect("the operator may do everything")
}

async fn by_name(authority: &Authority, permit: &Permit, name: &str) -> Result<Administrator> {
    let found = authority.administrator_by_name(permit, name).await;
    found.map_err(explain).with_context(|| format!("administrator {name}"))
}

fn view(of: &Administrator) -> Value {
    json!({
        "id": of.id,
        "name": of.name,
        "role": of.role.as_str(),
        "created_at": of.created_at.rfc3339(),
        "signed_in_at": of.signed_in_at.map(Timestamp::rfc3339),
    })
}

fn list(admin: &Admin, all: &[Administrator]) -> Result<()> {
    let value: Value = all.iter().map(view).collect();
    admin.show(&value, || {
        let row = |of: &Administrator| {
            let signed_in = of.signed_in_at.map_or_else(|| "never".to_owned(), Timestamp::rfc3339);
            vec![of.name.clone(), of.role.as_str().to_owned(), signed_in]
        };
        table(&["name", "role", "signed in"], &all.iter().map(row).collect::<Vec<_>>())
    })
}

fn show_link(admin: &Admin, made: &MintedAdministrator) -> Result<()> {
    let link = format!("{}/console/begin/{}", admin.authority().public_url(), made.link.expose());
    let mut value = view(&made.administrator);
    value["link"] = link.clone().into();
    admin.show(&value, || format!("{} begins here, once, within 24 hours:\n  {link}", made.administrator.name))
}
