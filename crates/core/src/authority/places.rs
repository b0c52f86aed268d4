//! Where somebody is at home whose sign-in named no application, and who else is there.

use super::{
    Authenticated, Authority,
    authenticate::{allow_way, resolve},
    memberships::is_confined_elsewhere,
};
use crate::{
    application::{Application, WayIn},
    error::{AuthError, Noun},
    identity::{Identity, IdentityKind},
    ids::ApplicationId,
    project::ProjectRef,
    store::Tx,
};

/// How many applications are looked at at once.
const PAGE: u32 = 100;

impl Authority {
    /// The application that the caller is at home in, with its name in `scheme`: the one of their session; else the first in
    /// which they have a place; else the first of their project. One without such a name, switched off or closed to the way
    /// they came is passed over.
    pub async fn home_application(
        &self,
        who: &Authenticated,
        scheme: &'static str,
    ) -> Result<(Application, String), AuthError> {
        let who = who.clone();
        self.store
            .read(move |tx| {
                if let Some(own) = who.session.as_ref().and_then(|session| session.application) {
                    return known_as(tx, &who, own, scheme)?.ok_or(AuthError::NotFound(Noun::Application));
                }
                for place in tx.memberships_of(who.identity.id)? {
                    if place.disabled_at.is_none()
                        && let Some(found) = known_as(tx, &who, place.application, scheme)?
                    {
                        return Ok(found);
                    }
                }
                let mut after = None;
                loop {
                    let page = tx.applications(who.project.id, after, PAGE)?;
                    for application in &page {
                        if let Some(found) = known_as(tx, &who, application.id, scheme)? {
                            return Ok(found);
                        }
                    }
                    after = Some(page.last().ok_or(AuthError::NotFound(Noun::Application))?.id);
                }
            })
            .await
    }

    /// The application that a request names, if the caller's session is good for it and it lets people in the way they came.
    pub async fn enter_application(
        &self,
        who: &Authenticated,
        reference: ProjectRef,
    ) -> Result<Application, AuthError> {
        let application = self.application_for(who, reference).await?;
        if came_by_password(who) {
            allow_way(Some(&application), WayIn::Password)?;
        }
        Ok(application)
    }

    /// Members who have a place in the application, as the others there see them; nobody but themselves for whoever has none
    /// there.
    pub async fn colleagues(
        &self,
        who: &Authenticated,
        application: ApplicationId,
        limit: u32,
    ) -> Result<Vec<Identity>, AuthError> {
        let who = who.clone();
        self.store
            .read(move |tx| {
                let (_, found) = resolve(tx, &ProjectRef::Application(application))?;
                let found = found.filter(|found| found.project == who.project.id);
                let application = found.ok_or(AuthError::ApplicationMismatch)?.id;
                let place = tx.membership(application, who.identity.id)?;
                let has_place = place.is_some_and(|place| place.disabled_at.is_none());
                if !has_place || is_confined_elsewhere(&who, application) {
                    return Ok(vec![Identity::clone(&who.identity)]);
                }
                let (members, _) = tx.members(who.project.id, Some(application), 0, limit)?;
                Ok(members
                    .into_iter()
                    .filter(|found| found.kind == IdentityKind::Member && found.standing.is_active())
                    .collect())
            })
            .await
    }
}

fn came_by_password(who: &Authenticated) -> bool {
    who.session.as_ref().is_some_and(|session| session.amr.iter().any(|method| method == "pwd"))
}

fn known_as(
    tx: &mut dyn Tx,
    who: &Authenticated,
    id: ApplicationId,
    scheme: &str,
) -> Result<Option<(Application, String)>, AuthError> {
    let application = tx.application(id)?.filter(|found| found.project == who.project.id);
    let Some(application) = application.filter(|found| found.disabled_at.is_none()) else { return Ok(None) };
    if is_confined_elsewhere(who, id)
        || (came_by_password(who) && allow_way(Some(&application), WayIn::Password).is_err())
    {
        return Ok(None);
    }
    let name = tx.aliases(id)?.into_iter().find(|name| name.scheme == scheme);
    Ok(name.map(|name| (application, name.value)))
}
