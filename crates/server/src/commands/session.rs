//! `session`: who is signed in, and the end of that.

use anyhow::{Context as _, Result};
use ringfence_core::{
    caller::Scope,
    error::Noun,
    session::{Session, SessionsOf},
};
use serde_json::json;

use crate::{
    admin::{Admin, id},
    cli,
    exit::explain,
    output::{fields, plain, table},
    views,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Session) -> Result<()> {
    let (authority, ctx) = (admin.authority(), admin.ctx());
    match command {
        cli::Session::List { of, page, identity } => {
            let permit = admin.permit(&of.project, Scope::SessionsWrite).await?;
            let of = match identity {
                Some(named) => SessionsOf::Identity(admin.identity(&permit, named).await?.id),
                None => SessionsOf::Project(permit.project()),
            };
            let after = page.after.as_deref().map(|after| id(after, Noun::Session)).transpose()?;
            list(admin, &authority.sessions(&ctx, &permit, of, after, page.limit).await.map_err(explain)?)
        }
        cli::Session::Show { of, id: text } => {
            let permit = admin.permit(&of.project, Scope::SessionsWrite).await?;
            let found = authority.session(&permit, id(text, Noun::Session)?).await;
            let view = views::session(&found.map_err(explain).with_context(|| format!("session {text}"))?);
            admin.show(&view, || fields(&view))
        }
        cli::Session::Revoke { of, which } => {
            let permit = admin.permit(&of.project, Scope::SessionsWrite).await?;
            let of = match (&which.id, &which.identity) {
                (Some(text), _) => SessionsOf::Session(id(text, Noun::Session)?),
                (None, named) => {
                    let named = named.as_deref().unwrap_or_default();
                    SessionsOf::Identity(admin.identity(&permit, named).await?.id)
                }
            };
            let ended = authority.revoke_sessions(&ctx, &permit, of).await.map_err(explain)?;
            admin.show(&json!({ "revoked": ended }), || match ended.len() {
                0 => "No session was live.".to_owned(),
                1 => "Ended 1 session.".to_owned(),
                count => format!("Ended {count} sessions."),
            })
        }
    }
}

fn list(admin: &Admin, found: &[Session]) -> Result<()> {
    let views: Vec<_> = found.iter().map(views::session).collect();
    let columns = ["id", "identity_id", "dialect", "amr", "auth_time", "expires_at"];
    let row = |view: &serde_json::Value| columns.iter().map(|column| plain(&view[*column])).collect();
    let rows: Vec<Vec<String>> = views.iter().map(row).collect();
    admin.show(&views.into(), || table(&["id", "identity", "dialect", "by", "since", "until"], &rows))
}
