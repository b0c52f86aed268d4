//! `identity`: members, guests and the rest.

use std::io;

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::Registration,
    caller::{Permit, Scope},
    error::Noun,
    identity::{Identity, IdentityFilter, IdentityKind, Profile},
    password::PasswordHash,
    project::ProjectRef,
    secret::Password,
};
use serde_json::{Map, Value};

use crate::{
    admin::{Admin, id},
    cli::{self, NewPassword, Whom},
    exit::{Refused, explain},
    output::{fields, plain, table},
    provision::generated_password,
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Identity) -> Result<()> {
    let (authority, ctx) = (admin.authority(), admin.ctx());
    match command {
        cli::Identity::List { of, page, kind } => list(admin, of, page, kind.as_deref()).await,
        cli::Identity::Show(whom) => {
            let (_, found) = find(admin, whom).await?;
            show(admin, &found, None).await
        }
        cli::Identity::Create { of, email, given_name, family_name, nickname, password } => {
            let profile = Profile {
                given_name: given_name.clone(),
                family_name: family_name.clone(),
                nickname: nickname.clone(),
                ..Profile::default()
            };
            create(admin, of, email, profile, password).await
        }
        cli::Identity::Suspend(whom) | cli::Identity::Restore(whom) => {
            let (permit, found) = find(admin, whom).await?;
            let suspended = matches!(command, cli::Identity::Suspend(_));
            let changed = authority.suspend_identity(&ctx, &permit, found.id, suspended).await;
            show(admin, &changed.map_err(explain)?, None).await
        }
        cli::Identity::Unlock(whom) => {
            let (permit, found) = find(admin, whom).await?;
            authority.unlock_identity(&ctx, &permit, found.id).await.map_err(explain)?;
            let (_, found) = find(admin, whom).await?;
            show(admin, &found, None).await
        }
        cli::Identity::Erase { whom, yes: _ } => {
            let (permit, found) = find(admin, whom).await?;
            let erased = authority.erase_identity(&ctx, &permit, found.id).await.map_err(explain)?;
            show(admin, &erased, None).await
        }
        cli::Identity::SetPassword { whom, password } => {
            let (permit, found) = find(admin, whom).await?;
            let made = put_password(admin, &permit, &found, password).await?;
            show(admin, &found, made).await
        }
    }
}

async fn find(admin: &Admin, whom: &Whom) -> Result<(Permit, Identity)> {
    let permit = admin.permit(&whom.of.project, Scope::IdentitiesWrite).await?;
    let found = admin.identity(&permit, &whom.identity).await?;
    Ok((permit, found))
}

async fn create(admin: &Admin, of: &cli::In, email: &str, profile: Profile, password: &NewPassword) -> Result<()> {
    let permit = admin.permit(&of.project, Scope::IdentitiesWrite).await?;
    let hash = password.password_hash.clone();
    if let Some(hash) = &hash {
        // Before there is an account that would lack it.
        PasswordHash::import(hash.clone()).map_err(explain)?;
    }
    // An imported hash takes the place of a password that nobody ever sees.
    let first = if password.password_stdin { read_password()? } else { made_password(admin) };
    let registration = Registration {
        project: ProjectRef::Id(permit.project()),
        email: email.to_owned(),
        password: first.clone(),
        profile,
        attributes: Map::new(),
        vouched: Some(permit.clone()),
        verify: None,
    };
    let made = admin.authority().register(&admin.ctx(), registration).await.map_err(explain)?;
    if let Some(hash) = hash {
        let imported = admin.authority().import_password(&admin.ctx(), &permit, made.id, &hash).await;
        imported.map_err(explain)?;
    }
    show(admin, &made, password.generate.then_some(first)).await
}

/// Sets a password and returns it if it was made here.
async fn put_password(
    admin: &Admin,
    permit: &Permit,
    identity: &Identity,
    password: &NewPassword,
) -> Result<Option<Password>> {
    let (authority, ctx) = (admin.authority(), admin.ctx());
    if let Some(hash) = &password.password_hash {
        authority.import_password(&ctx, permit, identity.id, hash).await.map_err(explain)?;
        return Ok(None);
    }
    let new = if password.generate { made_password(admin) } else { read_password()? };
    authority.set_password(&ctx, permit, identity.id, new.clone()).await.map_err(explain)?;
    Ok(password.generate.then_some(new))
}

/// A password that is made here.
pub(super) fn made_password(admin: &Admin) -> Password {
    generated_password(admin.authority().entropy().as_ref())
}

/// The password on standard input.
pub(super) fn read_password() -> Result<Password> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("no password on standard input")?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Refused::because("no password on standard input"));
    }
    Ok(Password::new(password))
}

async fn list(admin: &Admin, of: &cli::In, page: &cli::Page, kind: Option<&str>) -> Result<()> {
    let permit = admin.permit(&of.project, Scope::IdentitiesRead).await?;
    let after = page.after.as_deref().map(|after| id(after, Noun::Identity)).transpose()?;
    let kind = kind.map(|text| {
        let unknown = || Refused::because(format_args!("no kind `{text}`: member, guest, external, endpoint, service"));
        IdentityKind::parse(text).ok_or_else(unknown)
    });
    let filter = IdentityFilter { kind: kind.transpose()? };
    let found = admin.authority().identities(&permit, filter, after, page.limit).await.map_err(explain)?;
    let mut views = Vec::with_capacity(found.len());
    for identity in &found {
        let held = admin.authority().identifiers(identity.id).await.map_err(explain)?;
        views.push(views::identity(identity, Some(&held)));
    }
    let name = |view: &Value| {
        let identifiers = view["identifiers"].as_array().into_iter().flatten();
        let email = identifiers.filter(|held| held["scheme"] == "email").map(|held| plain(&held["value"])).next();
        email.unwrap_or_else(|| plain(&view["profile"]["nickname"]))
    };
    let row = |view: &Value| vec![plain(&view["id"]), plain(&view["kind"]), name(view), views::state(view)];
    let rows: Vec<_> = views.iter().map(row).collect();
    admin.show(&views.into(), || table(&["id", "kind", "name", "state"], &rows))
}

/// Shows an identity, with a password that was made for it just now.
async fn show(admin: &Admin, identity: &Identity, made: Option<Password>) -> Result<()> {
    let held = admin.authority().identifiers(identity.id).await.map_err(explain)?;
    let mut view = views::identity(identity, Some(&held));
    if let Some(made) = &made {
        view["password"] = made.expose().into();
    }
    let note = if made.is_some() { "\nThe password is not shown again." } else { "" };
    admin.show(&view, || format!("{}{note}", fields(&view)))
}
