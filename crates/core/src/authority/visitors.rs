//! Visitors: what a guest may call itself.

use super::{Authority, assertions::named_id, authenticate::resolve};
use crate::{
    error::{AuthError, Noun},
    identity::{Identifier, IdentityKind},
    project::ProjectRef,
};

impl Authority {
    /// Refuses a name for a guest of an application that somebody with an account, or a user of its issuers, goes by: an id,
    /// an address, a subject. Whoever is erased keeps their id (ATTACKS N90).
    pub async fn refuse_known_name(&self, place: ProjectRef, name: &str) -> Result<(), AuthError> {
        let name = name.to_owned();
        self.store
            .read(move |tx| {
                let (project, application) = resolve(tx, &place)?;
                if let Some(id) = named_id(&name)
                    && tx
                        .identity(id)?
                        .is_some_and(|found| found.project == project.id && found.kind != IdentityKind::Guest)
                {
                    return Err(AuthError::Conflict(Noun::Identity));
                }
                let subject = application.map(|application| Identifier::asserted(application.id, &name));
                for identifier in [Some(Identifier::email(&name)), subject].into_iter().flatten() {
                    if tx.identity_by_identifier(project.id, &identifier)?.is_some() {
                        return Err(AuthError::Conflict(Noun::Identity));
                    }
                }
                Ok(())
            })
            .await
    }
}
