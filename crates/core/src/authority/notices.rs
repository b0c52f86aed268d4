//! People are told by mail when what opens their account changes, whoever changed it and on whichever face (ASVS 6.3.7).
//!
//! The mail goes to the address that was theirs before the change, holds no link and nothing that the one who changed it wrote.

use super::Authority;
use crate::{
    context::Ctx,
    error::AuthError,
    identity::{Identifier, Identity},
    ids::{IdentityId, ProjectId},
    mail::Message,
    project::Project,
};

impl Authority {
    /// Tells somebody that their password was set, that a key of theirs was made, or that a provider opens their account. There is nothing
    /// to tell whoever has no address, such as guests and services.
    ///
    /// The change is done, so what fails here is no refusal of it.
    pub(super) async fn tell_owner(&self, ctx: &Ctx, project: ProjectId, owner: IdentityId, message: Message) {
        let found = self
            .store
            .read(move |tx| Ok::<_, AuthError>((tx.project(project)?, tx.identity(owner)?, tx.identifiers(owner)?)));
        let (project, owner, held) = match found.await {
            Ok((Some(project), Some(owner), held)) => (project, owner, held),
            Ok(_) => return,
            Err(cause) => {
                tracing::error!(code = "mail_dropped", mail = ?message, %cause, "whose mail it is cannot be read");
                return;
            }
        };
        let addresses =
            held.into_iter().map(|held| held.identifier).filter(|found| found.scheme() == Identifier::EMAIL);
        self.tell_addresses(ctx, &project, &owner, addresses, &message);
    }

    /// Tells the addresses that were somebody's until now.
    pub(super) fn tell_addresses(
        &self,
        ctx: &Ctx,
        project: &Project,
        owner: &Identity,
        addresses: impl IntoIterator<Item = Identifier>,
        message: &Message,
    ) {
        for address in addresses {
            self.mail(ctx, project, owner, &address, message.clone());
        }
    }
}
