//! Provisioning: bringing the database to what a file says, over and over with the same outcome.
//!
//! `file` is what may stand in it, `plan` what is said about it, `walk` goes through a project, `parts`, `endpoints` and `webhooks`
//! through what a project has. The same walk plans and applies: planning only looks.

mod endpoints;
mod file;
mod parts;
mod plan;
mod walk;
mod webhooks;

use std::path::Path;

use anyhow::Result;
use ringfence_core::authority::Authority;

pub use self::{
    endpoints::{endpoint_groups, endpoint_named},
    file::{ALIAS_SCHEMES, File, alias_scheme},
    parts::{generated_password, scopes},
    plan::{Action, Plan},
    webhooks::event_kinds,
};

/// How to apply a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Only look.
    pub dry_run: bool,
    /// Also take away what the file does not name.
    pub prune: bool,
}

/// Reads a file and applies it. It is planned to the end first, so that what can be seen to fail changes nothing.
pub async fn apply(authority: &Authority, path: &Path, manner: Manner) -> Result<Plan> {
    let file = File::read(path)?;
    let planned = walk::walk(authority, &file, Manner { dry_run: true, ..manner }).await?;
    if manner.dry_run { Ok(planned) } else { walk::walk(authority, &file, manner).await }
}
