//! `endpoint`: devices and SIP accounts.

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::EndpointRequest,
    caller::{Permit, Scope},
    endpoint::{Endpoint, EndpointFilter, Window},
    error::{AuthError, Noun},
};
use serde_json::Value;

use super::{endpoint_group, lifetime};
use crate::{
    admin::Admin,
    cli::{self, WhichEndpoint},
    exit::explain,
    output::{fields, plain, table},
    provision::endpoint_named,
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Endpoint) -> Result<()> {
    let (authority, ctx) = (admin.authority(), admin.ctx());
    match command {
        cli::Endpoint::List { of, group, tag, part } => {
            let permit = admin.permit(&of.project, Scope::IdentitiesRead).await?;
            let group = match group {
                Some(named) => Some(endpoint_group::by_name(admin, &permit, named).await?.group.number),
                None => None,
            };
            let filter = EndpointFilter { group, tag: tag.clone(), ..EndpointFilter::default() };
            let window = Window { offset: part.offset, limit: part.limit };
            let listed = authority.endpoints(&ctx, &permit, filter, window).await.map_err(explain)?;
            list(admin, &permit, &listed.items).await
        }
        cli::Endpoint::Show { which, secret } => {
            let (permit, found) = find(admin, which).await?;
            show(admin, &permit, &found, *secret).await
        }
        cli::Endpoint::Create { of, user_name, group, name, tag, lifetime: span } => {
            let permit = admin.permit(&of.project, Scope::CredentialsWrite).await?;
            let wanted = EndpointRequest {
                group: endpoint_group::by_name(admin, &permit, group).await?.group.number,
                user_name: user_name.clone(),
                name: name.clone().unwrap_or_else(|| user_name.clone()),
                tag: tag.clone(),
                expires_at: lifetime(span.as_deref())?.map(|span| ctx.now + span),
            };
            let made = authority.create_endpoint(&ctx, &permit, wanted).await.map_err(explain)?;
            show(admin, &permit, &made, true).await
        }
        cli::Endpoint::Suspend(which) | cli::Endpoint::Restore(which) => {
            let (permit, found) = find(admin, which).await?;
            let suspended = matches!(command, cli::Endpoint::Suspend(_));
            authority.suspend_identity(&ctx, &permit, found.id, suspended).await.map_err(explain)?;
            show(admin, &permit, &found, false).await
        }
        cli::Endpoint::Delete { which, yes: _ } => {
            let (permit, found) = find(admin, which).await?;
            let gone = authority.delete_endpoint(&ctx, &permit, found.id).await.map_err(explain)?;
            show(admin, &permit, &gone, false).await
        }
    }
}

/// An endpoint by id or user name.
async fn find(admin: &Admin, which: &WhichEndpoint) -> Result<(Permit, Endpoint)> {
    let permit = admin.permit(&which.of.project, Scope::CredentialsWrite).await?;
    let named = which.endpoint.as_str();
    let authority = admin.authority();
    let found = if let Ok(id) = named.parse() {
        authority.endpoint(&permit, id).await.map_err(explain)
    } else {
        let found = endpoint_named(authority, &admin.ctx(), &permit, named).await?;
        found.ok_or_else(|| explain(AuthError::NotFound(Noun::Identity)))
    };
    Ok((permit, found.with_context(|| format!("endpoint {named}"))?))
}

async fn view(admin: &Admin, permit: &Permit, endpoint: &Endpoint) -> Result<Value> {
    let identity = admin.authority().identity(permit, endpoint.id).await.map_err(explain)?;
    Ok(views::endpoint(endpoint, &identity, admin.ctx().now))
}

async fn list(admin: &Admin, permit: &Permit, found: &[Endpoint]) -> Result<()> {
    let mut views = Vec::with_capacity(found.len());
    for endpoint in found {
        views.push(view(admin, permit, endpoint).await?);
    }
    let columns = ["id", "user_name", "name", "group_number", "tag"];
    let row = |view: &Value| {
        let mut row: Vec<_> = columns.iter().map(|column| plain(&view[*column])).collect();
        row.push(views::state(view));
        row
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    admin.show(&views.into(), || table(&["id", "user name", "name", "group", "tag", "state"], &rows))
}

async fn show(admin: &Admin, permit: &Permit, endpoint: &Endpoint, with_secret: bool) -> Result<()> {
    let mut view = view(admin, permit, endpoint).await?;
    if with_secret {
        let secret = admin.authority().endpoint_secret(permit, endpoint).map_err(explain)?;
        view["secret"] = secret.expose().into();
    }
    admin.show(&view, || fields(&view))
}
