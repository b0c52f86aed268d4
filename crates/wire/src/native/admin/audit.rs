//! The audit log.

use axum::extract::State;
use ringfence_core::{
    audit::{AuditEvent, Link},
    authority::AuditVerdict,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        caller::{Admin, ProjectsRead},
        input::{Asked, Listing, Page},
        problem::Problem,
    },
};

/// An entry.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct Entry {
    /// Its place in the chain, from 1.
    seq: i64,
    /// Base64url SHA-256 over the entry and the hash before.
    hash: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who, e.g. `identity:` and an id.
    actor: String,
    /// What, e.g. `session.started`.
    action: String,
    /// On whom or what.
    subject: String,
    /// Circumstances.
    #[schema(value_type = Object)]
    detail: Value,
}

impl Entry {
    fn of((event, link): (AuditEvent, Link)) -> Self {
        Self {
            seq: link.seq,
            hash: link.hash,
            at: event.at.rfc3339(),
            actor: event.actor,
            action: event.action,
            subject: event.subject,
            detail: Value::Object(event.detail),
        }
    }
}

/// The project's audit log, oldest first. Entries appear once they are linked, within seconds, and stay as long as the installation
/// keeps them.
#[utoipa::path(
    get, path = "/admin/audit", tag = "administration", params(Page),
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "A page", body = Listing<Entry>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<Entry>>, Problem> {
    let list = admin.list("audit");
    let after = page.after(&app, &list)?.unwrap_or(0);
    let found = app.authority.audit_log(&admin.permit, after, page.limit()?).await?;
    let position = |(_, link): &(AuditEvent, Link)| link.seq.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, Entry::of)?))
}

/// What a look at the chain found.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct Verdict {
    /// Whether every entry is what its hash says.
    intact: bool,
    /// Up to which entry all are in place, but for those that were removed by age.
    entries: i64,
    /// The first entry that is not what its hash says, or is missing.
    broken_at: Option<i64>,
}

/// Recomputes the chain of the audit log.
#[utoipa::path(
    post, path = "/admin/audit/verify", tag = "administration",
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "What was found", body = Verdict)),
)]
pub(in crate::native) async fn verify(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
) -> Result<axum::Json<Verdict>, Problem> {
    Ok(axum::Json(match app.authority.verify_own_audit(&admin.permit).await? {
        AuditVerdict::Intact(entries) => Verdict { intact: true, entries, broken_at: None },
        AuditVerdict::BrokenAt(seq) => Verdict { intact: false, entries: seq - 1, broken_at: Some(seq) },
    }))
}
