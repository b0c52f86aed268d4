//! `apply`: projects as a file says.

use anyhow::Result;

use crate::{
    admin::Admin,
    cli::Apply,
    provision::{self, Manner},
};

/// Applies a provisioning file and shows what that did, or would do.
pub async fn run(admin: &Admin, apply: &Apply) -> Result<()> {
    let manner = Manner { dry_run: apply.dry_run, prune: apply.prune };
    let plan = provision::apply(admin.authority(), &apply.file, manner).await?;
    admin.show(&plan.json(), || plan.text())
}
