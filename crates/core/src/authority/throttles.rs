//! Who has to wait, and letting them off.

use super::Authority;
use crate::{
    audit::Audit,
    caller::{Permit, Scope},
    context::Ctx,
    error::AuthError,
    ids::ProjectId,
    throttle::{ThrottleKey, Waiting},
};

impl Authority {
    /// Who has to wait, the longest first. Addresses know no project, so the permit is for the installation.
    pub async fn waiting(&self, ctx: &Ctx, permit: &Permit, limit: u32) -> Result<Vec<Waiting>, AuthError> {
        over_installation(permit)?;
        let now = ctx.now;
        self.store.read(move |tx| Ok(tx.waiting(now, limit)?)).await
    }

    /// Forgets the failures of a key, so that nobody waits for them any more.
    pub async fn let_off(&self, ctx: &Ctx, permit: &Permit, key: ThrottleKey) -> Result<(), AuthError> {
        over_installation(permit)?;
        permit.must_hold(Scope::IdentitiesWrite)?;
        let actor = permit.actor();
        self.commit(ctx, move |tx, log| {
            tx.reset_throttle(&key)?;
            log.record(Audit::new(ProjectId::INSTALLATION, actor, "throttle.lifted", &key.as_str()));
            Ok(())
        })
        .await
    }
}

fn over_installation(permit: &Permit) -> Result<(), AuthError> {
    if permit.project() == ProjectId::INSTALLATION {
        return Ok(());
    }
    Err(AuthError::Forbidden { needs: Scope::IdentitiesRead })
}
