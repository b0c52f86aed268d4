//! The audit log as its project reads it.

use super::{AuditVerdict, Authority};
use crate::{
    audit::{Audit, AuditEvent, Link},
    caller::Permit,
    context::Ctx,
    error::AuthError,
};

impl Authority {
    /// Entries of the permit's project after the `after`th, in order. The newest seconds may be missing: entries are listed
    /// once they are linked.
    pub async fn audit_log(
        &self,
        permit: &Permit,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(AuditEvent, Link)>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.audit_log(project, after, limit)?)).await
    }

    /// The numbers of the oldest and the newest linked entry of the permit's project; 1 and 0 when there is none.
    pub async fn audit_span(&self, permit: &Permit) -> Result<(i64, i64), AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let oldest = tx.audit_log(project, 0, 1)?.pop().map_or(1, |(_, link)| link.seq);
                Ok((oldest, tx.audit_head(project)?.map_or(0, |head| head.seq)))
            })
            .await
    }

    /// Recomputes the audit chain of the permit's project.
    pub async fn verify_own_audit(&self, permit: &Permit) -> Result<AuditVerdict, AuthError> {
        self.verify_audit(permit.project()).await
    }

    /// Leaves a trace of somebody who asked for what is not there, or is not theirs to know of (ATTACKS N89).
    pub async fn record_vain_look(&self, ctx: &Ctx, permit: &Permit, at: String) -> Result<(), AuthError> {
        let permit = permit.clone();
        self.commit(ctx, move |_, log| {
            log.record(Audit::new(permit.project(), permit.actor(), "lookup.refused", &at));
            Ok(())
        })
        .await
    }
}
