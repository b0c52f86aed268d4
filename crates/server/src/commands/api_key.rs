//! `api-key`: how back ends prove themselves.

use anyhow::{Context as _, Result};
use ringfence_core::{authority::ApiKeyRequest, caller::Scope, credential::Credential, error::Noun};
use serde_json::json;

use super::{application, lifetime};
use crate::{
    admin::{Admin, id},
    cli,
    exit::explain,
    output::{fields, plain, table},
    provision::scopes,
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::ApiKey) -> Result<()> {
    let authority = admin.authority();
    match command {
        cli::ApiKey::List { of, page } => {
            let permit = admin.permit(&of.project, Scope::CredentialsWrite).await?;
            let after = page.after.as_deref().map(|after| id(after, Noun::Credential)).transpose()?;
            list(admin, &authority.api_keys(&permit, after, page.limit).await.map_err(explain)?)
        }
        cli::ApiKey::Create { of, name, scopes, application, lifetime: span } => {
            create(admin, of, name, scopes, application.as_deref(), span.as_deref()).await
        }
        cli::ApiKey::Revoke { of, id: text } => {
            let permit = admin.permit(&of.project, Scope::CredentialsWrite).await?;
            let key = id(text, Noun::Credential)?;
            let revoked = authority.revoke_api_key(&admin.ctx(), &permit, key).await;
            revoked.map_err(explain).with_context(|| format!("API key {text}"))?;
            admin.show(&json!({ "id": text, "revoked": true }), || format!("Revoked {text}."))
        }
    }
}

async fn create(
    admin: &Admin,
    of: &cli::In,
    name: &str,
    wanted: &[String],
    application: Option<&str>,
    span: Option<&str>,
) -> Result<()> {
    let permit = admin.permit(&of.project, Scope::CredentialsWrite).await?;
    let ctx = admin.ctx();
    let application = match application {
        Some(named) => Some(application::by_name(admin, &permit, named).await?.id),
        None => None,
    };
    let request = ApiKeyRequest {
        label: name.to_owned(),
        scopes: scopes(wanted)?,
        application,
        expires_at: lifetime(span)?.map(|span| ctx.now + span),
        value: None,
    };
    let minted = admin.authority().create_api_key(&ctx, &permit, request).await.map_err(explain)?;
    let mut view = views::api_key(&minted.credential);
    view["value"] = minted.value.expose().into();
    admin.show(&view, || format!("{}\nThe value is not shown again.", fields(&view)))
}

fn list(admin: &Admin, found: &[Credential]) -> Result<()> {
    let views: Vec<_> = found.iter().map(views::api_key).collect();
    let row = |(key, view): (&Credential, &serde_json::Value)| {
        vec![
            key.id.to_string(),
            key.label.clone(),
            plain(&view["scopes"]),
            plain(&view["expires_at"]),
            views::state(view),
        ]
    };
    let rows: Vec<_> = found.iter().zip(&views).map(row).collect();
    admin.show(&views.into(), || table(&["id", "name", "scopes", "expires", "state"], &rows))
}
