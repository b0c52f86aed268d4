//! `endpoint-group`: endpoints that are switched on and off as one.

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::{GroupChange, GroupRequest},
    caller::{Permit, Scope},
    endpoint::{Endpoint, GroupFilter, GroupNumber, GroupOrder, Window},
    error::{AuthError, Noun},
    secret::Password,
};
use serde_json::{Map, Value};

use super::identity::{made_password, read_password};
use crate::{
    admin::Admin,
    cli::{self, NewSecret, WhichGroup},
    exit::{Refused, explain},
    output::{fields, plain, table},
    provision::endpoint_groups,
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::EndpointGroup) -> Result<()> {
    let (authority, ctx) = (admin.authority(), admin.ctx());
    match command {
        cli::EndpointGroup::List { of, part } => {
            let permit = admin.permit(&of.project, Scope::IdentitiesRead).await?;
            let window = Window { offset: part.offset, limit: part.limit };
            let listed = authority.endpoint_groups(&permit, GroupFilter::default(), GroupOrder::NEWEST_FIRST, window);
            list(admin, &listed.await.map_err(explain)?.items)
        }
        cli::EndpointGroup::Show { which, secret } => {
            let (permit, found) = find(admin, which).await?;
            show(admin, &permit, &found, *secret)
        }
        cli::EndpointGroup::Create { of, name, user_name, password } => {
            let permit = admin.permit(&of.project, Scope::CredentialsWrite).await?;
            let wanted = GroupRequest {
                name: name.clone(),
                user_name: user_name.clone(),
                password: Some(new_password(admin, password)?),
                attributes: Map::new(),
                outbound_profile: None,
                disabled: false,
            };
            let made = authority.create_endpoint_group(&ctx, &permit, wanted).await.map_err(explain)?;
            show(admin, &permit, &made, password.generate)
        }
        cli::EndpointGroup::SetPassword { which, password } => {
            let change = GroupChange { password: Some(new_password(admin, password)?), ..GroupChange::default() };
            put(admin, which, change, password.generate).await
        }
        cli::EndpointGroup::Disable(which) | cli::EndpointGroup::Enable(which) => {
            let disabled = Some(matches!(command, cli::EndpointGroup::Disable(_)));
            put(admin, which, GroupChange { disabled, ..GroupChange::default() }, false).await
        }
        cli::EndpointGroup::Delete { which, yes: _ } => {
            let (permit, found) = find(admin, which).await?;
            let gone = authority.delete_endpoint_group(&ctx, &permit, found.group.number).await.map_err(explain)?;
            show(admin, &permit, &gone, false)
        }
    }
}

/// The account of a group by number, user name or name.
pub(super) async fn by_name(admin: &Admin, permit: &Permit, named: &str) -> Result<Endpoint> {
    if let Some(number) = GroupNumber::parse(named) {
        match admin.authority().endpoint_group(permit, number).await {
            Err(AuthError::NotFound(_)) => {}
            found => return found.map_err(explain),
        }
    }
    let mut groups = endpoint_groups(admin.authority(), permit).await?;
    if let Some(at) = groups.iter().position(|account| account.user_name == named) {
        return Ok(groups.swap_remove(at));
    }
    let mut called = groups.into_iter().filter(|account| account.group.name == named);
    match (called.next(), called.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => {
            Err(Refused::because(format_args!("several groups are called {named}: say a number or a user name")))
        }
        (None, _) => {
            Err(explain(AuthError::NotFound(Noun::EndpointGroup))).with_context(|| format!("endpoint group {named}"))
        }
    }
}

async fn find(admin: &Admin, which: &WhichGroup) -> Result<(Permit, Endpoint)> {
    let permit = admin.permit(&which.of.project, Scope::CredentialsWrite).await?;
    let found = by_name(admin, &permit, &which.group).await?;
    Ok((permit, found))
}

async fn put(admin: &Admin, which: &WhichGroup, change: GroupChange, with_secret: bool) -> Result<()> {
    let (permit, found) = find(admin, which).await?;
    let changed = admin.authority().change_endpoint_group(&admin.ctx(), &permit, found.group.number, change).await;
    show(admin, &permit, &changed.map_err(explain)?, with_secret)
}

fn new_password(admin: &Admin, wanted: &NewSecret) -> Result<Password> {
    if wanted.generate { Ok(made_password(admin)) } else { read_password() }
}

fn list(admin: &Admin, found: &[Endpoint]) -> Result<()> {
    let views: Vec<_> = found.iter().map(views::endpoint_group).collect();
    let row = |view: &Value| {
        let mut row: Vec<_> = ["number", "name", "user_name"].iter().map(|column| plain(&view[*column])).collect();
        row.push(views::state(view));
        row
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    admin.show(&views.into(), || table(&["number", "name", "user name", "state"], &rows))
}

fn show(admin: &Admin, permit: &Permit, account: &Endpoint, with_secret: bool) -> Result<()> {
    let mut view = views::endpoint_group(account);
    if with_secret {
        let secret = admin.authority().endpoint_secret(permit, account).map_err(explain)?;
        view["password"] = secret.expose().into();
    }
    admin.show(&view, || fields(&view))
}
